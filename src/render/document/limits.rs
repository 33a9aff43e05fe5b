//! What this run could not see, so that its silence is not taken for proof.

use crate::model::CpuReport;
use crate::render::document::{Block, Rank, Section, Summary};
use crate::text::human;

pub(super) fn section(summary: &Summary<'_>) -> Option<Section> {
    let points = Block::Points(points(summary));
    super::section("What could not be seen", Rank::Main, vec![points])
}

/// What could not be seen, a line each where it can be; what was lost first.
pub(in crate::render) fn points(summary: &Summary<'_>) -> Vec<String> {
    let threshold = human::chosen(summary.report.run.threshold_ns);
    let mut points = lost(summary);
    points.push(format!(
        "Stalls of {threshold} or less are only in the report's histograms."
    ));
    if let Some(cpus) = summary.left_out() {
        points.push(format!("Stalls on CPUs that were not sampled: {cpus}."));
    }
    points.extend(traced(summary));
    if summary.report.cpus.iter().any(|cpu| cpu.masked.is_some()) {
        points.push(String::from(
            "Stalls between interrupts-off windows: neither gaps nor covered time.",
        ));
    }
    points.extend(match summary.in_guest() {
        true => guest(),
        false => bare_metal(summary),
    });
    points
}

/// What the kernel's tracers cannot see.
fn traced(summary: &Summary<'_>) -> Vec<String> {
    let tracers = || {
        summary
            .report
            .cpus
            .iter()
            .filter_map(|cpu| cpu.tracer.as_ref())
    };
    let Some(first) = tracers().next() else {
        return Vec::new();
    };
    let width = human::length(first.width_ns);
    if first.name == "hwlat" {
        let companions = tracers().map(|tracer| tracer.companions);
        let hidden = companions.fold(0, u64::saturating_add);
        return vec![
            format!(
                "Stalls that share a hwlat window of {width} with a longer one: {} counted, \
                 without moment or length.",
                human::count(hidden)
            ),
            String::from("Lengths more exactly than half a microsecond."),
        ];
    }
    match first.interrupts_off {
        true => Vec::new(),
        false => vec![String::from(
            "Stalls during kernel work: osnoise counts them as the kernel's.",
        )],
    }
}

fn guest() -> Vec<String> {
    vec![
        String::from("Who took the time below this guest: hypervisor, other guests or machine."),
        String::from("Hypervisor time while this kernel ran: it may count as \"os\"."),
    ]
}

fn bare_metal(summary: &Summary<'_>) -> Vec<String> {
    let mut points = Vec::new();
    if summary.report.cpus.iter().any(|cpu| cpu.smi.is_none()) {
        points.push(String::from(
            "Which stalls were SMIs: SMIs could not be counted on every CPU.",
        ));
    }
    if summary.report.cpus.iter().any(|cpu| cpu.os_ns.0 > 0) {
        points.push(String::from(
            "Stalls during kernel work are visible only in the SMI counter.",
        ));
    }
    points
}

fn lost(summary: &Summary<'_>) -> Vec<String> {
    let mut points = Vec::new();
    let sum = |part: fn(&CpuReport) -> u64| {
        summary
            .report
            .cpus
            .iter()
            .map(part)
            .fold(0, u64::saturating_add)
    };
    let (seen, kept) = (sum(|cpu| cpu.gaps_seen), sum(|cpu| cpu.gaps_recorded));
    let dropped = sum(|cpu| cpu.gaps_dropped);
    if dropped > 0 {
        points.push(format!(
            "The cause of {} that came too fast to be recorded.",
            human::counted(dropped, "gap")
        ));
    }
    let companions = sum(|cpu| cpu.tracer.as_ref().map_or(0, |tracer| tracer.companions));
    let left = seen
        .saturating_sub(kept)
        .saturating_sub(dropped)
        .saturating_sub(companions);
    if left > 0 {
        points.push(format!(
            "The moments of {}: all are counted, the others are listed (--keep-gaps).",
            human::counted(left, "gap")
        ));
    }
    points
}
