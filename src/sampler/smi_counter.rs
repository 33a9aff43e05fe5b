//! The SMI counter of one CPU, read again and again.

use crate::evidence::SmiSource;

use super::gap::SmiTotals;
use super::machine::Machine;

/// How much of the counter a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readings {
    /// Start, end, and after gaps.
    AfterGaps,
    /// Start and end only: the counter is a virtual machine's own, and reading
    /// it costs an exit to the hypervisor.
    StartAndEnd,
}

/// The sources of the CPU at `index` of the plan.
pub(in crate::sampler) fn sources_of(
    all: &[Result<Vec<SmiSource>, String>],
    index: usize,
) -> Result<&[SmiSource], &str> {
    all.get(index).map_or(Err("not asked"), |sources| {
        sources.as_ref().map(Vec::as_slice).map_err(String::as_str)
    })
}

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
