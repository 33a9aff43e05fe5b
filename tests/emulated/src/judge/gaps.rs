//! Every gap is what it says it is: as long, and of that cause.

use super::Outcome;
use super::matching::{Span, Stall};
use crate::report::{Cpu, Gap, Report};
use crate::scenario::Expect;
use crate::units::display;

/// A gap may exceed the handler's own log by this much: SMM's entry and exit,
/// and one iteration of hwgap's loop. A tracer of the kernel's states its own
/// resolution.
const LENGTH_TOLERANCE: u64 = 100;
/// The platform's share of a gap in which the kernel ran too is hwgap's
/// estimate, within this.
const SHARE_TOLERANCE: u64 = 3_000;
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
    let limit = report.run.hardlimit_ns;
    let resolution = (report.cpus.iter())
        .filter_map(|cpu| Some(cpu.tracer.as_ref()?.resolution_ns))
        .max();
    let tolerance = LENGTH_TOLERANCE + resolution.unwrap_or(0);
    let mut platform = 0;
    // Which gaps belong to which stalls, its windows tell.
    let one_a_window = report.cpus.iter().any(Cpu::keeps_one_a_window);
    for (gap, &span) in report.gaps.iter().zip(spans) {
        if gap.platform_ns().is_some_and(|time| time > limit) {
            platform += gap.stands_for();
        }
        if one_a_window {
            continue;
        }
        // A stall that only reaches into a gap is reported as torn elsewhere;
        // for the cause it counts all the same.
        let inside: Vec<Stall> = stalls
            .iter()
            .copied()
            .filter(|&stall| span.touches(stall))
            .collect();
        if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
            let stall = last.exit - first.entry;
            judge_cause(outcome, &mut complaints, expect, gap, stall);
            if gap.kernel_ran == Some(false) {
                judge_length(outcome, &mut complaints, gap, stall, tolerance);
            } else if gap.cause == "smi+os" {
                let share = inside.iter().map(|stall| stall.cycles()).sum();
                judge_share(outcome, &mut complaints, gap, share);
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
            "{} gaps without a platform share, {} may be",
            outcome.unknown_shares, expect.unknown_shares
        ),
    );
    outcome.require(
        report.verdict.platform_gaps == platform,
        format!(
            "the verdict counts {} platform gaps, {platform} of the list exceed its limit",
            report.verdict.platform_gaps
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

fn judge_cause(
    outcome: &mut Outcome,
    complaints: &mut Complaints,
    expect: &Expect,
    gap: &Gap,
    stall: u64,
) {
    // `smi` says that nothing but the SMI took the time.
    let contradicts = gap.cause == "smi" && gap.kernel_ran == Some(true);
    // The way into the kernel and back takes longer than the tolerance.
    let filled = gap.cycles().saturating_sub(stall) <= LENGTH_TOLERANCE;
    if contradicts || !expect.causes.contains(&gap.cause) {
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

fn judge_share(outcome: &mut Outcome, complaints: &mut Complaints, gap: &Gap, share: u64) {
    let Some(residual) = gap.residual_ns else {
        outcome.unknown_shares += 1;
        return;
    };
    let error = residual.abs_diff(share);
    let largest = outcome.share_error.get_or_insert(0);
    *largest = error.max(*largest);
    if error > SHARE_TOLERANCE {
        let truth = format!("residual {}, SMIs {}", display(residual), display(share));
        complaints.add("wrong in platform share", gap, &truth);
    }
}

/// Complaints by kind, so that a hundred alike make one line with an example.
#[derive(Default)]
struct Complaints(Vec<(&'static str, usize, String)>);

impl Complaints {
    fn add(&mut self, kind: &'static str, gap: &Gap, truth: &str) {
        if let Some(known) = self.0.iter_mut().find(|known| known.0 == kind) {
            known.1 += 1;
            return;
        }
        let detail = gap.detail.as_deref().unwrap_or("");
        let example = format!(
            "the first at {}, {} long, cause {}, kernel ran {:?}: {truth} {detail}",
            display(gap.start_cycles),
            display(gap.cycles()),
            gap.cause,
            gap.kernel_ran,
        );
        self.0.push((kind, 1, example));
    }

    fn into_failures(self, outcome: &mut Outcome) {
        for (kind, count, example) in self.0 {
            outcome
                .failures
                .push(format!("{count} gaps {kind}; {example}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Judges one gap of 20 us against one SMI of that length, or none.
    fn judged(cause: &str, kernel_ran: bool, residual: Option<u64>, smis: &[Stall]) -> Outcome {
        let platform = u64::from(residual.is_some_and(|time| time > 10_000) && cause != "os");
        let report = json!({
            "schema": "hwgap.report",
            "schema_version": 1,
            "run": { "hardlimit_ns": 10_000 },
            "tsc": { "origin": "0", "hz": 1e9 },
            "cpus": [],
            "gaps": [{
                "cpu": 0, "start_cycles": 1_000, "end_cycles": 21_050, "duration_ns": 20_050,
                "cause": cause, "kernel_ran": kernel_ran, "residual_ns": residual,
            }],
            "findings": [],
            "verdict": { "result": "fail", "subject": "hardware", "platform_gaps": platform, "coverage": 1.0 },
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
        }]
    }

    #[test]
    fn a_proved_smi_of_the_right_length_passes() {
        let outcome = judged("smi", false, Some(20_050), &smi(20_000));
        assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
        assert_eq!(outcome.length_error, Some(50));
    }

    #[test]
    fn an_smi_called_os_fails() {
        assert_eq!(judged("os", true, Some(0), &smi(20_000)).misclassed, 1);
    }

    #[test]
    fn a_platform_gap_without_an_smi_is_invented() {
        let outcome = judged("cpu", false, Some(20_050), &[]);
        assert_eq!(outcome.invented, 1);
        assert!(outcome.failures[0].contains("invented"));
    }

    #[test]
    fn smi_alone_contradicts_a_kernel_that_ran() {
        assert_eq!(
            judged("smi", true, Some(20_050), &smi(20_000)).misclassed,
            1
        );
    }

    #[test]
    fn kernel_work_where_there_is_no_room_for_it_fails() {
        let outcome = judged("smi+os", true, Some(20_000), &smi(20_000));
        assert!(outcome.failures[0].contains("said to hold kernel work"));
    }

    #[test]
    fn a_gap_longer_than_its_smi_fails() {
        let outcome = judged("smi", false, Some(20_050), &smi(19_900));
        assert!(outcome.failures[0].contains("wrong in length"));
    }

    #[test]
    fn a_share_within_three_microseconds_passes_and_beyond_fails() {
        assert!(
            judged("smi+os", true, Some(17_000), &smi(19_000))
                .failures
                .is_empty()
        );
        let outcome = judged("smi+os", true, Some(15_000), &smi(19_000));
        assert!(outcome.failures[0].contains("platform share"));
    }

    #[test]
    fn a_verdict_that_miscounts_fails() {
        let outcome = judged("smi", false, None, &smi(20_000));
        assert!(outcome.failures[0].contains("verdict counts"));
    }
}
