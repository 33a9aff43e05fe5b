//! A log-linear histogram of cycles, recorded from the sampler's slow path:
//! fixed size, no allocation, no division.

use crate::model::Footprint;
use crate::units::Cycles;

/// Linear steps within an octave, as a power of two: 16 steps, so a bucket is
/// at most 1/16 of its lower edge wide.
const STEP_BITS: u32 = 4;
const STEPS: usize = 1 << STEP_BITS;
/// Deltas of 2^48 cycles (a day at 3 GHz) and more share the last bucket.
const OCTAVES: usize = 48 - STEP_BITS as usize;
const BUCKETS: usize = (OCTAVES + 1) * STEPS;

/// Whether this kernel ran in a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It did not.
    Absent = 0,
    /// It did.
    Ran = 1,
    /// That is not known.
    Unknown = 2,
}

impl From<Footprint> for Presence {
    fn from(footprint: Footprint) -> Presence {
        Presence::from(footprint.kernel_ran())
    }
}

impl From<Option<bool>> for Presence {
    fn from(kernel_ran: Option<bool>) -> Presence {
        match kernel_ran {
            Some(false) => Presence::Absent,
            Some(true) => Presence::Ran,
            None => Presence::Unknown,
        }
    }
}

/// Counts of deltas by length and by whether the kernel ran.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: [[u64; 3]; BUCKETS],
    /// The longest delta that is not above the limit.
    limit: Cycles,
    /// Of the bucket that holds the limit, what is above it.
    above: [u64; 3],
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram::split_at(Cycles(0))
    }
}

impl Histogram {
    /// An empty one of which no bucket holds lengths on both sides of the limit.
    pub fn split_at(limit: Cycles) -> Histogram {
        Histogram {
            counts: [[0; 3]; BUCKETS],
            limit,
            above: [0; 3],
        }
    }

    /// The lower edge of what is above the limit.
    pub fn above_limit(&self) -> Cycles {
        self.limit.saturating_add(Cycles(1))
    }

    /// Counts one delta.
    pub fn record(&mut self, delta: Cycles, presence: Presence) {
        let at = index(delta.0);
        let counts = match delta > self.limit && at == index(self.limit.0) {
            true => &mut self.above,
            false => &mut self.counts[at],
        };
        counts[presence as usize] += 1;
    }

    /// The buckets that hold anything: lower edge (inclusive), upper edge
    /// (exclusive) and the counts by [`Presence`].
    pub fn buckets(&self) -> impl Iterator<Item = (Cycles, Cycles, [u64; 3])> + '_ {
        let split = index(self.limit.0);
        let rows = self
            .counts
            .iter()
            .enumerate()
            .flat_map(move |(at, counts)| {
                let (from, to) = (Cycles(lower(at)), Cycles(lower(at + 1)));
                let (middle, above) = match at == split {
                    true => (to.min(self.above_limit()), self.above),
                    false => (to, [0; 3]),
                };
                [(from, middle, *counts), (middle, to, above)]
            });
        rows.filter(|(_, _, counts)| counts.iter().any(|&count| count > 0))
    }
}

fn index(value: u64) -> usize {
    if value < STEPS as u64 {
        return value as usize;
    }
    let octave = 63 - value.leading_zeros() - STEP_BITS;
    let step = (value >> octave) as usize & (STEPS - 1);
    ((octave as usize + 1) * STEPS + step).min(BUCKETS - 1)
}

fn lower(index: usize) -> u64 {
    let (row, step) = (index / STEPS, (index % STEPS) as u64);
    match row {
        0 => step,
        _ => (STEPS as u64 + step) << (row - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_within_its_bucket() {
        for value in (0..200).chain((8..47).flat_map(|bit| {
            let power = 1u64 << bit;
            [power - 1, power, power + 1, power + power / 3]
        })) {
            let index = index(value);
            assert!(
                lower(index) <= value && value < lower(index + 1),
                "{value} in {index}"
            );
        }
    }

    #[test]
    fn a_bucket_is_at_most_a_sixteenth_wide() {
        for index in STEPS..BUCKETS - 1 {
            assert!((lower(index + 1) - lower(index)) * STEPS as u64 <= lower(index));
        }
    }

    #[test]
    fn no_bucket_lies_on_both_sides_of_the_limit() {
        for limit in [0, 15, 16, 31, 26_000, 26_623, 1 << 40] {
            let mut histogram = Histogram::split_at(Cycles(limit));
            for delta in [limit.saturating_sub(1), limit, limit, limit + 1] {
                histogram.record(Cycles(delta), Presence::Ran);
            }
            let sum = |is_above: bool| -> u64 {
                let rows = histogram.buckets();
                rows.filter(|(from, _, _)| (from.0 > limit) == is_above)
                    .map(|(_, _, counts)| counts[Presence::Ran as usize])
                    .sum()
            };
            assert_eq!((sum(false), sum(true)), (3, 1), "{limit}");
            let rows: Vec<_> = histogram.buckets().collect();
            assert!(rows.is_sorted_by(|a, b| a.1 <= b.0), "{rows:?}");
        }
    }

    #[test]
    fn the_longest_values_share_the_last_bucket() {
        let mut histogram = Histogram::default();
        histogram.record(Cycles(u64::MAX), Presence::Unknown);
        histogram.record(Cycles(1 << 60), Presence::Ran);
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets.len(), 1);
        assert_eq!(buckets[0].2, [0, 1, 1]);
    }
}
