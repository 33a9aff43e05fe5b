//! What the kernel's activities and the ways between them usually cost, learnt
//! from this run.
//!
//! Tracepoints lie inside the kernel's entry and exit code, so that a gap is
//! longer than the intervals between them. How much longer depends on the way
//! into the kernel, and in a guest on the hypervisor, which has to inject the
//! interrupt: it is learnt for each passage, from the sampler to an activity,
//! from one to the next, and back. Few gaps consist of the same activities; of
//! the same passages nearly all do.

use std::collections::HashMap;

use crate::evidence::{Learnt, Usual};
use crate::units::Nanos;

use super::activity::{ActivityId, ByActivity, TASKS};

/// Passages kept at most.
const MOST: usize = 4_096;
/// Of all handlers together one in so many teaches what they take.
const FEW: u32 = 8;

/// From the end of one activity to the begin of the next; `None` is the
/// sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Passage {
    pub(super) from: Option<ActivityId>,
    pub(super) to: Option<ActivityId>,
}

impl Passage {
    /// Whether a task is left or begins: that takes much more than an interrupt
    /// does, above all behind an idle CPU, and no stall brings it about.
    pub(super) fn is_switch(self) -> bool {
        [self.from, self.to].contains(&Some(TASKS))
    }

    /// Ways into the kernel are much alike, whatever they lead to; so are ways
    /// out, and those from one activity to the next.
    pub(super) fn way(self) -> Way {
        match (self.from, self.to) {
            (None, None) => Way::Untraced,
            (None, Some(_)) => Way::In,
            (Some(_), None) => Way::Out,
            (Some(_), Some(_)) => Way::Between,
        }
    }
}

/// A kind of passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the sampler to the first record.
    In,
    /// From one record to the next.
    Between,
    /// From the last record back to the sampler.
    Out,
    /// Into the kernel and back without a record.
    Untraced,
}

impl Way {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Way::In => "into the kernel",
            Way::Between => "between two activities",
            Way::Out => "back from the kernel",
            Way::Untraced => "in and back without a record",
        }
    }
}

/// The costs on one CPU.
#[derive(Debug, Default)]
pub(super) struct Costs {
    passages: HashMap<Passage, Learnt>,
    ways: HashMap<Way, Learnt>,
    activities: ByActivity<Learnt>,
    handlers: Learnt,
    turn: u32,
}

/// What is known of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// What it takes.
    Own(Usual),
    /// What others like it take: it was hardly seen itself.
    Alike(Usual),
    /// What others like it take: it was itself seen only when it took several
    /// times as long. It may be so long, or come about by a stall alone, as two
    /// expiries of one timer in succession do.
    Doubtful(Usual),
}

impl Known {
    pub(super) fn usual(self) -> Usual {
        match self {
            Known::Own(usual) | Known::Alike(usual) | Known::Doubtful(usual) => usual,
        }
    }
}

impl Costs {
    /// What a passage usually takes; where it was hardly seen, what others of
    /// its kind do here, or else on all CPUs together (`common`). The typical
    /// time is then no more than it took at least: a stall only lengthens.
    pub(super) fn passage(&self, passage: Passage, common: &Costs) -> Option<Known> {
        let own = self.passages.get(&passage);
        let alike = (self.way(passage.way())).or_else(|| common.way(passage.way()));
        if let Some(usual) = own.and_then(Learnt::usual_entry) {
            let is_far = |alike: &Usual| alike.is_far_exceeded_by(usual.typical);
            return Some(match alike.filter(is_far) {
                Some(alike) if !passage.is_switch() => Known::Doubtful(alike),
                _ => Known::Own(usual),
            });
        }
        let alike = alike?;
        let least = own.and_then(Learnt::shortest).unwrap_or(alike.typical);
        Some(Known::Alike(Usual {
            typical: alike.typical.min(least),
            ..alike
        }))
    }

    /// What passages of this kind usually take.
    pub(super) fn way(&self, way: Way) -> Option<Usual> {
        self.ways.get(&way).and_then(Learnt::usual_entry)
    }

    /// What an interrupt that leaves no record takes at most: the kernel's own
    /// `irq_work`, raised by what it does in another one, has a tracepoint that
    /// cannot be sampled. Where none was seen alone, what others take.
    pub(super) fn unrecorded(&self) -> Nanos {
        let longest = |usual: Option<Usual>| usual.map_or(Nanos(0), |usual| usual.longest);
        match self.way(Way::Untraced) {
            Some(usual) => usual.longest,
            None => longest(self.way(Way::In))
                .saturating_add(longest(self.handlers.usual()))
                .saturating_add(longest(self.way(Way::Out))),
        }
    }

