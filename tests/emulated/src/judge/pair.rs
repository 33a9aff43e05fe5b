//! Two CPUs: an SMI stops both, and both must say so.
//!
//! The firmware's own handler runs here, so the log holds the times right
//! before and after each write to port 0xB2 instead. The emulator's clock is the
//! host's there and so restless that the samplers are at their own work for
//! more than half of the time: an SMI that comes then is counted and has no gap.
//! So enough of them must show on both CPUs together, not each; by chance
//! hardly one would. Simultaneity, the count and the cause are judged.

use anyhow::Result;

use super::Outcome;
use super::matching::Span;
use crate::report::{Gap, Report};
use crate::scenario::Scenario;
use crate::smilog::{Smi, SmiLog};
use crate::units::nanoseconds;

/// Requires that SMIs show on both CPUs at the same time.
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
        }
    }
    outcome.require(
        outcome.found >= scenario.expect.at_least_smis,
        format!(
            "only {} of {} SMIs stopped both CPUs together",
            outcome.found,
            long.len()
        ),
    );
    Ok(outcome)
}

/// The longest time within a write to the port in which both CPUs stood still.
/// The write may take longer by as much as the host lets the writer wait. The
/// writer took its CPU from the sampler, which makes a gap of its own: the other
/// CPU's must not be the operating system's as well.
fn stood_still(gaps: &[Gap], write: Span) -> u64 {
    let of = |cpu: u32| gaps.iter().filter(move |gap| gap.cpu == cpu);
    let together = |a: &Gap, b: &Gap| {
        let start = a.start_cycles.max(b.start_cycles).max(write.start);
        let end = a.end_cycles.min(b.end_cycles).min(write.end);
        end.saturating_sub(start)
    };
    of(0)
        .flat_map(|a| of(1).map(move |b| (a, b)))
        .filter(|(a, b)| a.cause != "os" || b.cause != "os")
        .map(|(a, b)| together(a, b))
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
            cause: "smi".into(),
            kernel_ran: Some(false),
            ..Gap::default()
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
        // Two tasks are no SMI.
        let mut tasks = [own.clone(), gap(1, 1_100, 5_000)];
        tasks.iter_mut().for_each(|gap| gap.cause = "os".into());
        assert_eq!(stood_still(&tasks, write), 0);
    }
}
