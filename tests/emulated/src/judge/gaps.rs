//! Every gap is what it says it is: as long, and of that cause.

use super::Outcome;
use super::matching::{Span, Stall};
use crate::report::{Gap, Report};
use crate::scenario::Expect;
use crate::units::display;

/// A gap may exceed the handler's own log by this much: SMM's entry and exit,
/// and one iteration of the loop.
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
    let mut platform = 0;
    for (gap, &span) in report.gaps.iter().zip(spans) {
        platform += u64::from(gap.platform_ns().is_some_and(|time| time > limit));
        // A stall that only reaches into a gap is reported as torn elsewhere;
        // for the cause it counts all the same.
        let inside: Vec<Stall> = stalls
            .iter()
            .copied()
            .filter(|&stall| span.touches(stall))
            .collect();
        if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
            judge_cause(outcome, &mut complaints, expect, gap);
            if gap.kernel_ran == Some(false) {
                judge_length(outcome, &mut complaints, gap, last.exit - first.entry);
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

fn judge_cause(outcome: &mut Outcome, complaints: &mut Complaints, expect: &Expect, gap: &Gap) {
    // `smi` says that nothing but the SMI took the time.
    let contradicts = gap.cause == "smi" && gap.kernel_ran == Some(true);
    if contradicts || !expect.causes.contains(&gap.cause) {
        outcome.misclassed += 1;
        complaints.add("classed wrongly", gap, "held an SMI");
    }
}

fn judge_length(outcome: &mut Outcome, complaints: &mut Complaints, gap: &Gap, stall: u64) {
    let error = gap.cycles().abs_diff(stall);
    let largest = outcome.length_error.get_or_insert(0);
    *largest = error.max(*largest);
    if error > LENGTH_TOLERANCE {
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
