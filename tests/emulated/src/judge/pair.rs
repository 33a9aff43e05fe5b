//! Two CPUs: an SMI stops both, and both must say so.
//!
//! There is no log here (the firmware's own handler runs), and the host's noise
//! is in every time, so only simultaneity and the count are judged.

use anyhow::Result;

use super::Outcome;
use crate::report::{Gap, Report};

/// Requires that each of `raised` SMIs shows on both CPUs at the same time.
pub fn judge(scenario: &str, report: &Report, raised: u64) -> Result<Outcome> {
    let mut outcome = Outcome {
        scenario: scenario.into(),
        expected: raised as usize,
        smis: raised as usize,
        ..Outcome::default()
    };
    outcome.require(
        report.cpus.len() == 2,
        format!("{} CPUs in the report, 2 were due", report.cpus.len()),
    );
    for cpu in &report.cpus {
        let delta = cpu.smi.as_ref().map(|counter| counter.delta);
        outcome.counted = delta;
        outcome.require(
            delta == Some(raised),
            format!("CPU {} counted {delta:?} of {raised} SMIs", cpu.cpu),
        );
    }
    let of_cpu = |cpu: u32| {
        report
            .gaps
            .iter()
            .filter(move |gap| gap.cpu == cpu && gap.cause.starts_with("smi"))
    };
    let together = of_cpu(0)
        .filter(|first| of_cpu(1).any(|second| overlap(first, second)))
        .count();
    outcome.found = together;
    outcome.require(
        together as u64 >= raised,
        format!("{together} of {raised} SMIs show on both CPUs together"),
    );
    Ok(outcome)
}

fn overlap(first: &Gap, second: &Gap) -> bool {
    first.start_cycles < second.end_cycles && second.start_cycles < first.end_cycles
}
