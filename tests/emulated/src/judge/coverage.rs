//! The stated coverage against the emulated clock, for the engine that samples
//! with interrupts on.
//!
//! An iteration of its loop costs the same number of instructions each time,
//! and an instruction one nanosecond: what was sampled is the number of
//! iterations times that, whatever hwgap believes of the kernel's time, of
//! pauses and of its own work. SMIs take time beside: within a gap it is covered
//! as far as hwgap tells it from the kernel's, and what is too short for a gap
//! is, as the sampler saw it pass.

use super::Outcome;
use super::account::{Parts, TOLERANCE, Truth};
use super::matching::{Span, Stall, Victim};
use crate::report::{Cpu, Gap, Report};
use crate::scenario::Expect;

/// The stated coverage may be off by this share of the time.
const SHARE: f64 = 0.001;
/// Cycles from the last reading of the slow path to the first of the loop. The
/// clock bridges them, so that a stall there is seen, but they are no iteration.
const WAY_BACK: f64 = 16.0;

/// What is judged, and by what.
pub struct Scene<'a> {
    pub report: &'a Report,
    pub cpu: &'a Cpu,
    /// Cycles an iteration.
    pub cost: f64,
    pub threshold: u64,
    /// The gaps in absolute time.
    pub spans: &'a [Span],
    pub stalls: &'a [Stall],
    /// From the first reading to the last, nearly.
    pub sampled: Span,
}

/// Judges the coverage.
pub fn judge(outcome: &mut Outcome, expect: &Expect, scene: &Scene<'_>) {
    let Scene { report, cpu, .. } = scene;
    // A tracer of the kernel's does not say how often its loop went round.
    let Some(iterations) = cpu.iterations else {
        return;
    };
    if cpu.shots.is_some() || cpu.masked.is_some() {
        return;
    }
    let elapsed = cpu.elapsed_ns as f64;
    let sampled = iterations as f64 * scene.cost
        + cpu.histogram.count() as f64 * WAY_BACK
        + (in_gaps(expect, scene) + short(scene)) as f64;
    let share = sampled / elapsed;
    let stated = report.verdict.coverage;
    outcome.require(
        (stated - share).abs() <= SHARE,
        format!("coverage {stated:.4} is stated, {share:.4} was sampled"),
    );
    outcome.require(
        share >= expect.coverage,
        format!(
            "{share:.4} of the time was sampled, {} is due",
            expect.coverage
        ),
    );
}

/// Requires the coverage of another report of the same machine, each but for the
/// gaps in which hwgap's other threads had the only CPU: how often the sampler
/// gives way to these depends on what they have to do.
pub fn same_as(outcome: &mut Outcome, report: &Report, other: &Report) {
    let (lost, due) = (lost(report), lost(other));
    outcome.figures.push(format!(
        "{:.4} % of the time lost, {:.4} % in the other run",
        100.0 * lost,
        100.0 * due
    ));
    outcome.require(
        (lost - due).abs() <= SHARE,
        format!("{lost:.5} of the time is lost, {due:.5} without what this run had armed"),
    );
}

fn lost(report: &Report) -> f64 {
    let is_own = |gap: &&Gap| {
        let by = gap.kernel.iter().flat_map(|kernel| &kernel.by);
        by.into_iter().any(|taken| taken.name == "hwgap")
    };
    let own = report.gaps.iter().filter(is_own);
    let own: u64 = own.map(|gap| gap.duration_ns).sum();
    let of_cpus = |length: fn(&Cpu) -> u64| report.cpus.iter().map(length).sum::<u64>();
    let elapsed = of_cpus(|cpu| cpu.elapsed_ns);
    let lost = elapsed - own - of_cpus(|cpu| cpu.covered_ns);
    lost as f64 / elapsed as f64
}

fn in_gaps(expect: &Expect, scene: &Scene<'_>) -> u64 {
    let gaps = scene.report.gaps.iter().zip(scene.spans);
    gaps.filter_map(|(gap, &span)| {
        let truth = Truth::of(gap, span, scene.stalls, expect);
        Some(Parts::of(gap)?.covered(truth, TOLERANCE))
    })
    .sum()
}

