//! What the causes rest on: every source, usable or not.

use super::Summary;
use crate::report::page::Page;

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    if summary.evidence.is_empty() {
        return;
    }
    page.heading("Evidence");
    for source in summary.evidence {
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
        page.field(&source.source, &text);
    }
}
