//! Judges one scenario on one CPU: every expectation, in turn.

use anyhow::Result;

use super::account::{self, TOLERANCE};
use super::matching::{Span, Stall, name_victims, stalls};
use super::shots::Shots;
use super::{Outcome, coverage, explained, gaps, recall, several, windows, words};
use crate::report::{Gap, Report};
use crate::scenario::Scenario;
use crate::smilog::SmiLog;
use crate::units::nanoseconds;

/// Stalls this close to the start or the end of sampling are not judged.
const EDGE: u64 = 1_000_000;

/// Between a gap's end and the record of a tracer that tells of it, at most.
const EVENT_DELAY: u64 = 5_000;

/// Everything the guest handed over.
pub struct Evidence {
    pub report: Report,
    pub log: SmiLog,
    pub exit_code: i32,
    /// What was printed.
    pub summary: String,
}

/// Judges the evidence; `recorded_cost` is what an iteration may cost.
pub fn judge(scenario: &Scenario, evidence: &Evidence, recorded_cost: f64) -> Result<Outcome> {
    let Evidence {
        report,
        log,
        exit_code,
        summary,
    } = evidence;
    let expect = &scenario.expect;
    let mut outcome = Outcome {
        scenario: scenario.name.clone(),
        ..Outcome::default()
    };
    let Some(cpu) = report.cpus.first() else {
        outcome.require(false, "the report has no CPU");
        return Ok(outcome);
    };
    let origin = report.origin()?;
    if !expect.engines.is_empty() {
        several::judge(&mut outcome, expect, report, log, origin, *exit_code);
        return Ok(outcome);
    }
    // One cycle is one nanosecond under -icount shift=0.
    let sampled = Span {
        start: origin + EDGE,
        end: origin + cpu.elapsed_ns.saturating_sub(EDGE),
    };
    let mut all = stalls(&log.smis);
    name_victims(&mut all, sampled);
    let spans: Vec<Span> = report
        .gaps
        .iter()
        .map(|gap| absolute(gap, origin))
        .collect();
    // An engine that reads another clock says how well it places its gaps. Their
    // lengths are judged as they are.
    let slack = match (&cpu.tracer, cpu.masked) {
        (_, Some(masked)) => masked.clock_error_ns,
        (Some(_), None) => EVENT_DELAY,
        (None, None) => 0,
    };
    let reaches: Vec<Span> = spans
        .iter()
        .map(|span| Span {
            start: span.start.saturating_sub(slack),
            end: span.end + slack,
        })
        .collect();
    outcome.require(
        log.lost == 0,
        format!("{} SMIs did not fit into the handler's log", log.lost),
    );
    let threshold = nanoseconds(&scenario.hwgap.threshold)?;
    let within: Vec<Stall> = (all.iter().copied())
        .filter(|&stall| sampled.holds(stall))
        .collect();
    if cpu.keeps_one_a_window() {
        let shots = Shots::of(cpu, origin, slack);
        match &shots {
            Some(shots) => {
                shots.judge_coverage(&mut outcome, expect, report);
                let view = windows::View {
                    windows: shots.spans(),
                    gaps: &report.gaps,
                    spans: &spans,
                    threshold,
                    slack,
                };
                // A window says itself where it begins and ends.
                windows::judge(&mut outcome, expect, cpu, &view, &all);
            }
            None => outcome.require(false, "windows are judged where they are listed"),
        }
        gaps::judge(&mut outcome, expect, report, &spans, &all);
        let tolerance = TOLERANCE + cpu.tracer.as_ref().map_or(0, |tracer| tracer.resolution_ns);
        account::judge_verdict(&mut outcome, expect, report, &spans, &all, tolerance);
        words::judge_count(&mut outcome, expect, cpu, log, sampled);
        words::judge_verdict(&mut outcome, expect, report, *exit_code);
        return Ok(outcome);
    }
    let stalls = match Shots::of(cpu, origin, slack) {
        Some(shots) => {
            shots.judge_coverage(&mut outcome, expect, report);
            shots.keep_sampled(&mut outcome, within, threshold)
        }
        None => {
            let scene = coverage::Scene {
                report,
                cpu,
                cost: recorded_cost,
                threshold,
                spans: &spans,
                stalls: &all,
                sampled,
            };
            coverage::judge(&mut outcome, expect, &scene);
            within
        }
    };
    let scene = recall::Scene {
        stalls,
        gaps: &reaches,
        threshold,
        origin,
    };
    let places = recall::judge(&mut outcome, expect, &scene);
    gaps::judge(&mut outcome, expect, report, &spans, &all);
    let resolution = cpu.tracer.as_ref().map_or(0, |tracer| tracer.resolution_ns);
    let tolerance = TOLERANCE + resolution;
    account::judge_told(&mut outcome, expect, report, &places, tolerance);
    account::judge_verdict(&mut outcome, expect, report, &spans, &all, tolerance);
    explained::judge(&mut outcome, expect, report, &spans, &all);
    words::judge_count(&mut outcome, expect, cpu, log, sampled);
    words::judge_summary(&mut outcome, expect, summary);
    words::judge_verdict(&mut outcome, expect, report, *exit_code);
    words::judge_cost(&mut outcome, expect, report, cpu, recorded_cost);
    Ok(outcome)
}

fn absolute(gap: &Gap, origin: u64) -> Span {
    Span {
        start: origin + gap.start_cycles,
        end: origin + gap.end_cycles,
    }
}
