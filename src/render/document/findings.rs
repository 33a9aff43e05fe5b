//! What the reader should know or do, most severe first.

use std::cmp::Reverse;

use crate::model::{Finding, Severity};
use crate::render::document::{Block, Entry, Rank, Section};
use crate::render::style::Ink;

/// So many findings have room for more than a line each.
const FEW: usize = 3;
/// So many of those without which the answer cannot be understood stay on a screen.
const MOST_GRAVE: usize = 8;

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

/// Some of them under a heading of their own. Of more than a few, a screen has a line for
/// each, and one for its remedy; the grave ones stay longest.
pub(in crate::render) fn list<'a>(
    title: &str,
    rank: Rank,
    findings: impl IntoIterator<Item = &'a Finding>,
) -> Option<Section> {
    let findings = ordered(findings);
    let lines = match findings.len() > FEW {
        true => 1,
        false => Entry::LINES,
    };
    let least = match rank {
        Rank::Grave => MOST_GRAVE,
        _ => FEW,
    };
    let entries = findings.into_iter().map(|finding| {
        let (ink, name) = word(finding.severity);
        Entry {
            ink,
            name,
            text: finding.text.clone(),
            details: Vec::new(),
            remedy: finding.remedy.clone(),
            lines,
            folded: Vec::new(),
        }
    });
    super::list(title, rank, least, vec![Block::Entries(entries.collect())])
}
