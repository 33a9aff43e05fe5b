//! What the reader should know or do, most severe first.

use std::cmp::Reverse;

use crate::model::{Finding, Severity};
use crate::render::document::{Block, Entry, Rank, Section};
use crate::render::style::Ink;

fn word(severity: Severity) -> (Ink, String) {
    let (ink, word) = match severity {
        Severity::Critical => (Ink::Bad, severity.name()),
        Severity::Warning => (Ink::Doubt, severity.name()),
        Severity::Info => (Ink::Plain, "note"),
    };
    (ink, word.to_owned())
}

fn ordered<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut findings: Vec<&Finding> = findings.into_iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    findings
}

/// All of a report, as a table.
pub(in crate::render) fn section(findings: &[Finding]) -> Option<Section> {
    let rows = ordered(findings).into_iter().map(|finding| {
        vec![
            word(finding.severity).1,
            finding.text.clone(),
            finding.remedy.clone().unwrap_or_default(),
        ]
    });
    let table = Block::table(["", "finding", "remedy"], rows);
    super::section("Findings", Rank::Main, vec![table])
}

/// Some of them under a heading of their own; a screen has two lines for each.
pub(in crate::render) fn list<'a>(
    title: &str,
    rank: Rank,
    findings: impl IntoIterator<Item = &'a Finding>,
) -> Option<Section> {
    let entries = ordered(findings).into_iter().map(|finding| {
        let (ink, name) = word(finding.severity);
        Entry {
            ink,
            name,
            text: finding.text.clone(),
            details: Vec::new(),
            remedy: finding.remedy.clone(),
            folded: Vec::new(),
        }
    });
    super::list(title, rank, 3, vec![Block::Entries(entries.collect())])
}
