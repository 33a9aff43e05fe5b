//! The length above which every run has all its stalls.

use crate::model::{CpuReport, Report};
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

/// CPUs that had more gaps than a report keeps, with the shortest one kept.
fn full_records(report: &Report) -> Vec<(CpuId, Nanos)> {
    let left_out =
        |cpu: &&CpuReport| cpu.gaps_recorded.saturating_add(cpu.gaps_dropped) < cpu.gaps_seen;
    (report.cpus.iter().filter(left_out))
        .filter_map(|cpu| {
            let own = report.gaps.iter().filter(|gap| gap.cpu == cpu.cpu);
            let shortest = own.map(|gap| gap.duration_ns).min()?;
            Some((cpu.cpu, shortest))
        })
        .collect()
}
