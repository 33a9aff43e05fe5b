//! Findings, evidence, self-test, and what could not be seen.

use std::cmp::Reverse;

use crate::model::{Finding, Report, Severity};
use crate::render::document::{Block, Rank, Section, Table};
use crate::render::terminal::{Summary, limits};
use crate::text::human;

/// Entries shown of each list.
const ROWS: usize = 100;

pub(super) fn section(report: &Report<()>) -> Option<Section> {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let more = findings.len().saturating_sub(ROWS) as u64;
    findings.truncate(ROWS);
    let row = |finding: &&Finding| {
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
    };
    let table = Block::Table(Table {
        header: vec!["", "finding", "remedy"],
        rows: findings.iter().map(row).collect(),
        more,
    });
    let blocks = if findings.is_empty() {
        Vec::new()
    } else {
        vec![table]
    };
    super::section("Findings", Rank::Core, blocks)
}

pub(super) fn evidence(report: &Report<()>) -> Option<Section> {
    let rows: Vec<Vec<String>> = report
        .evidence
        .iter()
        .take(ROWS)
        .map(|source| {
            let state = if source.usable {
                "usable"
            } else {
                "NOT usable"
            };
            vec![
                source.source.clone(),
                state.to_owned(),
                source.reason.clone(),
                source.costs.clone().unwrap_or_default(),
                source.remedy.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let more = report.evidence.len().saturating_sub(ROWS) as u64;
    let header = vec![
        "source",
        "",
        "how it was verified, or why not",
        "what is lost",
        "remedy",
    ];
    let blocks = match rows.is_empty() {
        true => Vec::new(),
        false => vec![Block::Table(Table { header, rows, more })],
    };
    super::section("Evidence", Rank::Support, blocks)
}

pub(super) fn selftest(report: &Report<()>) -> Option<Section> {
    let Some(test) = &report.selftest else {
        let text = "No self-test of this host is on record. `hwgap selftest` raises stalls of \
                    known length and shows that they are found.";
        let blocks = vec![Block::Paragraph(text.to_owned())];
        return super::section("Self-test", Rank::Background, blocks);
    };
    let outcome = match test.passed() {
        true => "Instrument verified: every stall that was raised was found and rightly classed",
        false => "The self-test did NOT pass",
    };
    let none = || String::from("-");
    let rows = test.checks.iter().take(ROWS).map(|check| {
        vec![
            check.kind.clone(),
            check.length_ns.map_or_else(none, human::length),
            check.raised.map_or_else(none, human::grouped),
            human::grouped(check.found),
            human::grouped(check.rightly_classed),
            check.note.clone().unwrap_or_default(),
        ]
    });
    let table = Table {
        header: vec![
            "stall",
            "length",
            "raised",
            "found",
            "rightly classed",
            "note",
        ],
        rows: rows.collect(),
        more: test.checks.len().saturating_sub(ROWS) as u64,
    };
    let text = format!(
        "{outcome}, on CPU {} at {} by hwgap {}. The smallest stall that this host resolves: {}.",
        test.cpu,
        test.made_utc,
        test.tool_version,
        human::length(test.resolution_ns)
    );
    let blocks = vec![Block::Paragraph(text), Block::Table(table)];
    super::section("Self-test", Rank::Support, blocks)
}

pub(super) fn limits(summary: &Summary<'_>) -> Option<Section> {
    let points = Block::Points(limits::points(summary));
    super::section("What could not be seen", Rank::Core, vec![points])
}
