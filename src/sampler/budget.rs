//! A bound on the share of time that the slow path may spend on costly reads.

use crate::units::Cycles;

/// Cycles saved up at a fixed share of elapsed time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// The share is 1 / 2^`shift`.
    shift: u32,
    saved: u64,
    most: u64,
    counted_to: u64,
}

impl Budget {
    /// A budget of 1 / 2^`shift` of the time, of which at most `most` can be
    /// saved up; it begins full.
    pub(super) fn new(shift: u32, most: Cycles, now: u64) -> Budget {
        Budget {
            shift,
            saved: most.0,
            most: most.0,
            counted_to: now,
        }
    }

    /// Takes `cost`, if that much is saved up at `now`.
    pub(super) fn take(&mut self, cost: Cycles, now: u64) -> bool {
        let earned = now.saturating_sub(self.counted_to) >> self.shift;
        self.saved = self.saved.saturating_add(earned).min(self.most);
        // The remainder stays to be earned: many short steps must not lose it.
        self.counted_to += earned << self.shift;
        if self.saved < cost.0 {
            return false;
        }
        self.saved -= cost.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spending_follows_the_share() {
        let mut budget = Budget::new(4, Cycles(1_000), 0);
        let spent = (0..100_000u64)
            .step_by(100)
            .filter(|&now| budget.take(Cycles(50), now))
            .count();
        // 100,000 / 16 earned and 1,000 saved make 145 reads of 50.
        assert!((140..=145).contains(&spent), "{spent}");
    }
}
