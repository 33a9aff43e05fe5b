//! Which gaps are kept: all, or the longest ones if there are too many.

use std::cmp::Reverse;

use super::kept::{KeptGaps, Places};
use super::packed::{JudgedGap, PackedGap};

/// Gaps kept for each CPU.
pub const RETAINED: usize = 100_000;

/// A bounded collection of the longest gaps. Its memory is taken at once, so
/// that it is the same at the end of a run as at its beginning.
pub(super) struct Retention {
    capacity: usize,
    places: Places,
    /// The places of the gaps as a binary heap, the shortest gap first. A heap
    /// of the gaps themselves would move them all the time, and none of their
    /// memory could be shared.
    shortest_first: Vec<u32>,
}

/// Gaps that were kept at a moment. They share their memory with those that
/// are kept now.
pub(super) struct KeptThen {
    places: Places,
    count: usize,
}

impl KeptThen {
    /// Puts them in order of time, which takes some milliseconds.
    pub(super) fn in_order(self) -> KeptGaps {
        KeptGaps::in_order(self.places, self.count)
    }
}

impl Retention {
    pub(super) fn new(capacity: usize) -> Retention {
        Retention {
            capacity,
            places: Places::new(capacity),
            shortest_first: Vec::with_capacity(capacity),
        }
    }

    pub(super) fn keep(&mut self, gap: &JudgedGap) {
        let gap = PackedGap::pack(gap);
        let count = self.shortest_first.len();
        if count < self.capacity {
            self.places.put(count as u32, gap);
            self.shortest_first.push(count as u32);
            self.rise(count);
        } else if let Some(&shortest) = self.shortest_first.first()
            && key(&gap) > self.key_of(shortest)
        {
            self.places.put(shortest, gap);
            self.sink();
        }
    }

    /// The gaps kept so far.
    pub(super) fn so_far(&self) -> KeptThen {
        KeptThen {
            places: self.places.clone(),
            count: self.shortest_first.len(),
        }
    }

    fn key_of(&self, place: u32) -> (u64, Reverse<u64>) {
        key(self.places.get(place))
    }

    /// Brings the last of the heap to where it belongs.
    fn rise(&mut self, mut index: usize) {
        while index > 0 {
            let above = (index - 1) / 2;
            let (own, other) = (self.shortest_first[index], self.shortest_first[above]);
            if self.key_of(own) >= self.key_of(other) {
                return;
            }
            self.shortest_first.swap(index, above);
            index = above;
        }
    }

    /// Brings the first of the heap to where it belongs.
    fn sink(&mut self) {
        let mut index = 0;
        loop {
            let below = [2 * index + 1, 2 * index + 2].into_iter();
            let shorter = below
                .filter(|&below| below < self.shortest_first.len())
                .min_by_key(|&below| self.key_of(self.shortest_first[below]));
            let Some(below) = shorter else { return };
            let (own, other) = (self.shortest_first[index], self.shortest_first[below]);
            if self.key_of(own) <= self.key_of(other) {
                return;
            }
            self.shortest_first.swap(index, below);
            index = below;
        }
    }
}

/// Ordered by length; equal ones by time, so that the choice is determined.
fn key(gap: &PackedGap) -> (u64, Reverse<u64>) {
    (gap.length().0, Reverse(gap.start().0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::packed::tests::gap;

    fn starts(kept: KeptThen) -> Vec<u64> {
        kept.in_order().iter().map(|gap| gap.start().0).collect()
    }

    #[test]
    fn the_longest_are_kept_in_order_of_time() {
        let mut retention = Retention::new(3);
        for (start, length) in [
            (0, 50),
            (100, 10),
            (200, 70),
            (300, 60),
            (400, 5),
            (500, 55),
        ] {
            retention.keep(&gap(start, length));
        }
        assert_eq!(starts(retention.so_far()), [200, 300, 500]);
    }

    #[test]
    fn of_many_the_longest_are_kept_and_of_equal_ones_the_first() {
        let lengths: Vec<u64> = (0..2_000u64)
            .scan(1u64, |state, _| {
                *state = state.wrapping_mul(6_364_136_223_846_793_005) + 1;
                Some(*state >> 56)
            })
            .collect();
        let mut retention = Retention::new(150);
        for (start, &length) in (0..).zip(&lengths) {
            retention.keep(&gap(start, length));
        }
        let mut longest: Vec<u64> = (0..lengths.len() as u64).collect();
        longest.sort_by_key(|&start| (Reverse(lengths[start as usize]), start));
        longest.truncate(150);
        longest.sort_unstable();
        assert_eq!(starts(retention.so_far()), longest);
    }

    #[test]
    fn what_was_kept_at_a_moment_stays_as_it_was() {
        let mut retention = Retention::new(2);
        retention.keep(&gap(0, 50));
        retention.keep(&gap(100, 60));
        let then = retention.so_far();
        retention.keep(&gap(200, 70));
        assert_eq!(starts(then), [0, 100]);
        assert_eq!(starts(retention.so_far()), [100, 200]);
    }
}
