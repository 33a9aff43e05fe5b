//! When the scheduling counts are read, and which gap they speak of.

use crate::units::Cycles;

use super::budget::Budget;
use super::calibrate::Calibration;
use super::histogram::Presence;
use super::machine::{Machine, UsageReading};

/// Share of the time for evidence on recorded gaps: 1/16.
const RECORDED_SHARE: u32 = 4;

/// The scheduling counts of one CPU's sampler, followed through a run.
#[derive(Debug)]
pub(super) struct UsageWatch {
    budget: Budget,
    base: Base,
}

/// Whether the latest reading came after the latest trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Fresh,
    Stale,
}

impl UsageWatch {
    /// A watch that begins at `now`; a reading takes `cost`.
    pub(super) fn new(cost: Cycles, now: u64) -> UsageWatch {
        UsageWatch {
            budget: Budget::new(RECORDED_SHARE, Cycles(cost.0 * 1_000), now),
            base: Base::Fresh,
        }
    }

    /// The counts of a gap in which the kernel may have run.
    ///
    /// Where it is known to have run they only describe the gap. Where it is
    /// not they decide whether it did, and then must be of this gap alone.
    pub(super) fn of_gap<M: Machine>(
        &mut self,
        machine: &mut M,
        calibration: &Calibration,
        end: Cycles,
        presence: Presence,
    ) -> Option<UsageReading> {
        if presence == Presence::Absent {
            return None;
        }
        if !self.budget.take(calibration.usage_read, end.0) {
            self.base = Base::Stale;
            return None;
        }
        let reading = machine.usage();
        let base = std::mem::replace(&mut self.base, Base::Fresh);
        (presence == Presence::Ran || base == Base::Fresh).then_some(reading)
    }

    /// Takes what was counted in a trip below the threshold off the counts of
    /// the next gap.
    pub(super) fn forget<M: Machine>(
        &mut self,
        machine: &mut M,
        calibration: &Calibration,
        end: Cycles,
    ) {
        if self.budget.take(calibration.usage_read, end.0) {
            machine.usage();
            self.base = Base::Fresh;
        } else {
            self.base = Base::Stale;
        }
    }
}
