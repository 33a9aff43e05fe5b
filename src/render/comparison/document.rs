//! A comparison as a document: the verdict, and the figures that it rests on.

use crate::compare::model::{Comparison, Side};
use crate::render::comparison::{cells, numbers};
use crate::render::document::{Block, Document, Rank, section};
use crate::text::human;

pub(super) fn document(comparison: &Comparison) -> Document {
    let (ink, word) = cells::word(comparison.verdict.result);
    let mut sections = vec![
        section("Verdict", Rank::Core, verdict(comparison)),
        section(
            "What changed between the sides",
            Rank::Core,
            changes(comparison),
        ),
        section("Stalls an hour", Rank::Core, rates(comparison)),
    ];
    sections.extend(
        (numbers::paragraphs(comparison).into_iter())
            .map(|(title, text)| section(title, Rank::Core, vec![Block::Paragraph(text)])),
    );
    sections.push(section("Compared", Rank::Core, compared(comparison)));
    sections.push(section("Origin", Rank::Core, origin(comparison)));
    Document {
        title: String::from("Latency before and after"),
        ink,
        word,
        headline: comparison.verdict.text.clone(),
        sections: sections.into_iter().flatten().collect(),
    }
}

/// What the headline leaves out. It may be nothing.
fn verdict(comparison: &Comparison) -> Vec<Block> {
    let reasons = numbers::reasons(comparison);
    let mut blocks = vec![Block::Points(
        reasons.into_iter().map(str::to_owned).collect(),
    )];
    blocks.extend(numbers::hours(comparison).map(Block::Paragraph));
    if !comparison.notes.is_empty() {
        let notes = comparison.notes.iter().map(|note| note.text.clone());
        blocks.push(Block::Paragraph(String::from("What weakens or bars it:")));
        blocks.push(Block::Points(notes.collect()));
    }
    blocks
}

fn changes(comparison: &Comparison) -> Vec<Block> {
    let rows = numbers::changed(comparison).into_iter().map(Vec::from);
    vec![
        Block::table(["field", "before", "after"], rows),
        Block::Paragraph(numbers::changes(comparison).to_owned()),
    ]
}

fn rates(comparison: &Comparison) -> Vec<Block> {
    let mut blocks = vec![Block::table(
        cells::rates_header(comparison),
        comparison.rates.iter().map(cells::rates_row),
    )];
    let scatter = comparison.rates.first().and_then(numbers::scatter);
    blocks.extend(scatter.map(Block::Paragraph));
    blocks.push(Block::Points(numbers::how_to_read(comparison)));
    blocks
}

fn compared(comparison: &Comparison) -> Vec<Block> {
    let threshold = human::chosen(comparison.threshold.ns);
    let header = [
        "side",
        "report",
        "label",
        "started (UTC)",
        "CPUs",
        "threshold",
        "covered",
        "coverage",
        "stalls",
        "an hour",
    ];
    let sides = [("before", &comparison.before), ("after", &comparison.after)];
    vec![
        Block::Paragraph(format!("Stalls above {threshold}.")),
        Block::Points(comparison.threshold.reasons.clone()),
        Block::table(
            header,
            sides.iter().flat_map(|(name, side)| runs(name, side)),
        ),
        Block::Facts(sides.map(|(name, side)| (name, cells::side(side))).to_vec()),
    ]
}

fn runs(name: &str, side: &Side) -> Vec<Vec<String>> {
    (side.runs.iter())
        .map(|run| {
            vec![
                name.to_owned(),
                run.file.clone(),
                run.label.clone().unwrap_or_else(|| "-".to_owned()),
                cells::moment(&run.started_utc),
                run.cpus.clone(),
                human::chosen(run.threshold_ns),
                human::period(run.covered_hours),
                human::percent(run.coverage),
                human::grouped(run.stalls),
                cells::rate(run.per_hour),
            ]
        })
        .collect()
}

fn origin(comparison: &Comparison) -> Vec<Block> {
    let hashes = numbers::hashes(comparison).into_iter().map(Vec::from);
    vec![
        Block::table(["report", "SHA-256 of the JSON"], hashes),
        Block::Paragraph(numbers::made_by(comparison)),
    ]
}
