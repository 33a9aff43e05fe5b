//! What is to be said of the indicators of the kernel: whether there is one, and
//! whether they contradict each other.

use crate::model::{Finding, Severity};
use crate::text::human::counted;

use super::Case;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let all = [
        footprint(case),
        contradicted(case),
        ring_zero_contradicted(case),
    ];
    all.into_iter().flatten().collect()
}

fn footprint(case: &Case<'_>) -> Option<Finding> {
    if case.footprint_works() {
        return None;
    }
    if case.ring_zero_works() {
        return Some(Finding::new(
            "footprint-unusable",
            Severity::Info,
            "The kernel-entry check (null selector) does not work here. The PMU's count of ring 0 \
             tells instead whether the kernel ran in a gap (see the evidence list).",
            None,
        ));
    }
    Some(Finding::new(
        "footprint-unusable",
        Severity::Critical,
        "Whether the kernel ran in a gap cannot be told here (see the evidence list). Most gaps \
         stay unknown, and a gap above the limit makes the run inconclusive.",
        None,
    ))
}

/// The two indicators of the kernel must not contradict each other.
fn contradicted(case: &Case<'_>) -> Option<Finding> {
    let count: u64 = case
        .collected
        .cpus
        .iter()
        .map(|cpu| cpu.agreement.records_only)
        .sum();
    (count > 0).then(|| {
        Finding::new(
            "footprint-contradicted",
            Severity::Critical,
            format!(
                "In {} kernel records contradict the kernel-entry check (null selector in ES). One \
                 of the two is wrong here: these gaps are unknown, and what rests on \
                 the selector alone is not trusted.",
                counted(count, "gap")
            ),
            Some("report it, with this report: it would be a defect of hwgap or new CPU behaviour"),
        )
    })
}

/// Nor must the PMU contradict the footprint.
fn ring_zero_contradicted(case: &Case<'_>) -> Option<Finding> {
    let cpus = case.collected.cpus.iter();
    let count: u64 = cpus.map(|cpu| cpu.ring_zero.contradicted).sum();
    (count > 0).then(|| {
        Finding::new(
            "ring-zero-contradicted",
            Severity::Critical,
            format!(
                "In {} the kernel-entry check and the PMU's ring 0 count contradict each other. \
                 These gaps are unknown, and what rests on either alone is not trusted.",
                counted(count, "gap")
            ),
            Some("report it, with this report: one of the two is not what it should be here"),
        )
    })
}
