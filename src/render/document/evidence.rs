//! What the causes rest on: every source, usable or not, and the self-test.

use crate::model::selftest::{SelfTest, Standing};
use crate::model::{Cause, EvidenceSource};
use crate::render::document::{Block, Rank, Section, Summary};
use crate::render::style::Ink;
use crate::text::human;

/// Sources of which any tells whether the kernel ran in a gap.
const PRESENCE: [&str; 4] = [
    "footprint",
    "ring-zero-instructions",
    "interrupts-off",
    "interference-count",
];

pub(in crate::render) fn sources(sources: &[EvidenceSource]) -> Option<Section> {
    let row = |source: &EvidenceSource| {
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
    };
    let header = [
        "source",
        "",
        "how it was verified, or why not",
        "what is lost",
        "remedy",
    ];
    let table = Block::table(header, sources.iter().map(row));
    super::section("Evidence", Rank::Detail, vec![table])
}

/// How many sources there are, and which of those that are missing the verdict
/// would need.
pub(in crate::render) fn counted(summary: &Summary<'_>) -> String {
    let usable = summary
        .report
        .evidence
        .iter()
        .filter(|source| source.usable);
    let count = format!(
        "{} of {}",
        usable.count(),
        human::counted(summary.report.evidence.len() as u64, "source")
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
        let mut cpus = summary.report.cpus.iter();
        cpus.any(|cpu| cpu.gaps_by_cause.count(cause) > 0)
    };
    let is_usable = |name: &str| {
        let mut sources = summary.report.evidence.iter();
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
    let missing = summary
        .report
        .evidence
        .iter()
        .filter(|source| !source.usable);
    missing
        .filter(|source| is_needed(source))
        .map(|source| source.source.as_str())
        .collect()
}

/// What a self-test shows: a word in ink, and a sentence.
pub(in crate::render) fn tested(test: &SelfTest) -> (Ink, &'static str, &'static str) {
    match test.standing() {
        Standing::Passed => (
            Ink::Good,
            "PASS:",
            "the stalls that were raised were found and rightly classed",
        ),
        Standing::NotRaised => (Ink::Doubt, "INCONCLUSIVE:", "no stall could be raised"),
        Standing::Undecided => (
            Ink::Doubt,
            "INCONCLUSIVE:",
            "too much else happened on the CPU; run it again when it is quieter",
        ),
        Standing::Failed => (
            Ink::Bad,
            "FAIL:",
            "stalls were not found, or not rightly classed",
        ),
    }
}

pub(super) fn of_host(test: Option<&SelfTest>) -> Option<Section> {
    let Some(test) = test else {
        let text = "No self-test of this host is on record. `hwgap selftest` raises stalls of \
                    known length and shows that they are found.";
        let blocks = vec![Block::Paragraph(text.to_owned())];
        return super::section("Self-test", Rank::Aside, blocks);
    };
    let (_, word, text) = tested(test);
    let mut section = selftest(test)?;
    let answer = Block::Paragraph(format!("{word} {text}."));
    section.blocks.insert(0, answer);
    Some(section)
}

pub(in crate::render) fn selftest(test: &SelfTest) -> Option<Section> {
    let none = || String::from("-");
    let rows = test.checks.iter().map(|check| {
        let met = match check.overlapped {
            0 => None,
            met => Some(format!(
                "{met} met by another event: no trials of the instrument"
            )),
        };
        let notes: Vec<&str> = [met.as_deref(), check.note.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        vec![
            check.kind.clone(),
            check.length_ns.map_or_else(none, human::length),
            check.raised.map_or_else(none, human::grouped),
            human::grouped(check.found),
            human::grouped(check.rightly_classed),
            check.median_excess_ns.map_or_else(none, human::length),
            notes.join("; "),
        ]
    });
    let header = [
        "stall",
        "length",
        "raised",
        "found",
        "rightly classed",
        "found longer",
        "note",
    ];
    let text = format!(
        "On CPU {}, {}, load {}, by hwgap {}.",
        test.cpu,
        test.made_utc,
        test.load.as_deref().unwrap_or("not known"),
        test.tool_version
    );
    let least = format!(
        "Smallest stall that this host resolves: {}",
        human::length(test.resolution_ns)
    );
    let blocks = vec![
        Block::Paragraph(text),
        Block::table(header, rows),
        Block::Paragraph(least),
    ];
    super::section("Self-test", Rank::Detail, blocks)
}
