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

use super::activity::{ActivityId, ByActivity};

/// Passages kept at most.
const MOST: usize = 4_096;

/// From the end of one activity to the begin of the next; `None` is the
/// sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Passage {
    pub(super) from: Option<ActivityId>,
    pub(super) to: Option<ActivityId>,
}

impl Passage {
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
}

impl Costs {
    /// What a passage usually takes; where it was hardly seen, what others of
    /// its kind do. The typical time is then no more than it took at least: a
    /// stall only lengthens.
    pub(super) fn passage(&self, passage: Passage) -> Option<Usual> {
        let own = self.passages.get(&passage);
        own.and_then(Learnt::usual).or_else(|| {
            let alike = self.way(passage.way())?;
            let least = own.and_then(Learnt::shortest).unwrap_or(alike.typical);
            Some(Usual {
                typical: alike.typical.min(least),
                ..alike
            })
        })
    }

    /// What passages of this kind usually take.
    pub(super) fn way(&self, way: Way) -> Option<Usual> {
        self.ways.get(&way).and_then(Learnt::usual)
    }

    /// What an activity of the kernel's usually takes at a time; where it was
    /// hardly seen, what others do.
    pub(super) fn handler(&self, id: ActivityId) -> Option<Usual> {
        let own = self.activities.get(id).and_then(Learnt::usual);
        own.or_else(|| self.handlers.usual())
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
        self.handlers.add(length);
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
        assert_eq!(costs.passage(into(1)), None);
        for length in [300, 310, 290, 900_000, 305] {
            costs.learn_passage(into(1), Nanos(length));
        }
        let seen = costs.passage(into(1)).unwrap();
        assert_eq!((seen.typical, seen.longest), (Nanos(300), Nanos(310)));
        // Never seen, but other ways in were.
        assert_eq!(costs.passage(into(3)), costs.way(Way::In));
        // Seen once: no longer than it took then.
        costs.learn_passage(into(4), Nanos(120));
        assert_eq!(costs.passage(into(4)).unwrap().typical, Nanos(120));
        costs.learn_passage(into(5), Nanos(90_000));
        assert_eq!(costs.passage(into(5)).unwrap().typical, Nanos(300));
        let out = Passage {
            from: Some(ActivityId(1)),
            to: None,
        };
        assert_eq!(costs.passage(out), None);
    }

    #[test]
    fn a_handler_that_was_hardly_seen_is_held_against_all_others() {
        let mut costs = Costs::default();
        (0..4).for_each(|_| costs.learn_handler(ActivityId(1), Nanos(2_000)));
        assert_eq!(costs.handler(ActivityId(1)), costs.handler(ActivityId(7)));
    }
}
