//! When the SMI counter is read, and which event a rise belongs to.
//!
//! The counter says how many SMIs there were between two readings, not when.
//! A rise can be given to one gap only if that gap is the only thing that
//! happened in between. So the counter is read after every trip, long or
//! short, as far as a budget of blind time allows; where several events share
//! a reading, the evidence says so.

use crate::evidence::LEAST_SMI;
use crate::model::SmiEvidence;
use crate::sampler::budget::Budget;
use crate::sampler::calibrate::Calibration;
use crate::sampler::gap::SmiTotals;
use crate::sampler::histogram::Presence;
use crate::sampler::machine::Machine;
use crate::sampler::smi_counter::{FollowedCounter, Readings};
use crate::units::{Cycles, Hertz};

/// Share of the time for readings after recorded gaps: 1/16.
const RECORDED_SHARE: u32 = 4;
/// Share of the time for readings after trips below the threshold: 1/64.
const SHORT_SHARE: u32 = 6;

/// What a reading follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sampler) enum Event {
    /// A gap above the threshold.
    Recorded,
    /// A trip below it.
    BelowThreshold,
}

/// The counter of one CPU, followed through a run.
pub(in crate::sampler) struct SmiWatch {
    counter: Option<FollowedCounter>,
    readings: Readings,
    /// Trips since the latest reading that can hold an SMI.
    events: u32,
    /// Those of them that became records.
    unread_records: u32,
    /// Nothing shorter can be an SMI.
    least_smi: Cycles,
    /// The shortest entry of the kernel so far.
    least_entry: Option<Cycles>,
    recorded_budget: Budget,
    short_budget: Budget,
}

impl SmiWatch {
    /// Takes the first reading.
    pub(in crate::sampler) fn begin<M: Machine>(
        machine: &mut M,
        readings: Readings,
        calibration: &Calibration,
        hz: Hertz,
    ) -> SmiWatch {
        let counter = FollowedCounter::begin(machine);
        let now = machine.tsc();
        let saved = Cycles(calibration.smi_read.0 * 1_000);
        SmiWatch {
            counter,
            readings,
            events: 0,
            unread_records: 0,
            least_smi: hz.to_cycles(LEAST_SMI),
            least_entry: None,
            recorded_budget: Budget::new(RECORDED_SHARE, saved, now),
            short_budget: Budget::new(SHORT_SHARE, saved, now),
        }
    }

    /// Takes the first reading once more: nothing is sampled yet.
    pub(in crate::sampler) fn begin_again<M: Machine>(&mut self, machine: &mut M) {
        if let Some(counter) = &mut self.counter
            && let Some(now) = machine.smi_count()
        {
            counter.latest = now;
            counter.totals.count.before = u64::from(now);
        }
    }

    /// Forgets all that was counted. Records that wait for the next reading are
    /// not settled by it: it does not speak of them.
    pub(in crate::sampler) fn begin_anew<M: Machine>(&mut self, machine: &mut M) {
        let done = self.counter.take().map(|counter| counter.readings);
        self.counter = FollowedCounter::begin(machine)
            .zip(done)
            .map(|(counter, done)| FollowedCounter {
                readings: done.wrapping_add(1),
                ..counter
            });
        self.events = 0;
        self.unread_records = 0;
    }

    /// Whether a stretch can hold an SMI: one with the kernel is then longer
    /// than the shortest entry of the kernel by as much as an SMI takes.
    pub(in crate::sampler) fn can_hold(&self, length: Cycles, presence: Presence) -> bool {
        let entry = match presence {
            Presence::Ran => self.least_entry.unwrap_or_default(),
            Presence::Absent | Presence::Unknown => Cycles(0),
        };
        length >= entry.saturating_add(self.least_smi)
    }

    /// Learns how short an entry of the kernel can be.
    pub(in crate::sampler) fn learn(&mut self, length: Cycles, presence: Presence) {
        if presence == Presence::Ran {
            let least = self.least_entry.map_or(length, |least| least.min(length));
            self.least_entry = Some(least);
        }
    }

    /// Notes a trip that can hold an SMI.
    pub(in crate::sampler) fn note_event(&mut self) {
        self.events = self.events.saturating_add(1);
    }

