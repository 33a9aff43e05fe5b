//! The account of a gap: how much of it which kernel activity took.

use crate::units::Nanos;

use super::activity::{ActivityId, ActivityKind, Names};
use super::costs::{Costs, Passage};
use super::fold::{Segment, Who};
use super::passages::{Passages, Smis};

/// Activities named in an account: the ones that took most.
pub const SHARES: usize = 3;

/// What the kernel's own records say of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was recorded in it.
    Nothing,
    /// Interrupts and the like.
    Interrupts,
    /// Other tasks ran, beside interrupts perhaps.
    Tasks,
    /// An exception whose end is not recorded.
    Fault,
    /// Records were lost.
    Lost,
}

/// One activity's part of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who.
    pub id: ActivityId,
    /// How long, in nanoseconds; at most 4.29 s are told.
    pub nanos: u32,
}

/// The account of one gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// What was recorded.
    pub standing: Standing,
    /// The union of the recorded intervals and the usual cost of the way in
    /// and out.
    pub accounted: Nanos,
    /// What the same activities usually take, way in and out included; `None`
    /// for tasks, which take what they like.
    pub usual: Option<Nanos>,
    /// The largest parts, largest first.
    pub shares: [Option<Share>; SHARES],
}

impl Account {
    /// What the kernel does not account for in a gap of this length.
    pub fn remainder(&self, length: Nanos) -> Nanos {
        length.saturating_sub(self.accounted)
    }
}

/// A gap's intervals, before costs are known.
#[derive(Debug)]
pub(super) struct Measured {
    standing: Standing,
    union: Nanos,
    by: Vec<(ActivityId, Nanos)>,
    /// The stretches between the intervals, and before and after them.
    passages: Passages,
}

impl Measured {
    /// Sums the segments that fall into `start..end`.
    pub(super) fn of<'a>(
        segments: impl Iterator<Item = &'a Segment>,
        start: Nanos,
        end: Nanos,
        names: &Names,
    ) -> Measured {
        let mut measured = Measured {
            standing: Standing::Nothing,
            union: Nanos(0),
            by: Vec::new(),
            passages: Passages::default(),
        };
        let (mut reached, mut from) = (start, None);
        for segment in segments {
            let (begun, ended) = (segment.start.max(start), segment.end.min(end));
            if let Who::Named(id) = segment.who {
                let to = Some(names.place(id));
                measured
                    .passages
                    .add(Passage { from, to }, begun.saturating_sub(reached));
                (reached, from) = (ended, to);
            }
            measured.add(segment.who, ended.saturating_sub(begun), names);
        }
        if from.is_some() {
            let passage = Passage { from, to: None };
            measured.passages.add(passage, end.saturating_sub(reached));
        }
        measured
    }

    fn add(&mut self, who: Who, length: Nanos, names: &Names) {
        let (id, standing) = match who {
            Who::Lost => {
                self.standing = Standing::Lost;
                return;
            }
            Who::Mark(id) => (id, Standing::Fault),
            Who::Named(id) => match names.kind(id) {
                ActivityKind::Interrupt => (id, Standing::Interrupts),
                ActivityKind::Task => (id, Standing::Tasks),
            },
        };
        self.standing = more_telling(self.standing, standing);
        self.union = self.union.saturating_add(length);
        match self.by.iter_mut().find(|(known, _)| *known == id) {
            Some((_, sum)) => *sum = sum.saturating_add(length),
            None => self.by.push((id, length)),
        }
    }

    /// Makes the account.
    pub(super) fn account(&self, costs: &Costs, smis: Smis) -> Account {
        let around = match self.standing {
            Standing::Nothing | Standing::Lost => Nanos(0),
            _ => self.passages.cost(costs, smis),
        };
        let mut by = self.by.clone();
        by.sort_by_key(|&(_, length)| std::cmp::Reverse(length));
        // An SMI within an activity makes it the longest by far; the others
        // are taken as they were.
        let usual = match (self.standing, by.first()) {
            (Standing::Interrupts, Some(&(id, longest))) => costs.of(id).map(|usual| {
                let others = self.union.saturating_sub(longest);
                around
                    .saturating_add(others)
                    .saturating_add(longest.min(usual))
            }),
            _ => None,
        };
        let mut shares = [None; SHARES];
        for (slot, (id, length)) in shares.iter_mut().zip(by) {
            *slot = Some(Share {
                id,
                nanos: u32::try_from(length.0).unwrap_or(u32::MAX),
            });
        }
        Account {
            standing: self.standing,
            accounted: self.union.saturating_add(around),
            usual,
            shares,
        }
    }

    /// Learns the ways in and out and on.
    pub(super) fn teach(&self, costs: &mut Costs, smis: Smis) {
        if matches!(self.standing, Standing::Interrupts | Standing::Tasks) {
            self.passages.teach(costs, smis);
        }
    }
}

