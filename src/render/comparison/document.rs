//! A comparison as a document: the verdict, and the figures that it rests on.

use crate::compare::Class;
use crate::compare::model::{Comparison, RateRow, Side};
use crate::render::comparison::{cells, numbers};
use crate::render::document::{Block, Document, Rank, list, section};
use crate::text::human;

pub(super) fn document(comparison: &Comparison) -> Document {
    let (ink, word) = cells::word(comparison.verdict.result);
    let doubts = comparison.notes.iter().map(|note| note.text.clone());
    let read = Block::Points(numbers::how_to_read(comparison));
    let mut sections = vec![
        section("", Rank::Answer, verdict(comparison)),
        list("Compared", Rank::Main, 3, compared(comparison)),
        list(
            "What changed between the sides",
            Rank::Main,
            12,
            changes(comparison),
        ),
        list(
            "Doubts",
            Rank::Grave,
            3,
            vec![Block::Points(doubts.collect())],
        ),
        list("Stalls an hour", Rank::Main, 4, rates(comparison)),
    ];
    sections.extend(
        (numbers::paragraphs(comparison).into_iter())
            .map(|(title, text)| section(title, Rank::Detail, vec![Block::Paragraph(text)])),
    );
    sections.push(list("How to read this", Rank::Aside, 0, vec![read]));
    sections.push(section("Runs", Rank::Aside, vec![runs(comparison)]));
    sections.push(section("Origin", Rank::Aside, origin(comparison)));
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
    let reasons = numbers::reasons(comparison).into_iter().map(str::to_owned);
    let mut blocks = vec![Block::Points(reasons.collect())];
    blocks.extend(numbers::hours(comparison).map(Block::Paragraph));
    blocks
}

fn compared(comparison: &Comparison) -> Vec<Block> {
    let threshold = human::chosen(comparison.threshold.ns);
    vec![
        Block::Facts(vec![
            ("Stalls", format!("above {threshold}")),
            ("Before", cells::side(&comparison.before)),
            ("After", cells::side(&comparison.after)),
        ]),
        Block::Points(comparison.threshold.reasons.clone()),
    ]
}

fn changes(comparison: &Comparison) -> Vec<Block> {
    let rows = numbers::changed(comparison).into_iter().map(Vec::from);
    vec![
        Block::table(["field", "before", "after"], rows),
        Block::Paragraph(numbers::changes(comparison).to_owned()),
    ]
}

fn rates(comparison: &Comparison) -> Vec<Block> {
    let all = &comparison.rates;
    let repeats = |row: &&RateRow| row.class != Class::Platform && row.repeats_platform(comparison);
    let only = all.iter().find(repeats).map(|row| row.class);
    let rows = all.iter().filter(|row| Some(row.class) != only);
    let mut blocks = vec![cells::rates(comparison, rows)];
    let only = only.map(|class| format!("All of them are of the class {}.", class.name()));
    let scatter = all.first().and_then(numbers::scatter);
    blocks.extend(only.into_iter().chain(scatter).map(Block::Paragraph));
    blocks
}

fn runs(comparison: &Comparison) -> Block {
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
    let rows = sides.iter().flat_map(|(name, side)| of_side(name, side));
    Block::table(header, rows)
}

fn of_side(name: &str, side: &Side) -> Vec<Vec<String>> {
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