/// Stalls below the threshold that hit the sampler and stand in no gap.
fn short(scene: &Scene<'_>) -> u64 {
    let short = scene.stalls.iter().filter(|&&stall| {
        scene.sampled.holds(stall)
            && stall.cycles() < scene.threshold
            && matches!(stall.victim, Victim::Sampler | Victim::Unknown)
            && !scene.spans.iter().any(|span| span.touches(stall))
    });
    short.map(|&stall| stall.cycles()).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Half of 1 ms was sampled; one gap of 100 us has these parts, and held an
    /// SMI of 60 us.
    fn judged(platform: u64, unknown: u64, coverage: f64) -> Outcome {
        let report = json!({
            "schema": "hwgap.report", "schema_version": 1,
            "run": { "hardlimit_ns": 10_000 }, "tsc": { "origin": "0", "hz": 1e9 },
            "cpus": [{
                "cpu": 0, "elapsed_ns": 1_000_000, "covered_ns": 0, "gaps_seen": 1,
                "gaps_recorded": 1, "iterations": 50_000, "smi": null, "smi_reason": null,
            }],
            "gaps": [{
                "cpu": 0, "start_cycles": 0, "end_cycles": 100_000, "duration_ns": 100_000,
                "cause": "smi+os", "kernel_ran": true, "residual_ns": platform + unknown,
                "os_ns": 100_000 - platform - unknown, "platform_ns": platform,
                "unknown_ns": unknown,
            }],
            "findings": [],
            "verdict": {
                "result": "fail", "subject": "hardware", "platform_gaps": 1,
                "platform_max_ns": platform, "coverage": coverage,
            },
        });
        let report = Report::parse(&report.to_string()).unwrap();
        let scene = Scene {
            report: &report,
            cpu: &report.cpus[0],
            cost: 10.0,
            threshold: 10_000,
            spans: &[Span {
                start: 0,
                end: 100_000,
            }],
            stalls: &[Stall {
                entry: 10_000,
                exit: 70_000,
                ..Stall::default()
            }],
            sampled: Span {
                start: 0,
                end: 1_000_000,
            },
        };
        let mut outcome = Outcome::default();
        judge(&mut outcome, &Expect::default(), &scene);
        outcome
    }

    #[test]
    fn the_platforms_part_is_covered() {
        assert!(judged(60_000, 0, 0.56).failures.is_empty());
        assert!(!judged(60_000, 0, 0.5).failures.is_empty());
        assert!(!judged(60_000, 0, 0.562).failures.is_empty());
    }

    #[test]
    fn gaps_of_hwgaps_own_threads_are_left_out_of_a_pair() {
        let report = |covered: u64, by: &str| {
            let report = json!({
                "schema": "hwgap.report", "schema_version": 1,
                "run": { "hardlimit_ns": 10_000 }, "tsc": { "origin": "0", "hz": 1e9 },
                "cpus": [{
                    "cpu": 0, "elapsed_ns": 1_000_000, "covered_ns": covered, "gaps_seen": 1,
                    "gaps_recorded": 1, "iterations": 50_000, "smi": null, "smi_reason": null,
                }],
                "gaps": [{
                    "cpu": 0, "start_cycles": 0, "end_cycles": 100_000, "duration_ns": 100_000,
                    "cause": "os", "kernel_ran": true, "residual_ns": 0, "os_ns": 100_000,
                    "platform_ns": 0, "unknown_ns": 0,
                    "kernel": { "by": [{ "name": by, "ns": 90_000 }] },
                }],
                "findings": [],
                "verdict": {
                    "result": "pass", "subject": "hardware", "platform_gaps": 0,
                    "platform_max_ns": 0, "coverage": 0.9,
                },
            });
            Report::parse(&report.to_string()).unwrap()
        };
        let failures = |covered, by| {
            let mut outcome = Outcome::default();
            let other = report(1_000_000 - 2_000, "none");
            same_as(&mut outcome, &report(covered, by), &other);
            outcome.failures.len()
        };
        assert_eq!(failures(900_000 - 2_900, "hwgap"), 0);
        assert_eq!(failures(900_000 - 3_100, "hwgap"), 1);
        assert_eq!(failures(900_000 - 2_900, "local_timer"), 1);
    }

    #[test]
    fn what_is_left_open_is_not() {
        assert!(judged(20_000, 50_000, 0.52).failures.is_empty());
        assert!(!judged(20_000, 50_000, 0.56).failures.is_empty());
    }
}
