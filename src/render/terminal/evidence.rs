//! What the causes rest on: every source, usable or not.

use crate::model::EvidenceSource;
use crate::model::selftest::Standing;
use crate::render::page::Page;
use crate::render::terminal::Summary;

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
