//! What the reader should know or do, most severe first.

use std::cmp::Reverse;

use crate::model::{Finding, Severity};
use crate::render::page::Page;
use crate::render::style::Ink;
use crate::render::terminal::Summary;

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    if summary.findings.is_empty() {
        return;
    }
    page.heading("Findings");
    let mut findings: Vec<&Finding> = summary.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    for finding in findings {
        let (ink, label) = match finding.severity {
            Severity::Critical => (Ink::Bad, "  CRITICAL  "),
            Severity::Warning => (Ink::Doubt, "  warning   "),
            Severity::Info => (Ink::Plain, "  note      "),
        };
        page.labelled(ink, label, &finding.text);
        if let Some(remedy) = &finding.remedy {
            page.labelled(Ink::Plain, "            -> ", remedy);
        }
    }
}
