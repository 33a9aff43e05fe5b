//! What the causes rest on: every source, usable or not.

use crate::report::model::EvidenceSource;
use crate::report::page::Page;

/// Longer names of sources do not widen the column.
const WIDEST_NAME: usize = 16;

pub(in crate::report) fn show(sources: &[EvidenceSource], page: &mut Page) {
    if sources.is_empty() {
        return;
    }
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
}
