//! Two CPUs: an SMI stops both, and both must say so.
//!
//! The firmware's own handler runs here, so the log holds the times right
//! before and after each write to port 0xB2 instead. The host's noise is in
//! every time: only simultaneity, the count and the cause are judged.

use anyhow::Result;

use super::Outcome;
use crate::report::{Gap, Report};
use crate::scenario::Scenario;
use crate::smilog::{Smi, SmiLog};
use crate::units::nanoseconds;

/// Requires that each SMI shows on both CPUs at the same time.
pub fn judge(scenario: &Scenario, report: &Report, log: &SmiLog) -> Result<Outcome> {
    let origin = report.origin()?;
    let sampled_ns = report.cpus.iter().map(|cpu| cpu.elapsed_ns).min();
    let cycles = sampled_ns.unwrap_or(0) as f64 * report.tsc.hz / 1e9;
    let within = origin..origin + cycles as u64;
    let smis: Vec<Smi> = log
        .smis
        .iter()
        .copied()
        .filter(|smi| within.contains(&smi.entry) && within.contains(&smi.exit))
        .collect();
    let raised = smis.len();
    let threshold = nanoseconds(&scenario.hwgap.threshold)? as f64 * report.tsc.hz / 1e9;
    // The firmware is quick at times, and the times here hold more than SMM.
    let long: Vec<Smi> = smis
        .iter()
        .copied()
        .filter(|smi| (smi.exit - smi.entry) as f64 > threshold * 2.0)
        .collect();
    let mut outcome = Outcome {
        scenario: scenario.name.clone(),
        expected: long.len(),
        smis: raised,
        ..Outcome::default()
    };
    outcome.require(
        long.len() >= scenario.expect.at_least_smis,
        format!("only {} of {raised} SMIs were long enough", long.len()),
    );
    outcome.require(
        report.cpus.len() == 2,
        format!("{} CPUs in the report, 2 were due", report.cpus.len()),
    );
    for cpu in &report.cpus {
        let delta = cpu.smi.as_ref().map(|counter| counter.delta);
        outcome.counted = delta;
        outcome.require(
            delta.is_some_and(|delta| (raised as u64..=log.count).contains(&delta)),
            format!(
                "CPU {} counted {delta:?} SMIs, {raised} to {} were raised",
                cpu.cpu, log.count
            ),
        );
    }
    for smi in &long {
        let missing: Vec<u32> = [0, 1]
            .into_iter()
            .filter(|&cpu| {
                !report
                    .gaps
                    .iter()
                    .any(|gap| gap.cpu == cpu && covers(gap, origin, *smi))
            })
            .collect();
        if missing.is_empty() {
            outcome.found += 1;
        } else {
            outcome.failures.push(format!(
                "the SMI at {} cycles, {} long, shows not on CPU {missing:?}",
                smi.entry.wrapping_sub(origin),
                smi.exit - smi.entry
            ));
        }
    }
    Ok(outcome)
}

/// Whether the gap spans most of the time that the write to the port took. A
/// CPU that was not stopped by the SMI would have gone on sampling in it.
fn covers(gap: &Gap, origin: u64, smi: Smi) -> bool {
    let start = smi.entry.max(origin + gap.start_cycles);
    let end = smi.exit.min(origin + gap.end_cycles);
    end.saturating_sub(start) * 2 > smi.exit - smi.entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(start_cycles: u64, end_cycles: u64) -> Gap {
        Gap {
            cpu: 0,
            start_cycles,
            end_cycles,
            duration_ns: end_cycles - start_cycles,
            companions: None,
            cause: "smi".into(),
            kernel_ran: Some(false),
            residual_ns: None,
            detail: None,
            kernel: None,
        }
    }

    #[test]
    fn a_gap_over_most_of_the_write_counts_and_a_neighbour_does_not() {
        let smi = Smi {
            entry: 1_000,
            exit: 2_000,
        };
        assert!(covers(&gap(900, 1_950), 50, smi));
        assert!(!covers(&gap(0, 1_200), 50, smi));
        assert!(!covers(&gap(3_000, 9_000), 50, smi));
    }
}
