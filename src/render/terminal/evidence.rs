//! What the causes rest on: every source, usable or not.

use crate::model::selftest::Standing;
use crate::model::{Cause, EvidenceSource};
use crate::render::page::Page;
use crate::render::terminal::Summary;
use crate::text::human;

/// Sources of which any tells whether the kernel ran in a gap.
const PRESENCE: [&str; 4] = [
    "footprint",
    "ring-zero-instructions",
    "interrupts-off",
    "interference-count",
];
/// Longer names of sources do not widen the column.
const WIDEST_NAME: usize = 16;

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    if summary.evidence.is_empty() {
        return;
    }
    let width = show_sources(summary.evidence, page);
    show_selftest(summary, width, page);
}

/// Shows the sources, and returns the width of the column of names.
pub(in crate::render) fn show_sources(sources: &[EvidenceSource], page: &mut Page) -> usize {
    page.heading("Evidence");
    let names = sources.iter().map(|source| source.source.len());
    let width = names.max().unwrap_or(0).min(WIDEST_NAME);
    for source in sources {
        let state = if source.usable {
            "usable"
        } else {
            "NOT usable"
        };
        let mut text = format!("{state}: {}", source.reason);
        for (label, more) in [("costs", &source.costs), ("remedy", &source.remedy)] {
            if let Some(more) = more {
                text.push_str(&format!("; {label}: {more}"));
            }
        }
        page.field(width, &source.source, &text);
    }
    width
}

/// How many sources there are, and which of those that are missing the verdict
/// would need.
pub(super) fn counted(summary: &Summary<'_>) -> String {
    let usable = summary.evidence.iter().filter(|source| source.usable);
    let count = format!(
        "{} of {}",
        usable.count(),
        human::plural(summary.evidence.len() as u64, "source")
    );
    let missing = needed(summary);
    match missing.is_empty() {
        true => format!("{count}, none that this verdict needs is missing"),
        false => format!("{count}; missing for this verdict: {}", missing.join(", ")),
    }
}

/// Sources that are missing and would have told more of the gaps of this run.
/// Which gap a source would have settled is not known; that it speaks of such
/// gaps is.
fn needed<'a>(summary: &Summary<'a>) -> Vec<&'a str> {
    let has = |cause: Cause| {
        let mut cpus = summary.cpus.iter();
        cpus.any(|cpu| cpu.gaps_by_cause.count(cause) > 0)
    };
    let is_usable = |name: &str| {
        let mut sources = summary.evidence.iter();
        sources.any(|source| source.source == name && source.usable)
    };
    let kernel_told = PRESENCE.iter().any(|name| is_usable(name));
    let is_open = has(Cause::FirmwareOrCpu) || has(Cause::FirmwareOrCpuOs);
    let is_needed = |source: &EvidenceSource| match source.source.as_str() {
        "tsc" => true,
        name if PRESENCE.contains(&name) => !kernel_told,
        "kernel-records" => has(Cause::Unknown),
        "smi-counter" => !summary.in_guest() && (is_open || has(Cause::Unknown)),
        _ => false,
    };
    let missing = summary.evidence.iter().filter(|source| !source.usable);
    missing
        .filter(|source| is_needed(source))
        .map(|source| source.source.as_str())
        .collect()
}

fn show_selftest(summary: &Summary<'_>, width: usize, page: &mut Page) {
    if let Some(test) = summary.selftest {
        let made = test
            .made_utc
            .get(..19)
            .unwrap_or(&test.made_utc)
            .replace('T', " ");
        let outcome = match test.standing() {
            Standing::Passed => "instrument verified",
            Standing::Failed => "self-test FAILED",
            Standing::Undecided | Standing::NotRaised => "self-test undecided",
        };
        page.field(
            width,
            "selftest",
            &format!(
                "{outcome} on this host at {made} UTC (hwgap selftest, CPU {})",
                test.cpu
            ),
        );
    }
}
