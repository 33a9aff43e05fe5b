//! What the report says beside its gaps: the count, the verdict, the findings.

use super::Outcome;
use super::matching::Span;
use crate::report::{Cpu, Report};
use crate::scenario::{Expect, Scenario, SmiCount};
use crate::smilog::SmiLog;

/// The counter is read at most this long before and after sampling.
const COUNTER_EDGE: u64 = 20_000_000;
/// The finding for SMIs that were too short for a gap.
const SHORT_SMIS: &str = "smi-below-threshold";
/// By how much an iteration may exceed its recorded cost, in cycles: ticks and
/// other gaps are a small part of the elapsed time, and vary with the kernel.
const COST_TOLERANCE: f64 = 0.1;

/// The SMI count equals the log.
pub fn judge_count(outcome: &mut Outcome, expect: &Expect, cpu: &Cpu, log: &SmiLog, sampled: Span) {
    outcome.counted = cpu.smi.as_ref().map(|counter| counter.delta);
    match expect.smi_count {
        SmiCount::Exact => {
            let entries = |start: u64, end: u64| {
                let range = start..end;
                log.smis
                    .iter()
                    .filter(|smi| range.contains(&smi.entry))
                    .count() as u64
            };
            let least = entries(sampled.start, sampled.end);
            let most = entries(
                sampled.start.saturating_sub(COUNTER_EDGE),
                sampled.end + COUNTER_EDGE,
            );
            match outcome.counted {
                None => outcome.failures.push(format!(
                    "no SMI count, though the counter can be read ({:?})",
                    cpu.smi_reason
                )),
                Some(delta) => outcome.require(
                    (least..=most).contains(&delta),
                    format!("SMI count {delta}, the log has {least} to {most}"),
                ),
            }
        }
        SmiCount::Unreadable => {
            outcome.require(
                outcome.counted.is_none(),
                "an SMI count where none can be read",
            );
            outcome.require(
                cpu.smi_reason
                    .as_ref()
                    .is_some_and(|reason| !reason.is_empty()),
                "no reason why SMIs could not be counted",
            );
        }
        SmiCount::Zero => outcome.require(
            outcome.counted == Some(0),
            format!(
                "SMI count {:?} of a counter that stands still ({:?})",
                outcome.counted, cpu.smi_reason
            ),
        ),
        SmiCount::Any => {}
    }
}

/// What cannot be counted must not read like a count of none.
pub fn judge_summary(outcome: &mut Outcome, expect: &Expect, summary: &str) {
    if expect.smi_count == SmiCount::Unreadable {
        let count = told_count(summary);
        outcome.require(
            count.is_none(),
            format!("SMIs cannot be counted, and the summary says {count:?}"),
        );
    }
}

/// The first number of SMIs that a text tells, in one of its lines: the last
/// column of a table may be a number, and the next line may begin with SMIs.
fn told_count(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let told = words.windows(2).find(|pair| {
            pair[1].starts_with("SMI")
                && pair[0]
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b',')
        });
        told.map(|pair| pair[0])
    })
}

/// Exit code, verdict and findings.
pub fn judge_verdict(outcome: &mut Outcome, expect: &Expect, report: &Report, exit_code: i32) {
    outcome.require(
        report.schema == "hwgap.report" && report.schema_version == 1,
        "the report's schema is not hwgap.report 1",
    );
    if let Some(expected) = expect.exit_code {
        outcome.require(
            exit_code == expected,
            format!("exit status {exit_code}, {expected} was due"),
        );
    }
    let verdict = &report.verdict;
    for (expected, actual, what) in [
        (&expect.verdict, &verdict.result, "verdict"),
        (&expect.subject, &verdict.subject, "subject"),
    ] {
        if let Some(expected) = expected {
            outcome.require(
                expected == actual,
                format!("{what} {actual:?}, {expected:?} was due"),
            );
        }
    }
    let present = |id: &String| report.findings.iter().any(|finding| &finding.id == id);
    let ids: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| finding.id.as_str())
        .collect();
    judge_quieted(outcome, expect, report);
    // hwlat tells nothing of stalls below its threshold.
    if !report.cpus.iter().any(Cpu::keeps_one_a_window) {
        judge_short_smis(outcome, present(&SHORT_SMIS.to_owned()));
    }
    for id in &expect.findings {
        outcome.require(present(id), format!("no finding {id:?} among {ids:?}"));
    }
    for finding in &report.findings {
        outcome.require(
            !expect.no_findings.contains(&finding.id),
            format!(
                "a finding that must not be: {}: {}",
                finding.id, finding.text
            ),
        );
    }
    // What a tracer shares and loses is told of its own engine only.
    let of_engines = report.engines.iter().flatten().flat_map(|one| &one.cpus);
    let of_engines: Vec<&Cpu> = of_engines.collect();
    let cpus = match of_engines.is_empty() {
        true => report.cpus.iter().collect(),
        false => of_engines,
    };
    for cpu in cpus {
        let companions = cpu.tracer.as_ref().map_or(0, |tracer| tracer.companions);
        outcome.require(
            cpu.gaps_seen == cpu.gaps_recorded + companions,
            format!(
                "{} of {} gaps recorded, {companions} with another one",
                cpu.gaps_recorded, cpu.gaps_seen
            ),
        );
        let lost = cpu.tracer.as_ref().map_or(0, |tracer| tracer.lost_records);
        outcome.require(lost == 0, format!("{lost} records of the tracer were lost"));
    }
}

