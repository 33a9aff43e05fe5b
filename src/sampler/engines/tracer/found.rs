//! What the records of one CPU come to: gaps, and the stretches of time that
//! were surely sampled.

use std::collections::VecDeque;

use crate::model::Footprint;
use crate::units::Cycles;

/// A gap, as a tracer's record tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Where it began, by its end and its length.
    pub(super) start: Cycles,
    /// Where it ended.
    pub(super) end: Cycles,
    /// Whether the kernel ran in it.
    pub(super) footprint: Footprint,
    /// Gaps of the same window that have no record of their own.
    pub(super) companions: u32,
}

/// A stretch of time that was surely sampled from end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) first: Cycles,
    pub(super) last: Cycles,
}

impl Stretch {
    pub(super) fn length(self) -> Cycles {
        self.last.saturating_sub(self.first)
    }

    /// How much of it lies between the two.
    pub(super) fn within(self, from: Cycles, to: Cycles) -> Cycles {
        self.last.min(to).saturating_sub(self.first.max(from))
    }
}

/// Takes the first out, if it is one of these.
pub(super) fn pop_if<T>(queue: &mut VecDeque<T>, is_meant: impl FnOnce(&T) -> bool) -> Option<T> {
    match queue.front().is_some_and(is_meant) {
        true => queue.pop_front(),
        false => None,
    }
}

/// What was found on one CPU and not yet passed on, in order of time.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) seen: VecDeque<Seen>,
    pub(super) stretches: VecDeque<Stretch>,
    /// Nothing from before this moment is still to come.
    pub(super) settled: Cycles,
    /// NMIs in windows with gaps.
    pub(super) nmis: u64,
    /// Records that were lost, at least.
    pub(super) lost: u64,
}
