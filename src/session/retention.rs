//! Which gaps are kept: all, or the longest ones if there are too many.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::packed::{JudgedGap, PackedGap};

/// Gaps kept for each CPU.
pub const RETAINED: usize = 100_000;

/// Ordered by length; equal ones by time, so that the choice is determined.
struct ByLength(PackedGap);

impl ByLength {
    fn key(&self) -> (u64, Reverse<u64>) {
        (self.0.length().0, Reverse(self.0.start().0))
    }
}

impl PartialEq for ByLength {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ByLength {}

impl PartialOrd for ByLength {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByLength {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A bounded collection of the longest gaps. Its memory is taken at once, so
/// that it is the same at the end of a run as at its beginning.
pub(super) struct Retention {
    capacity: usize,
    gaps: BinaryHeap<Reverse<ByLength>>,
}

impl Retention {
    pub(super) fn new(capacity: usize) -> Retention {
        Retention {
            capacity,
            gaps: BinaryHeap::with_capacity(capacity),
        }
    }

    pub(super) fn keep(&mut self, gap: &JudgedGap) {
        let packed = ByLength(PackedGap::pack(gap));
        if self.gaps.len() < self.capacity {
            self.gaps.push(Reverse(packed));
        } else if let Some(mut shortest) = self.gaps.peek_mut()
            && packed > shortest.0
        {
            *shortest = Reverse(packed);
        }
    }

    /// A copy of the gaps kept, in no order, in the memory given where there is
    /// some.
    pub(super) fn copy(&self, memory: Option<Vec<PackedGap>>) -> Vec<PackedGap> {
        let mut gaps = memory.unwrap_or_else(|| Vec::with_capacity(self.capacity));
        gaps.clear();
        gaps.extend(self.gaps.iter().map(|Reverse(ByLength(gap))| *gap));
        gaps
    }

    /// The gaps kept, in order of time, in the memory that held them.
    pub(super) fn into_gaps(self) -> Vec<PackedGap> {
        let mut gaps: Vec<PackedGap> = self
            .gaps
            .into_iter()
            .map(|Reverse(ByLength(gap))| gap)
            .collect();
        gaps.sort_unstable_by_key(PackedGap::start);
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::packed::tests::gap;

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
        let kept: Vec<u64> = retention
            .into_gaps()
            .iter()
            .map(|gap| gap.start().0)
            .collect();
        assert_eq!(kept, [200, 300, 500]);
    }
}