/// Judges nothing but what was made quiet.
pub fn quieted_alone(scenario: &Scenario, report: &Report) -> Outcome {
    let mut outcome = Outcome {
        scenario: scenario.name.clone(),
        ..Outcome::default()
    };
    judge_quieted(&mut outcome, &scenario.expect, report);
    outcome
}

/// Each step that was due has changed something, and all of it is as before.
fn judge_quieted(outcome: &mut Outcome, expect: &Expect, report: &Report) {
    let settings = report.quiet_host.iter().flat_map(|quiet| &quiet.settings);
    let settings: Vec<_> = settings.collect();
    for step in &expect.quieted {
        let of_step: Vec<_> = (settings.iter())
            .filter(|setting| setting.step == *step)
            .collect();
        outcome.require(
            of_step.iter().any(|setting| setting.result == "changed"),
            format!("step {step} changed nothing: {of_step:?}"),
        );
    }
    for setting in &settings {
        outcome.require(
            setting.result != "changed" || setting.put_back.as_deref() == Some("done"),
            format!(
                "{} was not put back: {:?}",
                setting.setting, setting.put_back
            ),
        );
    }
}

/// Short SMIs are a finding, and the finding stands for nothing else: an SMI
/// above the threshold that hwgap lost must not pass for a short one.
fn judge_short_smis(outcome: &mut Outcome, said: bool) {
    if outcome.counted.is_none() {
        return;
    }
    let below = outcome.below;
    outcome.require(
        said || below == 0,
        format!("{below} SMIs below the threshold, and no finding says so"),
    );
    outcome.require(
        !said || below > 0,
        "a finding says that SMIs stayed below the threshold, none did",
    );
}

/// Time is instruction count here, so the loop's cost is exact.
pub fn judge_cost(
    outcome: &mut Outcome,
    expect: &Expect,
    report: &Report,
    cpu: &Cpu,
    recorded_cost: f64,
) {
    let Some(iterations) = cpu.iterations.filter(|_| expect.loop_cost) else {
        outcome.require(!expect.loop_cost, "no iteration to take the cost of");
        return;
    };
    let cycles = cpu.covered_ns as f64 * report.tsc.hz / 1e9;
    let cost = cycles / iterations as f64;
    outcome.cycles_per_iteration = Some(cost);
    outcome.require(
        cost <= recorded_cost + COST_TOLERANCE,
        format!("an iteration costs {cost:.2} cycles, {recorded_cost:.2} are on record"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_none_is_told_from_no_count() {
        assert_eq!(told_count("3 gaps\n  0 SMIs counted"), Some("0"));
        assert_eq!(told_count("1,204 SMIs"), Some("1,204"));
        assert_eq!(
            told_count("54.0 ms   n/a  1,131\n  SMIs: not countable"),
            None
        );
        assert_eq!(
            told_count("SMIs: not countable: AMD counts SMIs only"),
            None
        );
        let unreadable = Expect {
            smi_count: SmiCount::Unreadable,
            ..Expect::default()
        };
        let mut outcome = Outcome::default();
        judge_summary(&mut outcome, &unreadable, "0 SMIs");
        assert_eq!(outcome.failures.len(), 1);
        judge_summary(&mut outcome, &Expect::default(), "0 SMIs");
        assert_eq!(outcome.failures.len(), 1);
    }
}