    /// What an activity of the kernel's usually takes at a time; where it was
    /// hardly seen, what others do.
    pub(super) fn handler(&self, id: ActivityId) -> Option<Known> {
        let own = self.activities.get(id).and_then(Learnt::usual);
        own.map(Known::Own)
            .or_else(|| self.handlers.usual().map(Known::Alike))
    }

    /// Learns what a passage took.
    pub(super) fn learn_passage(&mut self, passage: Passage, length: Nanos) {
        self.ways.entry(passage.way()).or_default().add(length);
        if self.passages.len() < MOST || self.passages.contains_key(&passage) {
            self.passages.entry(passage).or_default().add(length);
        }
    }

    /// Learns what an activity took.
    pub(super) fn learn_handler(&mut self, id: ActivityId, length: Nanos) {
        self.activities.entry(id).add(length);
        // There are thousands a second.
        self.turn = self.turn.wrapping_add(1);
        if self.turn.is_multiple_of(FEW) || self.handlers.usual().is_none() {
            self.handlers.add(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn into(activity: u16) -> Passage {
        Passage {
            from: None,
            to: Some(ActivityId(activity)),
        }
    }

    #[test]
    fn what_was_hardly_seen_costs_what_its_like_does() {
        let mut costs = Costs::default();
        let common = Costs::default();
        let passage = |costs: &Costs, passage| costs.passage(passage, &common);
        assert_eq!(passage(&costs, into(1)), None);
        for length in [300, 310, 290, 900_000, 305] {
            costs.learn_passage(into(1), Nanos(length));
        }
        let seen = passage(&costs, into(1)).unwrap().usual();
        assert_eq!((seen.typical, seen.longest), (Nanos(300), Nanos(310)));
        // Never seen, but other ways in were.
        let alike = costs.way(Way::In).map(Known::Alike);
        assert_eq!(passage(&costs, into(3)), alike);
        // Seen once: no longer than it took then.
        costs.learn_passage(into(4), Nanos(120));
        let typical = |to| passage(&costs, into(to)).unwrap().usual().typical;
        assert_eq!(typical(4), Nanos(120));
        costs.learn_passage(into(5), Nanos(90_000));
        let far = passage(&costs, into(5)).unwrap().usual();
        assert_eq!(far.typical, Nanos(300));
        assert!(far.is_far_exceeded_by(Nanos(90_000)));
        let out = Passage {
            from: Some(ActivityId(1)),
            to: None,
        };
        assert_eq!(passage(&costs, out), None);
    }

    #[test]
    fn a_passage_that_a_stall_brings_about_does_not_make_the_stall_usual() {
        let mut costs = Costs::default();
        let twice = Passage {
            from: Some(ActivityId(1)),
            to: Some(ActivityId(1)),
        };
        let other = Passage {
            to: Some(ActivityId(2)),
            ..twice
        };
        for _ in 0..8 {
            costs.learn_passage(other, Nanos(2_100));
            costs.learn_passage(twice, Nanos(46_400));
        }
        let known = |costs: &Costs| costs.passage(twice, &Costs::default()).unwrap();
        let like = costs.way(Way::Between).unwrap();
        assert_eq!(known(&costs), Known::Doubtful(like));
        // A task that always takes as long to leave does so by itself.
        let left = Passage {
            from: Some(TASKS),
            to: None,
        };
        for _ in 0..8 {
            costs.learn_passage(
                Passage {
                    from: Some(ActivityId(1)),
                    to: None,
                },
                Nanos(800),
            );
            costs.learn_passage(left, Nanos(30_000));
        }
        let known_left = costs.passage(left, &Costs::default());
        assert!(matches!(known_left, Some(Known::Own(_))));
        // Longer than others, but no more than a kernel may need.
        (0..40).for_each(|_| costs.learn_passage(twice, Nanos(5_000)));
        assert!(matches!(known(&costs), Known::Own(_)));
    }

    #[test]
    fn a_handler_that_was_hardly_seen_is_held_against_all_others() {
        let mut costs = Costs::default();
        (0..4).for_each(|_| costs.learn_handler(ActivityId(1), Nanos(2_000)));
        let usual = |id| costs.handler(ActivityId(id)).unwrap().usual();
        assert_eq!(usual(1), usual(7));
    }
}
