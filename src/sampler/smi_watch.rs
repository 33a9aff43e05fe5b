//! When the SMI counter is read, and which event a rise belongs to.
//!
//! The counter says how many SMIs there were between two readings, not when.
//! A rise can be given to one gap only if that gap is the only thing that
//! happened in between. So the counter is read after every trip, long or
//! short, as far as a budget of blind time allows; where several events share
//! a reading, the evidence says so.

use crate::attribution::SmiEvidence;
use crate::units::Cycles;

use super::budget::Budget;
use super::calibrate::Calibration;
use super::gap::SmiTotals;
use super::machine::Machine;
use super::smi_counter::FollowedCounter;
use super::tail::{OwnCalls, Tail};

/// Share of the time for readings after recorded gaps: 1/16.
const RECORDED_SHARE: u32 = 4;
/// Share of the time for readings after trips below the threshold: 1/64.
const SHORT_SHARE: u32 = 6;

/// How much of the counter a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readings {
    /// Start, end, and after gaps.
    AfterGaps,
    /// Start and end only: the counter is a virtual machine's own, and reading
    /// it costs an exit to the hypervisor.
    StartAndEnd,
}

/// What a reading follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A gap above the threshold.
    Recorded,
    /// A trip below it.
    BelowThreshold,
}

/// The counter of one CPU, followed through a run.
pub(super) struct SmiWatch {
    counter: Option<FollowedCounter>,
    readings: Readings,
    /// Trips since the latest reading.
    events: u32,
    /// Those of them that became records.
    unread_records: u32,
    /// The time since the latest reading, or since the latest trip where there
    /// is no counter, until the loop resumes.
    tail: Option<Tail>,
    recorded_budget: Budget,
    short_budget: Budget,
}

impl SmiWatch {
    /// Takes the first reading.
    pub(super) fn begin<M: Machine>(
        machine: &mut M,
        readings: Readings,
        calibration: &Calibration,
    ) -> SmiWatch {
        let counter = FollowedCounter::begin(machine);
        let tail = Tail::begin(machine);
        let now = tail.since;
        let saved = Cycles(calibration.smi_read.0 * 1_000);
        let followed = counter.is_some() && readings == Readings::AfterGaps;
        SmiWatch {
            counter,
            readings,
            events: 0,
            unread_records: 0,
            tail: followed.then_some(tail),
            recorded_budget: Budget::new(RECORDED_SHARE, saved, now),
            short_budget: Budget::new(SHORT_SHARE, saved, now),
        }
    }

    /// Takes the first reading once more: nothing is sampled yet.
    pub(super) fn begin_again<M: Machine>(&mut self, machine: &mut M) {
        if let Some(counter) = &mut self.counter
            && let Some(now) = machine.smi_count()
        {
            counter.latest = now;
            counter.totals.count.before = u64::from(now);
        }
        self.tail = Some(Tail::begin(machine));
    }

    /// Notes a trip.
    pub(super) fn note_event(&mut self) {
        self.events = self.events.saturating_add(1);
    }

    /// Notes a record after which the counter is not read.
    pub(super) fn note_unread_record(&mut self) {
        self.unread_records = self.unread_records.saturating_add(1);
    }

    /// What is known of a gap after which the counter is not read. One that is
    /// read at the end only will never speak of a gap, and none shall wait.
    pub(super) fn evidence_unread(&self) -> SmiEvidence {
        match (&self.counter, self.readings) {
            (Some(_), Readings::AfterGaps) => SmiEvidence::NotRead,
            (Some(_), Readings::StartAndEnd) | (None, _) => SmiEvidence::Unreadable,
        }
    }

    /// The number of the reading that covers a gap with this evidence: the
    /// latest one, or the next one where it is still to come.
    pub(super) fn covering(&self, smi: SmiEvidence) -> u32 {
        let done = self.counter.as_ref().map_or(0, |counter| counter.readings);
        done.wrapping_add(u32::from(smi == SmiEvidence::NotRead))
    }

    /// Reads the counter after a gap or trip that ended at `end`, if it
    /// deserves that and the budget allows.
    pub(super) fn consult<M: Machine>(
        &mut self,
        machine: &mut M,
        event: Event,
        end: u64,
        calibration: &Calibration,
    ) -> SmiEvidence {
        if self.counter.is_none() {
            // A stall in the sampler's own time is none the less a stall.
            self.tail = Some(Tail::begin(machine));
            return SmiEvidence::Unreadable;
        }
        let affordable = self.readings == Readings::AfterGaps
            && match event {
                Event::Recorded => self.recorded_budget.take(calibration.smi_read, end),
                // A reading here would swallow the rise of unread records.
                Event::BelowThreshold => {
                    self.unread_records == 0 && self.short_budget.take(calibration.smi_read, end)
                }
            };
        if !affordable {
            if event == Event::Recorded {
                self.note_unread_record();
            }
            return self.evidence_unread();
        }
        let Some(delta) = self.advance(machine) else {
            return SmiEvidence::Unreadable;
        };
        self.tail = Some(Tail::begin(machine));
        let among = self.events;
        self.events = 0;
        self.unread_records = 0;
        match (delta, among) {
            (0, _) | (_, ..=1) => SmiEvidence::Own { delta },
            _ => SmiEvidence::Shared { delta, among },
        }
    }

