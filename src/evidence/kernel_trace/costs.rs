//! What activities usually cost, learnt from gaps of this run.
//!
//! Tracepoints lie inside the kernel's entry and exit code, so that a gap is
//! longer than the intervals between them. How much longer depends on the way
//! into the kernel, and in a guest on the hypervisor: it is learnt for each
//! passage, from the sampler to an activity, from one to the next, and back, by
//! the median, which a stray stall does not move. Few gaps consist of the same
//! activities; of the same passages nearly all do.

use std::collections::HashMap;

use crate::units::Nanos;

use super::activity::{ActivityId, ByActivity};

/// Values that a median is taken of: the latest ones.
const WINDOW: usize = 31;
/// Values needed before it counts.
const LEAST: usize = 3;
/// Passages kept at most.
const MOST: usize = 4_096;
/// A passage that has not been seen often enough: what it takes on bare metal,
/// generously.
const UNLEARNT: Nanos = Nanos(1_000);
/// An activity whose times differ by no more than this, the longest and the
/// shortest eighth left aside, has a usual time.
const STEADY: Nanos = Nanos(2_500);

/// A running median.
#[derive(Clone, Debug, Default)]
struct Learnt {
    values: Vec<u32>,
    next: usize,
}

impl Learnt {
    fn add(&mut self, value: Nanos) {
        let value = u32::try_from(value.0).unwrap_or(u32::MAX);
        if self.values.len() < WINDOW {
            self.values.push(value);
        } else {
            self.values[self.next] = value;
            self.next = (self.next + 1) % WINDOW;
        }
    }

    /// The shortest value.
    fn shortest(&self) -> Option<Nanos> {
        let value = self.values.iter().min()?;
        Some(Nanos(u64::from(*value)))
    }

    /// The value below which this many eighths of the others lie.
    fn rank(&self, eighths: usize) -> Option<Nanos> {
        if self.values.len() < LEAST {
            return None;
        }
        let mut sorted = self.values.clone();
        let place = sorted.len() * eighths / 8;
        Some(Nanos(u64::from(*sorted.select_nth_unstable(place).1)))
    }
}

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
    fn way(self) -> Way {
        match (self.from, self.to) {
            (None, _) => Way::In,
            (Some(_), None) => Way::Out,
            (Some(_), Some(_)) => Way::Between,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    In,
    Out,
    Between,
}

/// The costs on one CPU.
#[derive(Debug, Default)]
pub(super) struct Costs {
    passages: HashMap<Passage, Learnt>,
    ways: HashMap<Way, Learnt>,
    activities: ByActivity<Learnt>,
}

impl Costs {
    /// What a passage usually takes. Where it was hardly seen, what others of
    /// its kind do, but no more than it took then: a stray stall lengthens.
    pub(super) fn passage(&self, passage: Passage) -> Nanos {
        let usual = |learnt: &Learnt| learnt.rank(4);
        let own = self.passages.get(&passage);
        own.and_then(usual)
            .or_else(|| {
                let alike = self.ways.get(&passage.way()).and_then(usual);
                own.and_then(Learnt::shortest)
                    .into_iter()
                    .chain(alike)
                    .min()
            })
            .unwrap_or(UNLEARNT)
    }

    /// What an activity usually takes; `None` where it was hardly seen, or
    /// takes now this long and now that.
    pub(super) fn of(&self, id: ActivityId) -> Option<Nanos> {
        let learnt = self.activities.get(id)?;
        let (short, long) = (learnt.rank(1)?, learnt.rank(7)?);
        (long.saturating_sub(short) <= STEADY)
            .then(|| learnt.rank(4))
            .flatten()
    }

    /// Learns what a passage took.
    pub(super) fn learn_passage(&mut self, passage: Passage, length: Nanos) {
        self.ways.entry(passage.way()).or_default().add(length);
        if self.passages.len() < MOST || self.passages.contains_key(&passage) {
            self.passages.entry(passage).or_default().add(length);
        }
    }

    /// Learns what an activity took.
    pub(super) fn learn(&mut self, id: ActivityId, length: Nanos) {
        self.activities.entry(id).add(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stray_stall_does_not_move_the_cost() {
        let mut costs = Costs::default();
        let passage = |to| Passage {
            from: None,
            to: Some(ActivityId(to)),
        };
        assert_eq!(costs.passage(passage(1)), UNLEARNT);
        for length in [300, 310, 290, 900_000, 305] {
            costs.learn_passage(passage(1), Nanos(length));
        }
        for length in [500, 510, 520, 530, 540] {
            costs.learn_passage(passage(2), Nanos(length));
        }
        assert_eq!(costs.passage(passage(1)), Nanos(305));
        assert_eq!(costs.passage(passage(2)), Nanos(520));
        // Never seen, but other ways in were.
        assert_eq!(costs.passage(passage(3)), Nanos(510));
        // Seen once: no longer than it took then.
        costs.learn_passage(passage(4), Nanos(120));
        assert_eq!(costs.passage(passage(4)), Nanos(120));
        costs.learn_passage(passage(5), Nanos(90_000));
        assert_eq!(costs.passage(passage(5)), Nanos(510));
        let out = Passage {
            from: Some(ActivityId(1)),
            to: None,
        };
        assert_eq!(costs.passage(out), UNLEARNT);
    }
}
