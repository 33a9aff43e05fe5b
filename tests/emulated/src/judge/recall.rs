//! Every stall above the threshold has its gap.

use super::Outcome;
use super::matching::{Limits, Place, Span, Stall, Victim, place};
use crate::scenario::Expect;
use crate::units::display;

/// How long after a gap hwgap may still be writing it down.
const BLIND: u64 = 30_000;
/// The share of the stalls that may fall into that time.
const BLIND_SHARE: f64 = 0.02;

/// What was there to find, and what was found.
pub struct Scene<'a> {
    /// Stalls in sampled time.
    pub stalls: Vec<Stall>,
    pub gaps: &'a [Span],
    pub threshold: u64,
    pub origin: u64,
}

/// Fills the outcome's counts and requires the recall. Returns the stalls above
/// the threshold that were found, and the gap of each.
pub fn judge(outcome: &mut Outcome, expect: &Expect, scene: &Scene) -> Vec<(Stall, usize)> {
    let limits = Limits {
        threshold: scene.threshold,
        blind: BLIND,
    };
    let mut first_missed = None;
    let mut found = Vec::new();
    for (stall, place) in scene
        .stalls
        .iter()
        .zip(place(&scene.stalls, scene.gaps, limits))
    {
        let above = stall.cycles() >= scene.threshold;
        outcome.smis += stall.smis;
        outcome.expected += usize::from(above && place != Place::Blind);
        match place {
            Place::Inside(gap) => found.extend(above.then_some((*stall, gap))),
            Place::BelowThreshold => outcome.below += 1,
            Place::Blind => outcome.blind += 1,
            Place::Torn(index) => outcome.failures.push(format!(
                "gap {index} holds only a part of the SMI at {}",
                display(stall.entry - scene.origin)
            )),
            Place::Missed => {
                first_missed.get_or_insert(stall);
            }
        }
    }
    let example = first_missed.map_or_else(String::new, |stall| {
        format!(
            ", the first missed was {} long at {} and hit {:?}",
            display(stall.cycles()),
            display(stall.entry - scene.origin),
            stall.victim
        )
    });
    outcome.found = found.len();
    let hit = |victim| (scene.stalls.iter()).filter(move |stall| stall.victim == victim);
    outcome.in_kernel = hit(Victim::Kernel).count();
    outcome.in_tasks = hit(Victim::OtherTask).count();
    for (count, least, what) in [
        (outcome.in_kernel, expect.at_least_in_kernel, "the kernel"),
        (outcome.in_tasks, expect.at_least_in_tasks, "another task"),
    ] {
        outcome.require(
            count >= least,
            format!("only {count} stalls hit {what}, {least} were meant to"),
        );
    }
    outcome.require(
        outcome.found as f64 >= outcome.expected as f64 * expect.recall,
        format!(
            "recall: {} of {} stalls found{example}",
            outcome.found, outcome.expected
        ),
    );
    outcome.require(
        outcome.expected >= expect.at_least_smis,
        format!(
            "only {} stalls above the threshold were there to find, {} were meant to be",
            outcome.expected, expect.at_least_smis
        ),
    );
    let allowed = (scene.stalls.len() as f64 * BLIND_SHARE).ceil() as usize;
    outcome.require(
        outcome.blind <= allowed,
        format!(
            "{} stalls fell into hwgap's blind time, at most {allowed} may",
            outcome.blind
        ),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(gaps: &[Span], stalls: Vec<Stall>, recall: f64) -> Outcome {
        let mut outcome = Outcome::default();
        let expect = Expect {
            recall,
            ..Expect::default()
        };
        let scene = Scene {
            stalls,
            gaps,
            threshold: 10_000,
            origin: 0,
        };
        judge(&mut outcome, &expect, &scene);
        outcome
    }

    fn stall(entry: u64) -> Stall {
        Stall {
            entry,
            exit: entry + 20_000,
            smis: 1,
            ..Stall::default()
        }
    }

    #[test]
    fn one_missed_stall_fails_full_recall_only() {
        let gaps = [Span {
            start: 90,
            end: 20_130,
        }];
        let stalls = vec![stall(100), stall(1_000_000)];
        let full = judged(&gaps, stalls.clone(), 1.0);
        assert_eq!((full.found, full.expected), (1, 2));
        assert!(full.failures[0].starts_with("recall: 1 of 2"));
        assert!(judged(&gaps, stalls, 0.5).failures.is_empty());
    }

    #[test]
    fn too_few_stalls_in_the_kernel_fail() {
        let gaps = [Span {
            start: 90,
            end: 20_130,
        }];
        let judged = |victim| {
            let stalls = vec![Stall {
                victim,
                ..stall(100)
            }];
            let scene = Scene {
                stalls,
                gaps: &gaps,
                threshold: 10_000,
                origin: 0,
            };
            let expect = Expect {
                at_least_in_kernel: 1,
                ..Expect::default()
            };
            let mut outcome = Outcome::default();
            judge(&mut outcome, &expect, &scene);
            outcome.failures.len()
        };
        assert_eq!((judged(Victim::Kernel), judged(Victim::OtherTask)), (0, 1));
    }

    #[test]
    fn blind_stalls_are_counted_apart_and_limited() {
        let gaps = [Span {
            start: 90,
            end: 20_130,
        }];
        let outcome = judged(&gaps, vec![stall(100), stall(25_000), stall(40_000)], 1.0);
        assert_eq!((outcome.found, outcome.expected, outcome.blind), (1, 1, 2));
        assert!(outcome.failures[0].contains("blind time"));
    }
}
