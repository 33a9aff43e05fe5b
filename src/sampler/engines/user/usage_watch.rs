//! When the scheduling counts are read, and which gap they speak of.

use crate::model::Counts;
use crate::sampler::budget::Budget;
use crate::sampler::calibrate::Calibration;
use crate::sampler::histogram::Presence;
use crate::sampler::machine::UsageReading;
use crate::units::Cycles;

use super::smi_watch::Event;

/// Share of the time for evidence on recorded gaps: 1/16.
const RECORDED_SHARE: u32 = 4;
/// And after shorter trips, which would else be charged to the next gap: 1/128.
const SHORTER_SHARE: u32 = 7;

/// The scheduling counts of one CPU's sampler, followed through a run.
#[derive(Debug)]
pub(super) struct UsageWatch {
    recorded: Budget,
    shorter: Budget,
    /// Whose the next reading is: the next trip's alone where the latest one
    /// came after the latest trip.
    next: Counts,
}

impl UsageWatch {
    /// A watch that begins at `now`; a reading takes `cost`.
    pub(super) fn new(cost: Cycles, now: u64) -> UsageWatch {
        let budget = |share| Budget::new(share, Cycles(cost.0 * 1_000), now);
        UsageWatch {
            recorded: budget(RECORDED_SHARE),
            shorter: budget(SHORTER_SHARE),
            next: Counts::Own,
        }
    }

    /// Notes that they were read, and speak of no trip.
    pub(super) fn begin(&mut self) {
        self.next = Counts::Own;
    }

    /// Whether the counts may be read after a trip that ended at `end`.
    pub(super) fn is_due(&mut self, event: Event, calibration: &Calibration, end: u64) -> bool {
        let budget = match event {
            Event::Recorded => &mut self.recorded,
            Event::BelowThreshold => &mut self.shorter,
        };
        let due = budget.take(calibration.usage_read, end);
        if !due {
            self.next = Counts::Shared;
        }
        due
    }

    /// The counts of a trip after which they were read, and whose they are.
    ///
    /// Where it is not known whether the kernel ran they decide it, and then
    /// must be of this trip alone.
    pub(super) fn of(
        &mut self,
        reading: Option<UsageReading>,
        presence: Presence,
    ) -> Option<(UsageReading, Counts)> {
        let reading = reading?;
        let counts = std::mem::replace(&mut self.next, Counts::Own);
        (presence == Presence::Ran || counts == Counts::Own).then_some((reading, counts))
    }
}
