//! Which gaps are kept: all, or the longest ones if there are too many.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::attribution::{Cause, Confidence};
use crate::sampler::RawGap;

/// Gaps kept for each CPU.
pub const RETAINED: usize = 100_000;

/// A gap with what was decided of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredGap {
    /// As it was sampled.
    pub raw: RawGap,
    /// Who took the time.
    pub cause: Cause,
    /// How sure that is.
    pub confidence: Confidence,
}

/// Ordered by length; equal ones by time, so that the choice is determined.
struct ByLength(StoredGap);

impl ByLength {
    fn key(&self) -> (u64, Reverse<u64>) {
        (self.0.raw.length().0, Reverse(self.0.raw.start.0))
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

    pub(super) fn keep(&mut self, gap: StoredGap) {
        if self.gaps.len() < self.capacity {
            self.gaps.push(Reverse(ByLength(gap)));
        } else if let Some(mut shortest) = self.gaps.peek_mut()
            && ByLength(gap) > shortest.0
        {
            *shortest = Reverse(ByLength(gap));
        }
    }

    /// The gaps kept, in order of time.
    pub(super) fn into_gaps(self) -> Vec<StoredGap> {
        let mut gaps: Vec<StoredGap> = self
            .gaps
            .into_iter()
            .map(|Reverse(ByLength(gap))| gap)
            .collect();
        gaps.sort_unstable_by_key(|gap| gap.raw.start);
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::{Evidence, Footprint, SmiEvidence};
    use crate::units::Cycles;

    fn gap(start: u64, length: u64) -> StoredGap {
        StoredGap {
            raw: RawGap {
                start: Cycles(start),
                end: Cycles(start + length),
                evidence: Evidence {
                    footprint: Footprint::Intact,
                    smi: SmiEvidence::Unreadable,
                    involuntary_switches: None,
                    page_faults: None,
                    run_delay_ns: None,
                },
            },
            cause: Cause::Unknown,
            confidence: Confidence::None,
        }
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
            retention.keep(gap(start, length));
        }
        let kept: Vec<u64> = retention
            .into_gaps()
            .iter()
            .map(|gap| gap.raw.start.0)
            .collect();
        assert_eq!(kept, [200, 300, 500]);
    }
}
