//! Every gap is what it says it is: as long, and of that cause.

use super::Outcome;
use super::account::{self, TOLERANCE, Truth};
use super::complaints::Complaints;
use super::matching::{Span, Stall, Work};
use crate::report::{Cpu, Gap, Report};
use crate::scenario::Expect;
use crate::units::display;

/// A gap may exceed the handler's own log by this much: SMM's entry and exit,
/// and one iteration of hwgap's loop. A tracer of the kernel's states its own
/// resolution.
const LENGTH_TOLERANCE: u64 = 100;
/// In the sampler's own work after a gap its readings lie further apart.
const BESIDE_LOOP: u64 = 50;
/// hwgap's frequency is fitted, so its nanoseconds may differ from cycles.
const HZ_TOLERANCE_PPM: u64 = 50;

/// Judges every gap of the report; `spans` are the gaps in absolute time.
pub fn judge(
    outcome: &mut Outcome,
    expect: &Expect,
    report: &Report,
    spans: &[Span],
    stalls: &[Stall],
) {
    let mut complaints = Complaints::default();
    let resolution = (report.cpus.iter())
        .filter_map(|cpu| Some(cpu.tracer.as_ref()?.resolution_ns))
        .max();
    let tolerance = LENGTH_TOLERANCE + resolution.unwrap_or(0);
    // Which gaps belong to which stalls, its windows tell.
    let one_a_window = report.cpus.iter().any(Cpu::keeps_one_a_window);
    for (gap, &span) in report.gaps.iter().zip(spans) {
        if one_a_window {
            continue;
        }
        let share_tolerance = TOLERANCE + resolution.unwrap_or(0) + expect.overdue_ns;
        let mut truth = Truth::of(gap, span, stalls, expect);
        if is_in_handler(gap, truth, expect) {
            outcome.in_handlers += 1;
            truth = Truth {
                most: truth.most,
                ..Truth::default()
            };
        }
        account::judge(outcome, &mut complaints, gap, truth, share_tolerance);
        // A stall that only reaches into a gap is reported as torn elsewhere;
        // for the cause it counts all the same.
        let inside: Vec<Stall> = stalls
            .iter()
            .copied()
            .filter(|&stall| span.touches(stall))
            .collect();
        if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
            let stall = last.exit - first.entry;
            judge_cause(outcome, &mut complaints, expect, gap, truth, &inside);
            if gap.kernel_ran == Some(false) {
                let beside = [first, last].iter().any(|stall| stall.work == Work::Other);
                let more = if beside { BESIDE_LOOP } else { 0 };
                judge_length(outcome, &mut complaints, gap, stall, tolerance + more);
            }
        } else {
            outcome.other_gaps += 1;
            if gap.is_platform() {
                outcome.invented += 1;
                complaints.add("invented", gap, "held no SMI");
            } else if !expect.other_causes.contains(&gap.cause) {
                outcome.misclassed += 1;
                complaints.add("classed wrongly", gap, "held no SMI");
            }
        }
    }
    complaints.into_failures(outcome);
    outcome.require(
        outcome.unknown_shares <= expect.unknown_shares,
        format!(
            "{} gaps with SMIs have a part left open, {} may have",
            outcome.unknown_shares, expect.unknown_shares
        ),
    );
    outcome.require(
        outcome.at_switches <= expect.at_switches,
        format!(
            "{} gaps with tasks leave out an SMI that hit the kernel, {} may",
            outcome.at_switches, expect.at_switches
        ),
    );
    outcome.require(
        outcome.in_handlers <= expect.in_handlers,
        format!(
            "{} gaps leave out a stall in a handler, {} may",
            outcome.in_handlers, expect.in_handlers
        ),
    );
    outcome.require(
        outcome.other_gaps >= expect.at_least_other_gaps,
        format!(
            "only {} gaps without an SMI, {} were meant to be",
            outcome.other_gaps, expect.at_least_other_gaps
        ),
    );
}

/// Whether a stall hit a handler of the kernel's, which is said to have taken
/// longer: where a counter says that no SMI came, nothing tells the two apart.
fn is_in_handler(gap: &Gap, truth: Truth, expect: &Expect) -> bool {
    expect.in_handlers > 0
        && truth.most > 0
        && gap.cause == "os"
        && gap.kernel_ran == Some(true)
        && gap.confidence.as_deref() == Some("probable")
}

fn judge_cause(
    outcome: &mut Outcome,
    complaints: &mut Complaints,
    expect: &Expect,
    gap: &Gap,
    truth: Truth,
    inside: &[Stall],
) {
    let (first, last) = (inside[0], inside[inside.len() - 1]);
    let stall = last.exit - first.entry;
    // `smi` says that nothing but the SMI took the time.
    let contradicts = gap.cause == "smi" && gap.kernel_ran == Some(true);
    // Without a counter nothing tells of an SMI in another task's time.
    let hidden = truth.surely() == 0 && gap.cause == "os";
    // The larger part may be the kernel's, with the rest left open.
    let left_open = gap.cause == "os"
        && gap.unknown_ns.is_some_and(|time| time > TOLERANCE)
        && expect.causes.iter().any(|cause| cause == "unknown");
    let allowed = hidden || left_open || expect.causes.contains(&gap.cause);
    // The way into the kernel and back takes longer than the tolerance.
    let filled = gap.cycles().saturating_sub(stall) <= LENGTH_TOLERANCE;
    if contradicts || !allowed {
        outcome.misclassed += 1;
        complaints.add("classed wrongly", gap, "held an SMI");
    } else if filled && gap.kernel_ran == Some(true) {
        outcome.misclassed += 1;
        complaints.add("said to hold kernel work", gap, "the SMI fills it");
    }
}

