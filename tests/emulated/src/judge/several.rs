//! Engines that took turns on the same CPU, under the same SMIs: each must have
//! seen them as often as they came, and all must be said to agree.

use super::matching::{Span, stalls};
use super::{Outcome, words};
use crate::report::{Engine, Report};
use crate::scenario::Expect;
use crate::smilog::SmiLog;
use crate::units::display;

/// How far a tracer's gap may be off its place.
const SLACK: u64 = 5_000;

/// Judges a report of several engines, by one CPU.
pub fn judge(
    outcome: &mut Outcome,
    expect: &Expect,
    report: &Report,
    log: &SmiLog,
    origin: u64,
    exit_code: i32,
) {
    let (Some(first), Some(last)) = (log.smis.first(), log.smis.last()) else {
        outcome.require(false, "no SMI was logged");
        return;
    };
    // From the end of one to the end of the next.
    let period = (last.exit - first.exit) as f64 / (log.smis.len() - 1) as f64;
    let engines = report.engines.as_deref().unwrap_or_default();
    let names: Vec<&str> = engines.iter().map(|one| one.engine.as_str()).collect();
    outcome.require(
        names == expect.engines,
        format!("engines {names:?}, {:?} were due", expect.engines),
    );
    for engine in engines {
        judge_engine(outcome, engine, period);
    }
    judge_agreement(outcome, report, engines.len());
    judge_gaps(outcome, report, log, origin);
    outcome.require(
        outcome.found >= expect.at_least_smis,
        format!("only {} stalls were found", outcome.found),
    );
    words::judge_verdict(outcome, expect, report, exit_code);
}

fn judge_engine(outcome: &mut Outcome, engine: &Engine, period: f64) {
    let name = &engine.engine;
    let Some((all, cpu)) = engine.rates.first().zip(engine.cpus.first()) else {
        outcome.require(false, format!("{name} has no rate, or no CPU"));
        return;
    };
    outcome.require(all.cause.is_none(), format!("{name} begins with a cause"));
    let due = 3.6e12 / period;
    let (low, high) = (all.low95_per_hour, all.high95_per_hour);
    outcome.require(
        low.is_some_and(|low| low <= due) && high.is_some_and(|high| due <= high),
        format!("{name} tells {low:?} to {high:?} stalls an hour, {due:.0} came"),
    );
    // At both ends of each slice one may be in or out.
    let elapsed = cpu.elapsed_ns as f64 / period;
    let counted = cpu.smi.as_ref().map(|counter| counter.delta);
    outcome.counted = match (outcome.counted, counted) {
        (Some(sum), Some(more)) => Some(sum + more),
        (sum, more) => sum.or(more),
    };
    outcome.require(
        counted.is_some_and(|count| (count as f64 - elapsed).abs() <= 2.0 * engine.slices as f64),
        format!("{name} counted {counted:?} SMIs, {elapsed:.1} came in its slices"),
    );
    outcome.expected += (all.exposure_ns as f64 / period) as usize;
    outcome.found += all.stalls as usize;
}

fn judge_agreement(outcome: &mut Outcome, report: &Report, engines: usize) {
    let Some(agreement) = &report.agreement else {
        outcome.require(false, "the report does not say whether the engines agree");
        return;
    };
    outcome.require(
        agreement.result == "agree",
        format!("agreement {:?}: {:?}", agreement.result, agreement.tests),
    );
    let mut pairs: Vec<_> = agreement.tests.iter().map(|test| &test.engines).collect();
    pairs.dedup();
    let due = engines * engines.saturating_sub(1) / 2;
    outcome.require(
        pairs.len() == due && (due == 1 || pairs.iter().all(|pair| pair.is_some())),
        format!("{pairs:?} were compared, {due} pairs were due"),
    );
}

/// Each gap of the platform's holds an SMI, whichever engine saw it.
fn judge_gaps(outcome: &mut Outcome, report: &Report, log: &SmiLog, origin: u64) {
    let all = stalls(&log.smis);
    for gap in &report.gaps {
        let reach = Span {
            start: (origin + gap.start_cycles).saturating_sub(SLACK),
            end: origin + gap.end_cycles + SLACK,
        };
        let near = all.partition_point(|stall| stall.exit < reach.start);
        let held = all.get(near).is_some_and(|&stall| reach.touches(stall));
        if gap.is_platform() && !held {
            outcome.invented += 1;
            outcome.failures.push(format!(
                "{:?} tells a gap at {} that held no SMI",
                gap.engine,
                display(gap.start_cycles)
            ));
        }
        outcome.other_gaps += usize::from(!held);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::smilog::Smi;

    /// Judges two engines, of which the second tells `stalls` an hour within a
    /// twentieth, under an SMI every 10 ms.
    fn judged(stalls: f64, result: &str, gap_start: u64) -> Outcome {
        let cpu = json!({
            "cpu": 0, "elapsed_ns": 1_000_000_000, "covered_ns": 1_000_000_000, "gaps_seen": 1,
            "gaps_recorded": 1, "iterations": null, "smi": { "delta": 100 }, "smi_reason": null,
        });
        let engine = |name: &str, rate: f64| {
            json!({
                "engine": name, "slices": 4, "cpus": [cpu],
                "rates": [{
                    "cause": null, "stalls": 100, "exposure_ns": 1_000_000_000,
                    "low95_per_hour": rate * 0.95, "high95_per_hour": rate * 1.05,
                }],
            })
        };
        let report = json!({
            "schema": "hwgap.report", "schema_version": 1,
            "run": { "hardlimit_ns": 10_000 }, "tsc": { "origin": "0", "hz": 1e9 },
            "cpus": [cpu], "findings": [],
            "gaps": [{
                "cpu": 0, "start_cycles": gap_start, "end_cycles": gap_start + 20_000,
                "duration_ns": 20_000, "cause": "smi", "kernel_ran": false, "residual_ns": 20_000,
            }],
            "engines": [engine("user", 360_000.0), engine("hwlat", stalls)],
            "agreement": { "result": result, "tests": [{ "p_value": 1.0 }] },
            "verdict": {
                "result": "fail", "subject": "hardware", "platform_gaps": 1, "platform_max_ns": 0, "coverage": 1.0,
            },
        });
        let report = Report::parse(&report.to_string()).unwrap();
        let smis = (0..100).map(|n| Smi {
            entry: n * 10_000_000,
            exit: n * 10_000_000 + 20_000,
            hit: None,
        });
        let log = SmiLog {
            smis: smis.collect(),
            ..SmiLog::default()
        };
        let expect = Expect {
            engines: vec!["user".into(), "hwlat".into()],
            ..Expect::default()
        };
        let mut outcome = Outcome::default();
        judge(&mut outcome, &expect, &report, &log, 0, 1);
        outcome
    }

    #[test]
    fn engines_that_saw_all_and_agree_pass() {
        let outcome = judged(360_000.0, "agree", 10_000_100);
        // Short SMIs are judged by the log of one engine only.
        assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
        assert_eq!((outcome.found, outcome.counted), (200, Some(200)));
    }

    #[test]
    fn an_engine_that_missed_some_fails() {
        let outcome = judged(300_000.0, "agree", 10_000_100);
        assert!(outcome.failures[0].contains("hwlat tells"));
    }

    #[test]
    fn engines_that_are_said_to_differ_fail() {
        assert!(judged(360_000.0, "differ", 10_000_100).failures[0].contains("agreement"));
    }

    #[test]
    fn a_gap_that_no_smi_made_fails() {
        let outcome = judged(360_000.0, "agree", 15_000_000);
        assert_eq!(outcome.invented, 1);
    }
}
