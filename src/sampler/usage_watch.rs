//! When the scheduling counts are read, and which gap they speak of.

use crate::units::Cycles;

use super::budget::Budget;
use super::calibrate::Calibration;
use super::histogram::Presence;
use super::machine::UsageReading;

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

    /// Whether the counts may be read after a trip that ended at `end`.
    pub(super) fn is_due(&mut self, calibration: &Calibration, end: u64) -> bool {
        let due = self.budget.take(calibration.usage_read, end);
        if !due {
            self.base = Base::Stale;
        }
        due
    }

    /// The counts of a trip after which they were read.
    ///
    /// Where the kernel is known to have run they only describe the trip. Where
    /// it is not they decide whether it did, and then must be of this trip
    /// alone.
    pub(super) fn of(
        &mut self,
        reading: Option<UsageReading>,
        presence: Presence,
    ) -> Option<UsageReading> {
        let reading = reading?;
        let base = std::mem::replace(&mut self.base, Base::Fresh);
        (presence == Presence::Ran || base == Base::Fresh).then_some(reading)
    }
}
