//! One host of a fleet: what speaks against it; for a page also what it is, its
//! runs and its worst stalls, and the way to its own reports.

use std::path::Path;

use crate::fleet::model::{HostRow, RunRow};
use crate::fleet::names::Name;
use crate::render::document::{Block, Entry, Link};
use crate::render::fleet::links::link;
use crate::render::fleet::plot;
use crate::render::fleet::words::worst;
use crate::render::policy::{sentence, word};
use crate::render::style::Ink;
use crate::text::human::{grouped, length, percent, period, three_digits};

/// With the folder of a page, what the page shows of a host that is opened;
/// links are relative to it.
pub(super) fn entry(row: &HostRow, folder: Option<&Path>) -> Entry {
    let mut reasons: Vec<String> = row.reasons.iter().map(sentence).collect();
    let later = match folder {
        Some(_) => reasons.split_off(reasons.len().min(1)),
        None => Vec::new(),
    };
    let worst = format!("worst: {}", worst(row.platform_max_ns));
    Entry {
        ink: Ink::Plain,
        name: row.host.to_string(),
        text: match reasons.is_empty() {
            true => worst,
            false => reasons.join("; "),
        },
        details: later,
        remedy: None,
        lines: Entry::LINES,
        folded: folder.map_or_else(Vec::new, |folder| folded(row, folder)),
    }
}

fn folded(row: &HostRow, folder: &Path) -> Vec<Block> {
    let mut blocks: Vec<Block> = plot::timeline(row)
        .into_iter()
        .map(Block::Picture)
        .collect();
    blocks.push(Block::Facts(machine(row)));
    blocks.push(Block::Paragraph("Runs:".to_owned()));
    blocks.push(Block::Links(match row.runs.is_empty() {
        true => (row.reports.iter().zip(&row.sha256))
            .map(|(source, sum)| report(source, folder, format!(", SHA-256 {sum}")))
            .collect(),
        false => row.runs.iter().map(|one| run(one, folder)).collect(),
    }));
    if !row.worst_stalls.is_empty() {
        blocks.push(Block::Paragraph("Worst stalls:".to_owned()));
        blocks.push(worst_stalls(row));
    }
    blocks
}

fn machine(row: &HostRow) -> Vec<(&'static str, String)> {
    let identity = &row.identity;
    let name = |name: &Option<Name>| name.as_deref().unwrap_or("not known").to_owned();
    let rate = |rate: Option<f64>| rate.map_or("not known".to_owned(), three_digits);
    let (model, cpu) = (name(&identity.model), name(&identity.cpu));
    let mut facts = vec![
        ("Model", format!("{}, {model}", name(&identity.vendor))),
        ("BIOS", name(&identity.bios)),
        (
            "CPU",
            format!("{cpu}, microcode {}", name(&identity.microcode)),
        ),
        ("Kernel", name(&identity.kernel)),
        ("Latest run", row.started_utc.clone()),
    ];
    facts.extend(row.cut_short.iter().map(|why| ("Cut short", why.clone())));
    let covered = (period(row.covered_hours), percent(row.coverage));
    facts.extend([
        ("Worst", worst(row.platform_max_ns)),
        ("Stalls an hour", rate(row.platform_rate_per_hour)),
        ("SMIs an hour", rate(row.smi_per_hour)),
        ("Covered", format!("{}, {}", covered.0, covered.1)),
    ]);
    facts
}

fn run(run: &RunRow, folder: &Path) -> Link {
    let cut = run.cut_short.iter().map(|why| format!("{why}, "));
    let text = format!(
        ": {}, begun {}, {} long, {}worst: {}, {} above its limit, SHA-256 {}",
        word(run.result).1,
        run.started_utc,
        length(run.elapsed_ns),
        cut.collect::<String>(),
        worst(run.platform_max_ns),
        grouped(run.platform_stalls),
        run.sha256
    );
    report(&run.report, folder, text)
}

fn report(source: &str, folder: &Path, text: String) -> Link {
    Link {
        name: source.to_owned(),
        target: link(source, folder),
        text,
    }
}

fn worst_stalls(row: &HostRow) -> Block {
    let cells = row.worst_stalls.iter().map(|stall| {
        let smis = stall.smi_delta;
        vec![
            stall.start_utc.clone(),
            length(stall.duration_ns),
            stall.cause.name().to_owned(),
            smis.map_or("not known".to_owned(), |smis| grouped(smis.into())),
        ]
    });
    Block::table(["begun (UTC)", "length", "cause", "SMIs"], cells)
}