    /// What is known of a trip after which the counter was not read. One that
    /// is read at the end only will never speak of a gap, and none shall wait.
    pub(in crate::sampler) fn unread(&mut self, recorded: bool) -> SmiEvidence {
        match (&self.counter, self.readings) {
            (Some(_), Readings::AfterGaps) => {
                self.unread_records += u32::from(recorded);
                SmiEvidence::NotRead
            }
            (Some(_), Readings::StartAndEnd) | (None, _) => SmiEvidence::Unreadable,
        }
    }

    /// The number of the reading that covers a gap with this evidence: the
    /// latest one, or the next one where it is still to come.
    pub(in crate::sampler) fn covering(&self, smi: SmiEvidence) -> u32 {
        let done = self.counter.as_ref().map_or(0, |counter| counter.readings);
        done.wrapping_add(u32::from(smi == SmiEvidence::NotRead))
    }

    /// Whether the counter is to be read after a trip that ended at `end`: if
    /// the trip deserves that and the budget allows it.
    pub(in crate::sampler) fn is_due(
        &mut self,
        event: Event,
        end: u64,
        calibration: &Calibration,
    ) -> bool {
        self.counter.is_some()
            && self.readings == Readings::AfterGaps
            && match event {
                Event::Recorded => self.recorded_budget.take(calibration.smi_read, end),
                // Where nothing since the latest reading can hold an SMI there
                // is nothing to be told apart, and a reading here would swallow
                // the rise of unread records.
                Event::BelowThreshold => {
                    self.events > 0
                        && self.unread_records == 0
                        && self.short_budget.take(calibration.smi_read, end)
                }
            }
    }

    /// Reads the counter for a trip; `first` is what it said of the same trip
    /// before something more hit.
    pub(in crate::sampler) fn read<M: Machine>(
        &mut self,
        machine: &mut M,
        first: Option<SmiEvidence>,
    ) -> SmiEvidence {
        let Some(more) = self.advance(machine) else {
            return SmiEvidence::Unreadable;
        };
        let (before, among) = match first {
            Some(SmiEvidence::Own { delta }) => (delta, 1),
            Some(SmiEvidence::Shared { delta, among }) => (delta, among),
            _ => (0, 0),
        };
        let delta = before.saturating_add(more);
        // Events that are noted while a trip goes on are its own.
        let among = among.max(self.events);
        self.events = 0;
        self.unread_records = 0;
        match (delta, among) {
            (0, _) | (_, ..=1) => SmiEvidence::Own { delta },
            _ => SmiEvidence::Shared { delta, among },
        }
    }

    /// Enters a rise that no record will carry into the account.
    pub(in crate::sampler) fn account(&mut self, recorded: bool, smi: SmiEvidence) {
        let Some(FollowedCounter { totals, .. }) = &mut self.counter else {
            return;
        };
        match (recorded, smi) {
            (false, SmiEvidence::Own { delta } | SmiEvidence::Shared { delta, .. }) => {
                totals.below_threshold += u64::from(delta);
            }
            (true, SmiEvidence::Shared { delta, .. }) => {
                totals.unassigned += u64::from(delta);
            }
            _ => {}
        }
    }

    /// Reads the counter at the end of a pause; the rise is the pause's, or
    /// cannot be placed if trips before it were not read.
    pub(in crate::sampler) fn after_pause<M: Machine>(&mut self, machine: &mut M) {
        self.read_beside_gaps(machine, |totals| &mut totals.while_paused);
    }

    /// Reads the counter after a stretch of the tool's own work in mid-run. A
    /// virtual machine's own counter is not worth the exit.
    pub(in crate::sampler) fn after_own_work<M: Machine>(&mut self, machine: &mut M) {
        if self.readings == Readings::AfterGaps {
            self.read_beside_gaps(machine, |totals| &mut totals.without_gap);
        }
    }

    /// Leaves no time for readings.
    #[cfg(test)]
    pub(in crate::sampler) fn exhaust(&mut self) {
        self.recorded_budget = Budget::new(RECORDED_SHARE, Cycles(0), 0);
        self.short_budget = Budget::new(SHORT_SHARE, Cycles(0), 0);
    }

    /// The account so far, by the latest reading.
    pub(in crate::sampler) fn so_far(&self) -> Option<SmiTotals> {
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
        self.events = 0;
        self.unread_records = 0;
    }

    /// Takes the last reading and returns the account, `None` where the
    /// counter could not be read to the end.
    pub(in crate::sampler) fn finish<M: Machine>(mut self, machine: &mut M) -> Option<SmiTotals> {
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
