//! The worst stalls and gaps.

use std::cmp::Reverse;

use crate::judgement::digest::Digest;
use crate::model::{Gap, Report, StallReport};
use crate::render::document::{Block, Rank, Section, Summary, Table};
use crate::render::packages::held;
use crate::text::human;

const ROWS: usize = 50;

pub(super) fn section(summary: &Summary<'_>, digest: &Digest) -> Option<Section> {
    let mut blocks = Vec::new();
    let mut stalls: Vec<&StallReport> = summary.report.stalls.iter().collect();
    stalls.sort_by_key(|stall| Reverse(stall.duration_ns));
    if !stalls.is_empty() {
        blocks.push(Block::Paragraph(String::from(
            "Stalls of the platform, gaps that several CPUs saw at once counted as one. Times are \
             UTC and can be laid beside the log of the management controller.",
        )));
        let row = |stall| stall_row(stall, summary.report);
        let all = (digest.stalls as usize).max(stalls.len());
        blocks.push(Block::Table(Table {
            header: [
                "start (UTC)",
                "length",
                "CPUs",
                "cause",
                "confidence",
                "SMIs",
            ]
            .map(str::to_owned)
            .to_vec(),
            spare: &[],
            rows: stalls.into_iter().take(ROWS).map(row).collect(),
            more: all.saturating_sub(ROWS) as u64,
        }));
    }
    if summary.worst.is_empty() {
        blocks.push(Block::Paragraph(none(summary)));
    } else {
        blocks.push(Block::Paragraph(String::from(
            "The worst gaps, each on its CPU: what counts or may count against the limit first.",
        )));
        blocks.push(Block::Table(Table {
            header: ["start (UTC)", "CPU", "length", "cause", "confidence", "why"]
                .map(str::to_owned)
                .to_vec(),
            spare: &[],
            rows: summary.worst.iter().map(gap_row).collect(),
            more: (summary.gaps_seen()).saturating_sub(summary.worst.len() as u64),
        }));
    }
    super::section("Worst stalls and gaps", Rank::Main, blocks)
}

/// Why no gap is listed.
pub(in crate::render) fn none(summary: &Summary<'_>) -> String {
    let threshold = human::chosen(summary.report.run.threshold_ns);
    match summary.gaps_seen() {
        0 => format!("No gap above {threshold} was seen, of any cause."),
        seen => format!(
            "{} above {threshold}, none of them listed.",
            human::counted(seen, "gap")
        ),
    }
}

fn stall_row(stall: &StallReport, report: &Report<()>) -> Vec<String> {
    vec![
        stall.start_utc.clone(),
        human::length(stall.duration_ns),
        held(stall, &report.cpus),
        stall.cause.to_string(),
        stall.confidence.to_string(),
        (stall.smi_delta).map_or(String::from("n/a"), |smis| smis.to_string()),
    ]
}

fn gap_row(gap: &Gap) -> Vec<String> {
    vec![
        gap.start_utc.clone(),
        gap.cpu.to_string(),
        human::length(gap.duration_ns),
        gap.cause.to_string(),
        gap.confidence.to_string(),
        gap.detail.clone(),
    ]
}
