//! An engine that samples in shots says which time that was: within it nothing
//! may be missed, and what it calls covered must be that time.

use super::Outcome;
use super::matching::{Span, Stall};
use crate::report::{Cpu, Report};
use crate::scenario::Expect;

/// The stated coverage may be off by this share of the time.
const COVERAGE_TOLERANCE: f64 = 0.001;

/// The shots of a CPU, in absolute time and in order.
pub struct Shots {
    spans: Vec<Span>,
    /// How far their places may be off.
    slack: u64,
}

impl Shots {
    /// The shots that the report lists; `None` where it lists none.
    pub fn of(cpu: &Cpu, origin: u64, slack: u64) -> Option<Shots> {
        let shots = cpu.shots.as_ref()?;
        let spans = shots.iter().map(|&[first, last]| Span {
            start: origin + first,
            end: origin + last,
        });
        Some(Shots {
            spans: spans.collect(),
            slack,
        })
    }

    /// Where they lie.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Whether the whole stall was sampled, whichever way the places are off.
    fn hold(&self, stall: Stall) -> bool {
        let after = self.spans.partition_point(|shot| shot.start <= stall.entry);
        let Some(shot) = after.checked_sub(1).map(|index| self.spans[index]) else {
            return false;
        };
        let surely = Span {
            start: shot.start + self.slack,
            end: shot.end.saturating_sub(self.slack),
        };
        surely.holds(stall)
    }

    /// The stalls that had to be found; the others are counted.
    pub fn keep_sampled(
        &self,
        outcome: &mut Outcome,
        stalls: Vec<Stall>,
        threshold: u64,
    ) -> Vec<Stall> {
        let (sampled, missed): (Vec<Stall>, Vec<Stall>) =
            stalls.into_iter().partition(|&stall| self.hold(stall));
        let above = missed.iter().filter(|stall| stall.cycles() >= threshold);
        outcome.between = above.count();
        sampled
    }

    /// Holds the stated coverage against the shots, in cycles: one is one
    /// nanosecond of the emulated clock.
    pub fn judge_coverage(&self, outcome: &mut Outcome, expect: &Expect, report: &Report) {
        let (Some(first), Some(last)) = (self.spans.first(), self.spans.last()) else {
            outcome.require(false, "the report lists no shot");
            return;
        };
        let sampled: u64 = self.spans.iter().map(|shot| shot.end - shot.start).sum();
        let share = sampled as f64 / (last.end - first.start) as f64;
        let stated = report.verdict.coverage;
        outcome.require(
            (stated - share).abs() <= COVERAGE_TOLERANCE,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stall(entry: u64, exit: u64) -> Stall {
        Stall {
            entry,
            exit,
            smis: 1,
            ..Stall::default()
        }
    }

    fn shots(slack: u64) -> Shots {
        let spans = [(1_000, 50_000), (60_000, 90_000)];
        Shots {
            spans: spans.map(|(start, end)| Span { start, end }).to_vec(),
            slack,
        }
    }

    #[test]
    fn only_what_lies_wholly_inside_a_shot_must_be_found() {
        let inside = [stall(1_000, 20_000), stall(61_000, 90_000)];
        let outside = [
            stall(0, 20_000),
            stall(40_000, 55_000),
            stall(50_000, 60_000),
            stall(80_000, 95_000),
            stall(45_000, 70_000),
        ];
        let mut outcome = Outcome::default();
        let all = inside.iter().chain(&outside).copied().collect();
        assert_eq!(shots(0).keep_sampled(&mut outcome, all, 10_000), inside);
        assert_eq!(outcome.between, outside.len());
    }

    #[test]
    fn a_stall_that_may_reach_over_an_end_is_not_sure_to_be_inside() {
        assert!(shots(0).hold(stall(1_000, 20_000)));
        assert!(!shots(1).hold(stall(1_000, 20_000)));
    }

    #[test]
    fn short_stalls_between_shots_are_not_counted() {
        let mut outcome = Outcome::default();
        shots(0).keep_sampled(&mut outcome, vec![stall(51_000, 52_000)], 10_000);
        assert_eq!(outcome.between, 0);
    }
}
