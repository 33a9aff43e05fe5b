//! The gaps that weigh most of those that were offered.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::session::kept::{Entry, Places};

/// Those of the gaps offered to it that weigh most.
pub(super) struct Pool {
    capacity: usize,
    weigh: fn(&Entry) -> u64,
    least_first: BinaryHeap<Reverse<Ranked>>,
}

/// Ordered by weight; equal ones by time, the earlier before the later, so that
/// the choice is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ranked {
    weight: u64,
    start: Reverse<u64>,
    index: Reverse<u32>,
    pub(super) place: u32,
}

impl Ranked {
    pub(super) fn of(entry: &Entry, weight: u64, place: u32) -> Ranked {
        Ranked {
            weight,
            start: Reverse(entry.gap.start().0),
            index: Reverse(entry.index),
            place,
        }
    }
}

impl Pool {
    pub(super) fn of(capacity: usize, weigh: fn(&Entry) -> u64) -> Pool {
        Pool {
            capacity,
            weigh,
            least_first: BinaryHeap::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.least_first.len() >= self.capacity
    }

    fn rank(&self, entry: &Entry, place: u32) -> Ranked {
        Ranked::of(entry, (self.weigh)(entry), place)
    }

    /// Takes a gap for as long as no heavier one needs its place. Returns the
    /// one that finds none.
    pub(super) fn offer(&mut self, places: &mut Places, all: usize, entry: Entry) -> Option<Entry> {
        if !self.is_full() && places.len() < all {
            let place = places.add(entry);
            let rank = self.rank(&entry, place);
            self.least_first.push(Reverse(rank));
            return None;
        }
        let Some(least) = self.least_first.peek().map(|least| least.0) else {
            return Some(entry);
        };
        let rank = self.rank(&entry, least.place);
        if rank <= least {
            return Some(entry);
        }
        if let Some(mut top) = self.least_first.peek_mut() {
            *top = Reverse(rank);
        }
        Some(places.replace(least.place, entry))
    }

    /// Puts a gap in a place that another pool has given up.
    pub(super) fn put(&mut self, places: &mut Places, place: u32, entry: Entry) {
        places.replace(place, entry);
        let rank = self.rank(&entry, place);
        self.least_first.push(Reverse(rank));
    }

    /// Gives up the place of the lightest one.
    pub(super) fn give_up_least(&mut self) -> Option<u32> {
        let Reverse(least) = self.least_first.pop()?;
        Some(least.place)
    }
}
