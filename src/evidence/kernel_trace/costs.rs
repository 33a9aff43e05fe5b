//! What activities usually cost, learnt from gaps of this run.
//!
//! Tracepoints lie inside the kernel's entry and exit code, so that a gap is
//! longer than the intervals between them. How much longer depends on the way
//! into the kernel, and in a guest on the hypervisor: it is learnt for each
//! sequence of activities, by the median, which a stray stall does not move.

use std::collections::HashMap;

use crate::units::Nanos;

use super::activity::ActivityId;

/// Values that a median is taken of: the latest ones.
const WINDOW: usize = 31;
/// Values needed before it counts.
const LEAST: usize = 3;
/// Sequences and activities kept at most.
const MOST: usize = 4_096;
/// Entry and exit, for each activity of a sequence that has not been seen often
/// enough: what they take on bare metal, generously.
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

/// A sequence of activities, by a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sequence(u64);

impl Sequence {
    /// The sequence of no activities (FNV-1a, offset basis).
    pub(super) const EMPTY: Sequence = Sequence(0xcbf2_9ce4_8422_2325);

    /// The sequence with one more activity.
    pub(super) fn then(self, id: ActivityId) -> Sequence {
        Sequence((self.0 ^ u64::from(id.0)).wrapping_mul(0x100_0000_01b3))
    }
}

/// The costs on one CPU.
#[derive(Debug, Default)]
pub(super) struct Costs {
    around: HashMap<Sequence, Learnt>,
    activities: HashMap<ActivityId, Learnt>,
}

impl Costs {
    /// Entry and exit around this sequence of so many activities.
    pub(super) fn around(&self, sequence: Sequence, activities: usize) -> Nanos {
        let learnt = self.around.get(&sequence).and_then(|learnt| learnt.rank(4));
        learnt.unwrap_or(Nanos(UNLEARNT.0 * activities.max(1) as u64))
    }

    /// What an activity usually takes; `None` where it was hardly seen, or
    /// takes now this long and now that.
    pub(super) fn of(&self, id: ActivityId) -> Option<Nanos> {
        let learnt = self.activities.get(&id)?;
        let (short, long) = (learnt.rank(1)?, learnt.rank(7)?);
        (long.saturating_sub(short) <= STEADY)
            .then(|| learnt.rank(4))
            .flatten()
    }

    /// Learns what was left of a gap around its intervals.
    pub(super) fn learn_around(&mut self, sequence: Sequence, left: Nanos) {
        if self.around.len() < MOST || self.around.contains_key(&sequence) {
            self.around.entry(sequence).or_default().add(left);
        }
    }

    /// Learns what an activity took.
    pub(super) fn learn(&mut self, id: ActivityId, length: Nanos) {
        if self.activities.len() < MOST || self.activities.contains_key(&id) {
            self.activities.entry(id).or_default().add(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stray_stall_does_not_move_the_cost() {
        let mut costs = Costs::default();
        let sequence = Sequence::EMPTY.then(ActivityId(1));
        assert_eq!(costs.around(sequence, 1), UNLEARNT);
        for left in [300, 310, 290, 900_000, 305] {
            costs.learn_around(sequence, Nanos(left));
        }
        assert_eq!(costs.around(sequence, 1), Nanos(305));
        assert_ne!(sequence, Sequence::EMPTY.then(ActivityId(2)));
    }
}