fn more_telling(a: Standing, b: Standing) -> Standing {
    let rank = |standing| match standing {
        Standing::Nothing => 0,
        Standing::Interrupts => 1,
        Standing::Fault => 2,
        Standing::Tasks => 3,
        Standing::Lost => 4,
    };
    if rank(a) >= rank(b) { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (Names, ActivityId, ActivityId) {
        let mut names = Names::new();
        let timer = names.number("local_timer", ActivityKind::Interrupt);
        let task = names.number("stress", ActivityKind::Task);
        (names, timer, task)
    }

    fn segment(start: u64, end: u64, id: ActivityId) -> Segment {
        Segment {
            start: Nanos(start),
            end: Nanos(end),
            who: Who::Named(id),
        }
    }

    #[test]
    fn a_gap_is_accounted_for_by_its_union_and_the_usual_way_in_and_out() {
        let (names, timer, task) = names();
        let mut costs = Costs::default();
        let tick = [segment(1_100, 3_100, timer)];
        for _ in 0..5 {
            let measured = Measured::of(tick.iter(), Nanos(1_000), Nanos(3_400), &names);
            measured.teach(&mut costs, Smis::None);
            costs.learn(timer, Nanos(2_000));
        }
        // The same tick with an SMI of 50 us before it.
        let late = [segment(50_100, 52_100, timer)];
        let measured = Measured::of(late.iter(), Nanos(0), Nanos(52_400), &names);
        let account = measured.account(&costs, Smis::One);
        assert_eq!(account.accounted, Nanos(2_400));
        assert_eq!(account.remainder(Nanos(52_400)), Nanos(50_000));
        assert_eq!(account.usual, Some(Nanos(2_400)));
        // An SMI inside the handler stretches the interval; the usual cost
        // still tells it.
        let stretched = [segment(1_100, 53_100, timer)];
        let measured = Measured::of(stretched.iter(), Nanos(1_000), Nanos(53_400), &names);
        let account = measured.account(&costs, Smis::One);
        assert_eq!(account.remainder(Nanos(52_400)), Nanos(0));
        assert_eq!(account.usual, Some(Nanos(2_400)));
        let with_task = [segment(1_100, 3_100, timer), segment(3_100, 9_000, task)];
        let account = Measured::of(with_task.iter(), Nanos(1_000), Nanos(9_400), &names)
            .account(&costs, Smis::None);
        assert_eq!((account.standing, account.usual), (Standing::Tasks, None));
        assert_eq!(
            account.shares[0],
            Some(Share {
                id: task,
                nanos: 5_900
            })
        );
    }

    #[test]
    fn beside_a_single_smi_the_other_ways_are_what_they_are() {
        let (names, timer, task) = names();
        let mut costs = Costs::default();
        let tick = [segment(1_100, 3_100, timer)];
        for _ in 0..5 {
            let measured = Measured::of(tick.iter(), Nanos(1_000), Nanos(3_400), &names);
            measured.teach(&mut costs, Smis::None);
        }
        // An SMI of 50 us, then a tick that wakes a task: the way from the one
        // to the other, and back from the task, has never been seen.
        let woken = [
            segment(51_100, 53_100, timer),
            segment(60_100, 70_100, task),
        ];
        let measured = Measured::of(woken.iter(), Nanos(1_000), Nanos(75_100), &names);
        let account = measured.account(&costs, Smis::One);
        assert_eq!(account.remainder(Nanos(74_100)), Nanos(50_000));
        // It has now: by gaps that held an SMI too.
        for _ in 0..5 {
            measured.teach(&mut costs, Smis::One);
        }
        let quiet = [segment(1_100, 3_100, timer), segment(10_100, 20_100, task)];
        let measured = Measured::of(quiet.iter(), Nanos(1_000), Nanos(25_100), &names);
        let account = measured.account(&costs, Smis::None);
        assert_eq!(account.remainder(Nanos(24_100)), Nanos(0));
    }

    #[test]
    fn segments_count_only_within_the_gap() {
        let (names, timer, _) = names();
        let segments = [segment(0, 1_000, timer)];
        let measured = Measured::of(segments.iter(), Nanos(400), Nanos(700), &names);
        assert_eq!(measured.union, Nanos(300));
    }
}
