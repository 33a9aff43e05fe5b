//! The SMI counter of one CPU, read again and again.

use super::gap::SmiTotals;
use super::machine::Machine;

/// What has been read of it so far.
pub(super) struct FollowedCounter {
    /// The latest reading. The counter is 32 bits wide and may wrap.
    pub(super) latest: u32,
    /// Readings so far.
    pub(super) readings: u32,
    /// What became of its rises.
    pub(super) totals: SmiTotals,
}

impl FollowedCounter {
    /// Takes the first reading; `None` where it cannot be read.
    pub(super) fn begin<M: Machine>(machine: &mut M) -> Option<FollowedCounter> {
        let latest = machine.smi_count()?;
        let mut totals = SmiTotals::default();
        totals.count.before = u64::from(latest);
        Some(FollowedCounter {
            latest,
            readings: 1,
            totals,
        })
    }

    /// Reads a counter once more and returns its rise; a failure ends its use.
    pub(super) fn advance<M: Machine>(
        followed: &mut Option<FollowedCounter>,
        machine: &mut M,
    ) -> Option<u32> {
        let counter = followed.as_mut()?;
        let Some(now) = machine.smi_count() else {
            *followed = None;
            return None;
        };
        let delta = now.wrapping_sub(counter.latest);
        counter.latest = now;
        counter.readings = counter.readings.wrapping_add(1);
        counter.totals.count.delta += u64::from(delta);
        Some(delta)
    }

    /// The account up to the latest reading.
    pub(super) fn so_far(&self) -> SmiTotals {
        let mut totals = self.totals;
        totals.count.after = u64::from(self.latest);
        totals
    }
}
