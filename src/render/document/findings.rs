//! What the reader should know or do, most severe first.

use std::cmp::Reverse;

use crate::model::{Finding, Severity};
use crate::render::document::{Block, Rank, Section};

pub(in crate::render) fn section(findings: &[Finding]) -> Option<Section> {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let rows = findings.into_iter().map(|finding| {
        let severity = match finding.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "note",
        };
        vec![
            severity.to_owned(),
            finding.text.clone(),
            finding.remedy.clone().unwrap_or_default(),
        ]
    });
    let table = Block::table(["", "finding", "remedy"], rows);
    super::section("Findings", Rank::Main, vec![table])
}
