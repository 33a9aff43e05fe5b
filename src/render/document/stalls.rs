//! The worst stalls and gaps, and the pictures of all of them.

use crate::judgement::digest::Digest;
use crate::model::{Report, StallReport};
use crate::render::document::{Block, Plot, Rank, Section, Table};
use crate::render::packages::held;
use crate::text::human;

/// Rows shown of each list.
const ROWS: usize = 50;

pub(super) fn section(report: &Report<()>, digest: &Digest) -> Option<Section> {
    let mut blocks = Vec::new();
    let mut stalls: Vec<&StallReport> = report.stalls.iter().collect();
    stalls.sort_by_key(|stall| std::cmp::Reverse(stall.duration_ns));
    if !stalls.is_empty() {
        blocks.push(Block::Paragraph(String::from(
            "Stalls of the platform, gaps that several CPUs saw at once counted as one. Times are \
             UTC and can be laid beside the log of the management controller.",
        )));
        blocks.push(Block::Table(Table {
            header: vec![
                "start (UTC)",
                "length",
                "CPUs",
                "cause",
                "confidence",
                "SMIs",
            ],
            rows: stalls
                .iter()
                .take(ROWS)
                .map(|stall| stall_row(stall, report))
                .collect(),
            more: (digest.stalls as usize)
                .max(stalls.len())
                .saturating_sub(ROWS) as u64,
        }));
    }
    if digest.worst.is_empty() {
        let threshold = human::chosen(report.run.threshold_ns);
        blocks.push(Block::Paragraph(match seen(report) {
            0 => format!("No gap above {threshold} was seen, of any cause."),
            seen => format!(
                "{} above {threshold}, none listed.",
                human::plural(seen, "gap")
            ),
        }));
    } else {
        blocks.push(Block::Paragraph(String::from(
            "The worst gaps, each on its CPU: what counts or may count against the limit first.",
        )));
        blocks.push(Block::Table(Table {
            header: vec!["start (UTC)", "CPU", "length", "cause", "confidence", "why"],
            rows: digest
                .worst
                .iter()
                .map(|gap| {
                    vec![
                        gap.start_utc.clone(),
                        gap.cpu.to_string(),
                        human::length(gap.duration_ns),
                        gap.cause.to_string(),
                        gap.confidence.to_string(),
                        gap.detail.clone(),
                    ]
                })
                .collect(),
            more: seen(report).saturating_sub(digest.worst.len() as u64),
        }));
    }
    super::section("Worst stalls and gaps", Rank::Core, blocks)
}

pub(super) fn plots(digest: &Digest) -> Option<Section> {
    let mut blocks = vec![Block::Plot(Plot::Distribution)];
    if digest.gaps > 0 {
        blocks.push(Block::Plot(Plot::Timeline));
        blocks.push(Block::Plot(Plot::Accounts));
        blocks.push(Block::Plot(Plot::Intervals));
        blocks.push(Block::Plot(Plot::CpuMap));
    }
    super::section("Pictures", Rank::Background, blocks)
}

fn stall_row(stall: &StallReport, report: &Report<()>) -> Vec<String> {
    vec![
        stall.start_utc.clone(),
        human::length(stall.duration_ns),
        held(stall, &report.cpus),
        stall.cause.to_string(),
        stall.confidence.to_string(),
        stall
            .smi_delta
            .map_or(String::from("n/a"), |smis| smis.to_string()),
    ]
}

fn seen(report: &Report<()>) -> u64 {
    let seen = report.cpus.iter().map(|cpu| cpu.gaps_seen);
    seen.fold(0, u64::saturating_add)
}
