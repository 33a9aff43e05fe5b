//! How many lengths there are of each size, in a fixed amount of memory.

use crate::units::Nanos;

/// Eight buckets a factor of two: one is at most an eighth wide.
const BUCKETS: usize = 496;

/// Lengths, told apart to an eighth.
#[derive(Clone, Debug)]
pub struct Lengths(Box<[u64; BUCKETS]>);

impl Default for Lengths {
    fn default() -> Self {
        Lengths(Box::new([0; BUCKETS]))
    }
}

impl Lengths {
    pub(super) fn add(&mut self, length: Nanos) {
        self.0[bucket(length)] += 1;
    }

    pub fn surely_above(&self, length: Nanos) -> u64 {
        self.0[bucket(length) + 1..].iter().sum()
    }

    /// How many may be as long as this or shorter.
    pub fn up_to(&self, length: Nanos) -> u64 {
        self.0[..=bucket(length)].iter().sum()
    }

    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }
}

fn bucket(Nanos(length): Nanos) -> usize {
    let shift = (u64::BITS - 1 - (length | 8).leading_zeros()) as usize - 3;
    shift * 8 + (length >> shift) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_in_order_and_an_eighth_wide() {
        for length in (0..5_000).chain([u64::MAX / 2, u64::MAX - 1]) {
            let (own, next) = (bucket(Nanos(length)), bucket(Nanos(length + 1)));
            assert!(next == own || next == own + 1, "{length}");
            let double = bucket(Nanos(length.saturating_mul(9) / 8 + 1));
            assert!(double > own || length > u64::MAX / 4, "{length}");
        }
        assert_eq!(bucket(Nanos(u64::MAX)), BUCKETS - 1);
    }

    #[test]
    fn counts_leave_a_margin_on_both_sides() {
        let mut lengths = Lengths::default();
        for length in [5_000, 10_000, 10_001, 20_000] {
            lengths.add(Nanos(length));
        }
        assert_eq!(lengths.surely_above(Nanos(10_000)), 1);
        assert_eq!(lengths.up_to(Nanos(10_000)), 3);
        assert_eq!(lengths.count(), 4);
    }
}
