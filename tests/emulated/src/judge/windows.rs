//! A tracer that keeps one record a window: the record must count the stalls of
//! its window, end where the first of them ended, and be as long as the longest.

use super::Outcome;
use super::matching::{Span, Stall};
use crate::report::{Cpu, Gap};
use crate::scenario::Expect;
use crate::units::display;

/// Beside the tracer's own resolution: an iteration of its loop, and what SMM
/// takes beyond the handler.
const LENGTH_TOLERANCE: u64 = 300;

/// What the report tells.
pub struct View<'a> {
    /// The windows, as far as they were surely sampled, in order of time.
    pub windows: &'a [Span],
    pub gaps: &'a [Gap],
    /// The gaps in absolute time.
    pub spans: &'a [Span],
    pub threshold: u64,
    /// How far the place of a gap may be off.
    pub slack: u64,
}

/// Holds each window against the stalls in it.
pub fn judge(outcome: &mut Outcome, expect: &Expect, cpu: &Cpu, view: &View<'_>, stalls: &[Stall]) {
    let resolution = cpu.tracer.as_ref().map_or(0, |tracer| tracer.resolution_ns);
    let mut inside = 0;
    for &window in view.windows {
        let touching: Vec<Stall> = (stalls.iter().copied())
            .filter(|&stall| reach(window, view.slack).touches(stall))
            .collect();
        // The tracer compares whole microseconds.
        let sure: Vec<Stall> = (touching.iter().copied())
            .filter(|&stall| window.holds(stall) && stall.cycles() >= view.threshold + resolution)
            .collect();
        let possible = touching
            .iter()
            .filter(|stall| stall.cycles() + resolution >= view.threshold);
        let (least, most) = (sure.len() as u64, possible.count() as u64);
        inside += touching.len();
        let own: Vec<usize> = (0..view.gaps.len())
            .filter(|&index| {
                let end = view.spans[index].end;
                let reach = reach(window, view.slack);
                reach.start <= end && end <= reach.end
            })
            .collect();
        let counted: u64 = own.iter().map(|&index| view.gaps[index].stands_for()).sum();
        outcome.smis += touching.iter().map(|stall| stall.smis).sum::<usize>();
        outcome.expected += sure.len();
        outcome.found += least.min(counted) as usize;
        outcome.require(
            (least..=most).contains(&counted) && own.len() <= 1,
            format!(
                "the window at {} counts {counted} stalls in {} records, {least} to {most} were there",
                display(window.start),
                own.len()
            ),
        );
        for index in own {
            judge_gap(
                outcome,
                expect,
                view,
                (index, window),
                &touching,
                resolution,
            );
        }
    }
    outcome.between = stalls.len().saturating_sub(inside);
    outcome.require(
        outcome.expected >= expect.at_least_smis,
        format!(
            "only {} stalls above the threshold were in windows, {} were meant to be",
            outcome.expected, expect.at_least_smis
        ),
    );
}

fn judge_gap(
    outcome: &mut Outcome,
    expect: &Expect,
    view: &View<'_>,
    (index, window): (usize, Span),
    touching: &[Stall],
    resolution: u64,
) {
    let (gap, span) = (&view.gaps[index], view.spans[index]);
    // A stall at an edge of the window may have been seen, or not.
    let least = (touching.iter())
        .filter(|&&stall| window.holds(stall))
        .map(|stall| stall.cycles())
        .max();
    let longest = (touching.iter().map(|stall| stall.cycles()))
        .filter(|&length| Some(length) >= least)
        .min_by_key(|length| length.abs_diff(gap.cycles()));
    let Some(longest) = longest else {
        outcome.invented += 1;
        outcome.require(
            false,
            format!("a gap at {} held no SMI", display(span.start)),
        );
        return;
    };
    let error = gap.cycles().abs_diff(longest);
    outcome.length_error = outcome.length_error.max(Some(error));
    outcome.require(
        error <= resolution / 2 + LENGTH_TOLERANCE,
        format!(
            "a gap of {} at {}, the longest SMI of its window took {}",
            display(gap.cycles()),
            display(span.start),
            display(longest)
        ),
    );
    let ends_with_one = (touching.iter()).any(|stall| stall.exit.abs_diff(span.end) <= view.slack);
    // The moment is that of the first stall, the length that of the longest:
    // where the two would reach out of the window, the gap begins with it. Of
    // the window itself the last stall's length is not surely known.
    let begins_the_window = gap.stands_for() > 1
        && span.start <= window.start + view.slack
        && window.start <= span.start + longest;
    outcome.require(
        ends_with_one || begins_the_window,
        format!(
            "the gap that ends at {} ends with no SMI",
            display(span.end)
        ),
    );
    if !expect.causes.contains(&gap.cause) {
        outcome.misclassed += 1;
        outcome.require(
            false,
            format!(
                "a gap with an SMI at {} is called {}",
                display(span.start),
                gap.cause
            ),
        );
    }
}

fn reach(window: Span, slack: u64) -> Span {
    Span {
        start: window.start.saturating_sub(slack),
        end: window.end + slack,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(companions: u32, length: u64, end: u64) -> Outcome {
        let cpu: Cpu = serde_json::from_value(json!({
            "cpu": 0, "elapsed_ns": 0, "covered_ns": 0, "gaps_seen": 0, "gaps_recorded": 0,
            "iterations": null, "smi": null, "smi_reason": null,
            "tracer": { "name": "hwlat", "resolution_ns": 1000, "companions": companions, "lost_records": 0 },
        }))
        .unwrap();
        let gap: Gap = serde_json::from_value(json!({
            "cpu": 0, "start_cycles": end - length, "end_cycles": end, "duration_ns": length,
            "companions": companions, "cause": "smi", "kernel_ran": false, "residual_ns": length,
        }))
        .unwrap();
        let stall = |entry, length| Stall {
            entry,
            exit: entry + length,
            smis: 1,
            ..Stall::default()
        };
        let stalls = [stall(100_000, 20_000), stall(300_000, 50_000)];
        let view = View {
            windows: &[Span {
                start: 0,
                end: 1_000_000,
            }],
            gaps: &[gap],
            spans: &[Span {
                start: end - length,
                end,
            }],
            threshold: 10_000,
            slack: 3_000,
        };
        let mut outcome = Outcome::default();
        judge(&mut outcome, &Expect::default(), &cpu, &view, &stalls);
        outcome
    }

    #[test]
    fn a_record_that_counts_its_window_passes() {
        let outcome = judged(1, 50_500, 120_100);
        assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
        assert_eq!((outcome.expected, outcome.found), (2, 2));
    }

    #[test]
    fn a_record_that_counts_wrongly_fails() {
        assert!(judged(0, 50_500, 120_100).failures[0].contains("counts 1 stalls"));
        assert!(judged(2, 50_500, 120_100).failures[0].contains("counts 3 stalls"));
    }

    #[test]
    fn a_length_that_is_not_the_longest_fails() {
        assert!(judged(1, 20_500, 120_100).failures[0].contains("the longest SMI"));
    }

    #[test]
    fn the_longest_of_several_may_begin_with_the_window() {
        assert!(judged(1, 50_500, 50_500).failures.is_empty());
        assert!(!judged(1, 50_500, 60_500).failures.is_empty());
    }

    #[test]
    fn a_gap_that_ends_with_no_smi_fails() {
        assert!(judged(1, 50_500, 200_000).failures[0].contains("ends with no SMI"));
    }
}