fn judge_length(
    outcome: &mut Outcome,
    complaints: &mut Complaints,
    gap: &Gap,
    stall: u64,
    tolerance: u64,
) {
    let error = gap.cycles().abs_diff(stall);
    let largest = outcome.length_error.get_or_insert(0);
    *largest = error.max(*largest);
    if error > tolerance {
        complaints.add(
            "wrong in length",
            gap,
            &format!("the SMI took {}", display(stall)),
        );
    }
    if gap.duration_ns.abs_diff(gap.cycles()) > 2 + gap.cycles() * HZ_TOLERANCE_PPM / 1_000_000 {
        complaints.add(
            "wrong in nanoseconds",
            gap,
            &format!("{} cycles at 1 GHz", gap.cycles()),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::judge::matching::Victim;
    use crate::scenario::SmiCount;

    /// Judges one gap of 20 us with this part of the platform's against one SMI of
    /// that length, or none.
    fn judged(cause: &str, kernel_ran: bool, platform: u64, smis: &[Stall]) -> Outcome {
        let confidence = (platform > 0).then_some("proved");
        let os = 20_050 - platform;
        let report = json!({
            "schema": "hwgap.report",
            "schema_version": 1,
            "run": { "hardlimit_ns": 10_000 },
            "tsc": { "origin": "0", "hz": 1e9 },
            "cpus": [],
            "gaps": [{
                "cpu": 0, "start_cycles": 1_000, "end_cycles": 21_050, "duration_ns": 20_050,
                "cause": cause, "kernel_ran": kernel_ran, "residual_ns": 20_050 - os,
                "os_ns": os, "platform_ns": platform, "unknown_ns": 0,
                "platform_confidence": confidence,
            }],
            "findings": [],
            "verdict": {
                "result": "fail", "subject": "hardware", "platform_gaps": 1,
                "platform_max_ns": platform, "coverage": 1.0,
            },
        });
        let report = Report::parse(&report.to_string()).unwrap();
        let spans = [Span {
            start: 1_000,
            end: 21_050,
        }];
        let mut outcome = Outcome::default();
        judge(&mut outcome, &Expect::default(), &report, &spans, smis);
        outcome
    }

    fn smi(length: u64) -> [Stall; 1] {
        [Stall {
            entry: 1_010,
            exit: 1_010 + length,
            smis: 1,
            ..Stall::default()
        }]
    }

    #[test]
    fn a_proved_smi_of_the_right_length_passes() {
        let outcome = judged("smi", false, 20_050, &smi(20_000));
        assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
        assert_eq!(outcome.length_error, Some(50));
    }

    #[test]
    fn an_smi_called_os_fails() {
        assert_eq!(judged("os", true, 0, &smi(20_000)).misclassed, 1);
    }

    #[test]
    fn a_stall_in_a_handler_may_be_the_kernels_as_often_as_a_scenario_says() {
        let judged = |confidence: &str, most: usize| {
            let gap: Gap = serde_json::from_value(json!({
                "cpu": 0, "start_cycles": 1_000, "end_cycles": 21_050, "duration_ns": 20_050,
                "cause": "os", "confidence": confidence, "kernel_ran": true, "residual_ns": 0,
            }))
            .unwrap();
            let expect = Expect {
                in_handlers: most,
                ..Expect::default()
            };
            let truth = Truth {
                least: 20_000,
                most: 20_000,
                at_switch: 0,
            };
            is_in_handler(&gap, truth, &expect)
        };
        assert!(judged("probable", 1));
        assert!(!judged("probable", 0));
        assert!(!judged("strong", 1));
    }

    #[test]
    fn a_platform_gap_without_an_smi_is_invented() {
        let outcome = judged("cpu", false, 20_050, &[]);
        assert_eq!(outcome.invented, 1);
        let mut failures = outcome.failures.iter();
        assert!(failures.any(|failure| failure.contains("invented")));
    }

    #[test]
    fn smi_alone_contradicts_a_kernel_that_ran() {
        assert_eq!(judged("smi", true, 20_050, &smi(20_000)).misclassed, 1);
    }

    #[test]
    fn kernel_work_where_there_is_no_room_for_it_fails() {
        let outcome = judged("smi+os", true, 20_000, &smi(20_000));
        assert!(outcome.failures[0].contains("said to hold kernel work"));
    }

    #[test]
    fn a_gap_longer_than_its_smi_fails() {
        let outcome = judged("smi", false, 20_050, &smi(19_900));
        assert!(outcome.failures[0].contains("wrong in length"));
    }

    #[test]
    fn a_stall_in_another_tasks_time_may_be_hidden_without_a_counter() {
        let hidden = [Stall {
            victim: Victim::OtherTask,
            ..smi(19_000)[0]
        }];
        let misclassed = |smi_count| {
            let expect = Expect {
                smi_count,
                ..Expect::default()
            };
            let gap: Gap = serde_json::from_value(json!({
                "cpu": 0, "start_cycles": 1_000, "end_cycles": 31_050, "duration_ns": 30_050,
                "cause": "os", "kernel_ran": true, "residual_ns": 0,
            }))
            .unwrap();
            let (mut outcome, mut complaints) = (Outcome::default(), Complaints::default());
            let span = Span {
                start: 1_000,
                end: 31_050,
            };
            let truth = Truth::of(&gap, span, &hidden, &expect);
            judge_cause(&mut outcome, &mut complaints, &expect, &gap, truth, &hidden);
            outcome.misclassed
        };
        assert_eq!(misclassed(SmiCount::Unreadable), 0);
        assert_eq!(misclassed(SmiCount::Exact), 1);
    }
}
