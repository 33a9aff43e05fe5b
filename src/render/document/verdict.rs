//! The verdict, and how sure it is.

use crate::model::{Cause, Confidence, Outcome, Subject};
use crate::render::document::{Block, Rank, Section, Summary};
use crate::render::page::WIDTH;
use crate::render::style::Ink;
use crate::stats::rates;
use crate::text::human;

/// What stands below the answer where no clock was read.
pub(in crate::render) const SCRIPTED: &str =
    "SCRIPTED CLOCK: a test of the program, not a measurement.";

pub(super) fn section(summary: &Summary<'_>, headline: &str) -> Option<Section> {
    let mut blocks = Vec::new();
    if summary.report.run.scripted {
        blocks.push(Block::Paragraph(SCRIPTED.to_owned()));
    }
    blocks.extend(rate(summary).map(Block::Paragraph));
    blocks.push(Block::Paragraph(certainty(summary)));
    let reasons = further_reasons(summary, headline);
    blocks.push(Block::Points(reasons.take(50).cloned().collect()));
    super::section("Verdict", Rank::Main, blocks)
}

pub(in crate::render) fn further_reasons<'a>(
    summary: &Summary<'a>,
    headline: &'a str,
) -> impl Iterator<Item = &'a String> {
    let reasons = summary.report.verdict.reasons.iter();
    reasons.filter(move |&reason| reason != headline)
}

pub(in crate::render) fn headline(summary: &Summary<'_>) -> (Ink, &'static str, String) {
    let verdict = &summary.report.verdict;
    let limit = human::chosen(summary.report.run.hardlimit_ns);
    // A pass holds for each CPU only as long as the least covered one.
    let covered = summary.report.cpus.iter().map(|cpu| cpu.covered_ns).min();
    let covered = human::length(covered.unwrap_or_default());
    let cpus = human::counted(summary.report.cpus.len() as u64, "CPU");
    match (verdict.result, summary.in_guest()) {
        (Outcome::Pass, false) => (
            Ink::Good,
            "PASS (so far):",
            format!("no hardware stall above {limit} in {covered} covered on {cpus}"),
        ),
        (Outcome::Pass, true) => (
            Ink::Good,
            "PASS (so far):",
            format!("no stall above {limit} by hypervisor or below in {covered} on {cpus}"),
        ),
        (Outcome::Fail, guest) => {
            let stalls = verdict.platform_stalls.max(1);
            let subject = match guest {
                true => format!("{} by hypervisor or below", human::counted(stalls, "stall")),
                false => human::counted(stalls, "hardware stall"),
            };
            let worst = human::length(verdict.platform_max_ns);
            let cause = worst_cause(summary);
            let doubt = match is_contradicted(summary) {
                true => "; indicators contradict each other, see findings",
                false => "",
            };
            let text = format!("{subject} above {limit}, worst {worst}{cause}{doubt}");
            (Ink::Bad, "FAIL:", text)
        }
        (Outcome::Inconclusive, guest) => (
            Ink::Doubt,
            "INCONCLUSIVE:",
            inconclusive(summary, guest, &limit),
        ),
    }
}

/// Whether a finding forbids to trust what rests on the indicators of the kernel.
fn is_contradicted(summary: &Summary<'_>) -> bool {
    let mut ids = summary
        .report
        .findings
        .iter()
        .map(|finding| finding.id.as_str());
    ids.any(|id| matches!(id, "footprint-contradicted" | "ring-zero-contradicted"))
}

/// The main reason where it fits the line, else the bare fact.
fn inconclusive(summary: &Summary<'_>, guest: bool, limit: &str) -> String {
    match summary.report.verdict.reasons.first() {
        Some(reason) if "INCONCLUSIVE: ".len() + reason.len() <= WIDTH => reason.clone(),
        _ => {
            let subject = if guest {
                "hypervisor or below"
            } else {
                "the hardware"
            };
            format!("no verdict on stalls above {limit} by {subject}")
        }
    }
}

/// Cause and confidence of the longest platform gap, where its record is at
/// hand.
fn worst_cause(summary: &Summary<'_>) -> String {
    let longest = summary.report.verdict.platform_max_ns;
    let worst = summary
        .worst
        .iter()
        .find(|gap| gap.cause.is_platform() && gap.platform_ns == longest);
    match worst {
        // In a guest the subject of the sentence is the cause already.
        Some(gap) if gap.cause.alone() == Cause::Hypervisor => {
            format!(" ({})", gap.platform_confidence)
        }
        Some(gap) => format!(
            " ({}, {})",
            cause_name(gap.cause.alone()),
            gap.confidence.min(gap.platform_confidence)
        ),
        None => String::new(),
    }
}

pub(super) fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Smi => "SMI",
        Cause::SmiOs => "SMI and OS",
        Cause::Cpu => "CPU, no SMI",
        Cause::CpuOs => "CPU and OS",
        Cause::FirmwareOrCpu => "firmware or CPU",
        Cause::FirmwareOrCpuOs => "firmware or CPU, and OS",
        Cause::HypervisorOs => "hypervisor and OS",
        Cause::Hypervisor | Cause::Os | Cause::Unknown => cause.name(),
    }
}

/// What the count says of the true rate. An inconclusive run has no count that
/// could be relied on.
pub(in crate::render) fn rate(summary: &Summary<'_>) -> Option<String> {
    let verdict = &summary.report.verdict;
    let Some(upper) = verdict.platform_rate_upper95_per_hour else {
        return Some("No rate can be given: no time was covered.".to_owned());
    };
    let bound = format!("at most one every {}", each(upper));
    match verdict.result {
        Outcome::Inconclusive => None,
        Outcome::Fail => {
            let mut text = String::new();
            if verdict.platform_gaps > verdict.platform_stalls && summary.report.cpus.len() > 1 {
                let gaps = human::counted(verdict.platform_gaps, "gap");
                text.push_str(&format!(
                    "They appear as {gaps} because several CPUs recorded the same stall. "
                ));
            }
            if let Some(seen) = verdict.platform_rate_per_hour.filter(|seen| *seen > 0.0) {
                text.push_str(&format!("On average one every {}. ", each(seen)));
            }
            text.push_str(&format!("With 95 % confidence there is {bound}."));
            Some(text)
        }
        Outcome::Pass => {
            let mut text = format!("That is not \"none\": with 95 % confidence there is {bound}.");
            let hours = rates::hours_for_zero_to_show(1.0).filter(|_| upper > 1.0);
            if let Some(hours) = hours {
                text.push_str(&format!(
                    " To show less than one an hour takes {} covered without a stall.",
                    human::period(hours)
                ));
            }
            Some(text)
        }
    }
}

/// "3.33 s (1,080 an hour)".
fn each(per_hour: f64) -> String {
    let period = human::period(1.0 / per_hour);
    format!("{period} ({} an hour)", human::three_digits(per_hour))
}

fn certainty(summary: &Summary<'_>) -> String {
    let report = summary.report;
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
            let worst = summary.worst.iter().find(|gap| gap.cause.is_platform());
            let confidence = worst.map_or(Confidence::None, |gap| gap.confidence);
            format!(
                "The cause of the worst listed stall is {}.",
                in_words(confidence)
            )
        }
    };
    format!("The verdict is about {subject}. {surety}")
}

fn in_words(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Proved => "proved: the evidence excludes every other cause",
        Confidence::Strong => "strongly founded: one piece of evidence without a known exception",
        Confidence::Probable => "probable: the best of several explanations",
        Confidence::None => "not established",
    }
}
