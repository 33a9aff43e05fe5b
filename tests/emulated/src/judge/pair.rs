//! Two CPUs: an SMI stops both, and both must say so.
//!
//! The firmware's own handler runs here, so the log holds the times right
//! before and after each write to port 0xB2 instead. The host's noise is in
//! every time: only simultaneity, the count and the cause are judged.

use anyhow::Result;

use super::Outcome;
use super::matching::Span;
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
        let write = Span {
            start: smi.entry - origin,
            end: smi.exit - origin,
        };
        if stood_still(&report.gaps, write) >= threshold as u64 {
            outcome.found += 1;
        } else {
            outcome.failures.push(format!(
                "the SMI at {} cycles, {} long, does not stop both CPUs together",
                smi.entry.wrapping_sub(origin),
                smi.exit - smi.entry
            ));
        }
    }
    Ok(outcome)
}

/// The longest time within a write to the port in which both CPUs stood still.
/// The write may take longer by as much as the host lets the writer wait.
fn stood_still(gaps: &[Gap], write: Span) -> u64 {
    let within = |cpu: u32| {
        gaps.iter()
            .filter(move |gap| gap.cpu == cpu)
            .map(move |gap| Span {
                start: gap.start_cycles.max(write.start),
                end: gap.end_cycles.min(write.end),
            })
    };
    let together = |a: Span, b: Span| a.end.min(b.end).saturating_sub(a.start.max(b.start));
    within(0)
        .flat_map(|a| within(1).map(move |b| together(a, b)))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(cpu: u32, start_cycles: u64, end_cycles: u64) -> Gap {
        Gap {
            cpu,
            start_cycles,
            end_cycles,
            duration_ns: end_cycles - start_cycles,
            companions: None,
            cause: "smi".into(),
            engine: None,
            kernel_ran: Some(false),
            residual_ns: None,
            detail: None,
            kernel: None,
        }
    }

    #[test]
    fn only_time_in_which_both_stood_still_within_the_write_counts() {
        let write = Span {
            start: 1_000,
            end: 2_000,
        };
        let own = gap(0, 900, 1_950);
        let stood = |other| stood_still(&[own.clone(), other], write);
        assert_eq!(stood(gap(1, 1_100, 5_000)), 850);
        // One CPU went on: its gap came before, or after, or is the other's.
        assert_eq!(stood(gap(1, 0, 1_000)), 0);
        assert_eq!(stood(gap(1, 1_960, 9_000)), 0);
        assert_eq!(stood(gap(0, 1_100, 5_000)), 0);
    }
}