    /// Reads the counter once more for the same gap, which something hit while
    /// it was dealt with.
    pub(super) fn consult_again<M: Machine>(
        &mut self,
        machine: &mut M,
        first: SmiEvidence,
    ) -> SmiEvidence {
        let (before, among) = match first {
            SmiEvidence::Own { delta } => (delta, 1),
            SmiEvidence::Shared { delta, among } => (delta, among),
            unread => return unread,
        };
        let Some(more) = self.advance(machine) else {
            return SmiEvidence::Unreadable;
        };
        self.tail = Some(Tail::begin(machine));
        let delta = before.saturating_add(more);
        match (delta, among) {
            (0, _) | (_, ..=1) => SmiEvidence::Own { delta },
            _ => SmiEvidence::Shared { delta, among },
        }
    }

    /// Enters a rise that no record will carry into the account.
    pub(super) fn account(&mut self, event: Event, smi: SmiEvidence) {
        let Some(FollowedCounter { totals, .. }) = &mut self.counter else {
            return;
        };
        match (event, smi) {
            (
                Event::BelowThreshold,
                SmiEvidence::Own { delta } | SmiEvidence::Shared { delta, .. },
            ) => {
                totals.below_threshold += u64::from(delta);
            }
            (Event::Recorded, SmiEvidence::Shared { delta, .. }) => {
                totals.unassigned += u64::from(delta);
            }
            _ => {}
        }
    }

    /// The time since the latest reading, if something hit the sampler before
    /// `resumed`: a stall there is in no delta of the loop, but may have raised
    /// the counter.
    pub(super) fn long_tail(&self, resumed: u64, calibration: &Calibration) -> Option<Tail> {
        self.tail
            .filter(|tail| resumed.wrapping_sub(tail.since) > quiet_limit(calibration))
    }

    /// Begins the tail anew at `now`, if nothing hit it so far: a stall that
    /// comes later has then less of the sampler's own work in its length, and
    /// no call of the kernel. The mark speaks of that time as well.
    pub(super) fn renew_tail(&mut self, now: u64, calibration: &Calibration) {
        let Some(tail) = &mut self.tail else { return };
        match now.wrapping_sub(tail.since) <= quiet_limit(calibration) {
            true => *tail = Tail::since(now),
            false => tail.hit_before = tail.hit_before.or(Some(now)),
        }
    }

    /// Enters a rise in the tool's own time into the account.
    pub(super) fn account_own_time(&mut self, smi: SmiEvidence) {
        if let (Some(counter), SmiEvidence::Own { delta }) = (&mut self.counter, smi) {
            counter.totals.without_gap += u64::from(delta);
        }
    }

    /// Notes that the sampler called the kernel since the latest reading.
    pub(super) fn note_own_call(&mut self) {
        if let Some(tail) = &mut self.tail {
            tail.own_calls = OwnCalls::Made;
        }
    }

    /// Reads the counter once more, so that a rise in the tool's own time is
    /// not given to the next gap.
    pub(super) fn read_tail<M: Machine>(&mut self, machine: &mut M) -> SmiEvidence {
        let delta = self.advance(machine);
        self.tail = Some(Tail::begin(machine));
        match delta {
            Some(delta) => SmiEvidence::Own { delta },
            None => SmiEvidence::Unreadable,
        }
    }

    /// The loop goes on.
    pub(super) fn resumed(&mut self) {
        self.tail = None;
    }

    /// Reads the counter at the end of a pause; the rise is the pause's, or
    /// cannot be placed if trips before it were not read.
    pub(super) fn after_pause<M: Machine>(&mut self, machine: &mut M) {
        self.read_beside_gaps(machine, |totals| &mut totals.while_paused);
    }

    /// Reads the counter after a stretch of the tool's own work in mid-run. A
    /// virtual machine's own counter is not worth the exit.
    pub(super) fn after_own_work<M: Machine>(&mut self, machine: &mut M) {
        if self.readings == Readings::AfterGaps {
            self.read_beside_gaps(machine, |totals| &mut totals.without_gap);
        }
    }

    /// The account so far, by the latest reading.
    pub(super) fn so_far(&self) -> Option<SmiTotals> {
        self.counter.as_ref().map(FollowedCounter::so_far)
    }

    fn read_beside_gaps<M: Machine>(
        &mut self,
        machine: &mut M,
        place: impl Fn(&mut SmiTotals) -> &mut u64,
    ) {
        let clean = self.events == 0;
        if let Some(delta) = self.advance(machine)
            && let Some(counter) = &mut self.counter
        {
            let slot = if clean {
                place(&mut counter.totals)
            } else {
                &mut counter.totals.unassigned
            };
            *slot += u64::from(delta);
        }
        if self.readings == Readings::AfterGaps {
            self.tail = Some(Tail::begin(machine));
        }
        self.events = 0;
        self.unread_records = 0;
    }

    /// Takes the last reading and returns the account, `None` where the
    /// counter could not be read to the end.
    pub(super) fn finish<M: Machine>(mut self, machine: &mut M) -> Option<SmiTotals> {
        let delta = u64::from(self.advance(machine)?);
        let mut counter = self.counter?;
        let totals = &mut counter.totals;
        let slot = match (self.readings, self.events, self.unread_records) {
            (Readings::AfterGaps, 0, _) => &mut totals.without_gap,
            (Readings::AfterGaps, _, 0) => &mut totals.below_threshold,
            _ => &mut totals.unassigned,
        };
        *slot += delta;
        Some(counter.so_far())
    }

    fn advance<M: Machine>(&mut self, machine: &mut M) -> Option<u32> {
        FollowedCounter::advance(&mut self.counter, machine)
    }
}

/// The slow path, readings of the counter aside, is never longer than this
/// unless something hit it.
pub(super) fn quiet_limit(calibration: &Calibration) -> u64 {
    2 * calibration.usage_read.0 + 4 * calibration.pmu_read.0 + 8 * calibration.trip.0
}
