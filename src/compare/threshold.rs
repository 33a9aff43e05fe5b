//! The length above which every run has all its stalls.

use crate::model::{CpuReport, Gap, Report};
use crate::units::{CpuId, Nanos};

use super::input::SavedRun;
use super::model::Threshold;

/// The larger of the thresholds; and where a CPU had more gaps than a report
/// keeps, the length of the shortest that was kept: only above it is the record
/// whole.
pub(super) fn common(runs: &[&SavedRun]) -> Threshold {
    let of_runs: Vec<Nanos> = runs.iter().map(|run| run.report.run.threshold_ns).collect();
    let highest = of_runs.iter().copied().max().unwrap_or_default();
    let mut reasons = Vec::new();
    if of_runs.iter().any(|threshold| *threshold < highest) {
        reasons.push(format!(
            "the runs have different thresholds; compared above the highest, {highest}"
        ));
    }
    let mut ns = highest;
    for run in runs {
        for (cpu, shortest) in full_records(&run.report) {
            if shortest > ns {
                ns = shortest;
                reasons.push(format!(
                    "CPU {cpu} of a run had more gaps than are kept: its record is whole above \
                     {shortest} only"
                ));
            }
        }
    }
    Threshold { ns, reasons }
}

/// CPUs that had more gaps of the platform than their report lists, with the
/// length above which it lists all: those that count against the limit or may
/// are left out by that part, in reports of earlier versions by their length.
fn full_records(report: &Report) -> Vec<(CpuId, Nanos)> {
    let is_left_out = |cpu: &&CpuReport| {
        let own = report.gaps.iter().filter(|gap| gap.cpu == cpu.cpu);
        let listed = own.filter(|gap| gap.cause.is_platform());
        let listed: u64 = listed
            .map(|gap| 1 + u64::from(gap.companions.unwrap_or(0)))
            .sum();
        listed < cpu.gaps_by_cause.platform()
    };
    let shortest = |gaps: &mut dyn Iterator<Item = &Gap>| {
        let (mut whole, mut open) = (None, None);
        for gap in gaps {
            let part = gap.platform_ns.max(gap.unknown_ns);
            let least = |so_far: Option<Nanos>, length: Nanos| {
                Some(so_far.map_or(length, |least| least.min(length)))
            };
            whole = least(whole, gap.duration_ns);
            if part > Nanos(0) {
                open = least(open, part);
            }
        }
        whole.max(open)
    };
    (report.cpus.iter().filter(is_left_out))
        .filter_map(|cpu| {
            let own = shortest(&mut report.gaps.iter().filter(|gap| gap.cpu == cpu.cpu));
            let bound = own.or_else(|| shortest(&mut report.gaps.iter()));
            Some((cpu.cpu, bound?))
        })
        .collect()
}
