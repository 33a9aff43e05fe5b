//! The verdict, and how sure it is.

use crate::judgement::digest::Digest;
use crate::model::{Confidence, Outcome, Report, Subject};
use crate::render::document::{Block, Rank, Section, Tone};
use crate::render::terminal::{Summary, verdict as text};

pub(super) fn headline(summary: &Summary<'_>) -> (Tone, &'static str, String) {
    let (ink, word, headline) = text::headline(summary);
    (Tone::of(ink), word, headline)
}

pub(super) fn section(
    report: &Report<()>,
    summary: &Summary<'_>,
    digest: &Digest,
) -> Option<Section> {
    let mut blocks = Vec::new();
    if report.run.scripted {
        let text = "SCRIPTED CLOCK: a test of the program, not a measurement.";
        blocks.push(Block::Paragraph(text.to_owned()));
    }
    blocks.extend(text::rate(summary).map(Block::Paragraph));
    blocks.push(Block::Paragraph(certainty(report, digest)));
    let reasons: Vec<String> = report.verdict.reasons.iter().take(50).cloned().collect();
    if !reasons.is_empty() {
        blocks.push(Block::Points(reasons));
    }
    super::section("Verdict", Rank::Core, blocks)
}

fn certainty(report: &Report<()>, digest: &Digest) -> String {
    let subject = match report.verdict.subject {
        Subject::Hardware => "the hardware and its firmware",
        Subject::HypervisorAndBelow => {
            "the hypervisor and all that lies below it, of which the hardware is only a part"
        }
    };
    let surety = match report.verdict.result {
        Outcome::Pass => String::from(
            "A pass says that no such stall fell into the covered time; the bound above says how \
             often one may still come.",
        ),
        Outcome::Inconclusive => {
            String::from("The evidence of this run allows neither a pass nor a fail.")
        }
        Outcome::Fail => {
            let worst = digest.worst.iter().find(|gap| gap.cause.is_platform());
            let confidence = worst.map_or(Confidence::None, |gap| gap.confidence);
            format!(
                "The cause of the worst listed stall is {}.",
                in_words(confidence)
            )
        }
    };
    format!("The verdict is about {subject}. {surety}")
}

pub(super) fn in_words(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Proved => "proved: the evidence excludes every other cause",
        Confidence::Strong => "strongly founded: one piece of evidence without a known exception",
        Confidence::Probable => "probable: the best of several explanations",
        Confidence::None => "not established",
    }
}
