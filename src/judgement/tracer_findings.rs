//! What is to be said of the kernel's tracers where one sampled: what its
//! records hide, what of them was lost, and what it left changed.

use crate::model::{Finding, Severity};
use crate::sampler::TracedTotals;
use crate::text::human::counted;

use super::Case;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let traced: Vec<&TracedTotals> = (case.collected.totals.iter())
        .filter_map(|cpu| cpu.traced.as_ref())
        .collect();
    let Some(first) = traced.first() else {
        return Vec::new();
    };
    let sum = |count: fn(&TracedTotals) -> u64| traced.iter().map(|cpu| count(cpu)).sum::<u64>();
    let mut all = Vec::new();
    let lost = sum(|cpu| cpu.lost_records);
    if lost > 0 {
        all.push(Finding::new(
            "tracer-records-lost",
            Severity::Critical,
            format!(
                "The kernel's buffer lost {} of the {} tracer. A gap may have been among them.",
                counted(lost, "record"),
                first.tracer
            ),
            Some("leave the collector a CPU of its own, or raise --threshold"),
        ));
    }
    let unrestored: Vec<&str> = (traced.iter())
        .flat_map(|cpu| &cpu.unrestored)
        .map(String::as_str)
        .collect();
    if !unrestored.is_empty() {
        all.push(Finding::new(
            "settings-not-restored",
            Severity::Critical,
            format!(
                "Settings of the kernel's tracers could not be put back: {}.",
                unrestored.join("; ")
            ),
            Some("write the old values to these files, below /sys/kernel/tracing"),
        ));
    }
    let companions = sum(|cpu| cpu.companions);
    if companions > 0 {
        let above = match case.plan.hardlimit > case.plan.threshold {
            true => {
                " How many of them are above the limit is not known: they are not counted there."
            }
            false => "",
        };
        all.push(Finding::new(
            "gaps-share-a-record",
            Severity::Warning,
            format!(
                "The hwlat tracer keeps one record a window of {}. {} more fell into windows that \
                 had one. They are counted, and none is longer than the one that is listed; \
                 their moments and lengths are not known.{above}",
                first.width,
                counted(companions, "gap"),
            ),
            Some("a shorter --width, such as --width 10ms --window 12ms; or --engine bpf or user"),
        ));
    }
    all
}
