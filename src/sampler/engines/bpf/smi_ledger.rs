//! The SMI counter, and which gap a rise belongs to.
//!
//! Where perf counts SMIs, the program reads the count after each delta, with
//! interrupts off, and each gap has a count of its own. Elsewhere the thread
//! reads the counter before and after each shot, and the gaps of a shot share
//! the rise; what interrupts and tasks do in between, before the thread has the
//! CPU again, may hide an SMI.

use crate::model::SmiEvidence;
use crate::sampler::gap::SmiTotals;
use crate::sampler::machine::Machine;
use crate::sampler::rise::Events;
use crate::sampler::smi_counter::{FollowedCounter, Readings};

/// The counter of one CPU.
pub(super) struct SmiLedger {
    counter: Option<FollowedCounter>,
    readings: Readings,
    by_program: ByProgram,
}

/// The count as the program reads it. It has an origin of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByProgram {
    /// It does not.
    No,
    /// The latest reading, and what has been said of the rises up to it. There
    /// is none before the first shot.
    Yes {
        /// The latest reading.
        latest: Option<u32>,
        /// Rises that belong to something.
        placed: u64,
    },
}

impl SmiLedger {
    /// Takes the first reading.
    pub(super) fn begin<M: Machine>(
        machine: &mut M,
        readings: Readings,
        counts_smis: bool,
    ) -> SmiLedger {
        let counter = FollowedCounter::begin(machine);
        let by_program = match counts_smis {
            false => ByProgram::No,
            true => ByProgram::Yes {
                latest: None,
                placed: 0,
            },
        };
        SmiLedger {
            counter,
            readings,
            by_program,
        }
    }

    fn reads_around_shots(&self) -> bool {
        self.readings == Readings::AfterGaps && self.by_program == ByProgram::No
    }

    /// Reads the counter before a shot: a rise fell between two shots, or into
    /// a pause.
    pub(super) fn before_shot<M: Machine>(&mut self, machine: &mut M) {
        if self.reads_around_shots()
            && let Some(delta) = self.advance(machine)
        {
            self.note(|totals| &mut totals.between_shots, delta);
        }
    }

    /// Reads the counter after a shot and returns the rise; `None` where it is
    /// not read.
    pub(super) fn after_shot<M: Machine>(&mut self, machine: &mut M) -> Option<u32> {
        self.reads_around_shots()
            .then(|| self.advance(machine))
            .flatten()
    }

    /// Takes the program's reading before a shot: a rise since the one after
    /// the last shot fell between the two.
    pub(super) fn open(&mut self, reading: Option<u32>) {
        let delta = self.rise(reading).unwrap_or(0);
        self.note(|totals| &mut totals.between_shots, delta);
    }

    /// Takes the program's reading after a delta, and says what it means for
    /// that delta; `None` where the program has read none.
    pub(super) fn delta(&mut self, reading: Option<u32>, is_gap: bool) -> Option<SmiEvidence> {
        let delta = self.rise(reading)?;
        if !is_gap {
            self.note(|totals| &mut totals.below_threshold, delta);
        }
        // The record of a gap carries it.
        Some(SmiEvidence::Own { delta })
    }

    /// Takes the program's reading after a shot. `lost` deltas had no room for
    /// a record, and `late` is a reading that something held up.
    pub(super) fn close(&mut self, reading: Option<u32>, lost: u64, late: bool) {
        let delta = self.rise(reading).unwrap_or(0);
        match (lost, late) {
            (1.., _) => self.note(|totals| &mut totals.unassigned, delta),
            (0, true) => self.note(|totals| &mut totals.between_shots, delta),
            (0, false) => self.note(|totals| &mut totals.without_gap, delta),
        }
    }

    /// The rise up to a reading of the program's.
    fn rise(&mut self, reading: Option<u32>) -> Option<u32> {
        let ByProgram::Yes { latest, placed } = &mut self.by_program else {
            return None;
        };
        let now = reading?;
        // What came before the first shot is told at the end.
        let delta = latest.replace(now).map_or(0, |then| now.wrapping_sub(then));
        *placed += u64::from(delta);
        Some(delta)
    }

    /// Places a rise: what it means for the gaps of the shot.
    pub(super) fn place(&mut self, rise: Option<u32>, events: Events) -> SmiEvidence {
        let Some(delta) = rise else {
            return match (&self.counter, self.by_program) {
                // No later reading will speak of these gaps.
                (None, _) | (_, ByProgram::Yes { .. }) => SmiEvidence::Unreadable,
                (Some(_), ByProgram::No) => SmiEvidence::NotRead,
            };
        };
        // Whoever has a rise has a counter.
        match &mut self.counter {
            Some(counter) => events.place(delta, &mut counter.totals),
            None => SmiEvidence::Unreadable,
        }
    }

    /// The number of the latest reading.
    pub(super) fn reading(&self) -> u32 {
        self.counter.as_ref().map_or(0, |counter| counter.readings)
    }

    /// The account so far, by the latest reading.
    pub(super) fn so_far(&self) -> Option<SmiTotals> {
        self.counter.as_ref().map(FollowedCounter::so_far)
    }

    /// Takes the last reading and returns the account, `None` where the
    /// counter could not be read to the end.
    pub(super) fn finish<M: Machine>(mut self, machine: &mut M) -> Option<SmiTotals> {
        let delta = self.advance(machine)?;
        let delta = match self.by_program {
            ByProgram::No => delta,
            // Before the first shot and after the last one.
            ByProgram::Yes { placed, .. } => {
                delta.saturating_sub(u32::try_from(placed).unwrap_or(u32::MAX))
            }
        };
        match self.readings {
            Readings::AfterGaps => self.note(|totals| &mut totals.between_shots, delta),
            Readings::StartAndEnd => self.note(|totals| &mut totals.unassigned, delta),
        }
        self.so_far()
    }

    fn note(&mut self, slot: impl FnOnce(&mut SmiTotals) -> &mut u64, delta: u32) {
        if let Some(counter) = &mut self.counter {
            *slot(&mut counter.totals) += u64::from(delta);
        }
    }

    fn advance<M: Machine>(&mut self, machine: &mut M) -> Option<u32> {
        FollowedCounter::advance(&mut self.counter, machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;

    fn ledger() -> SmiLedger {
        SmiLedger {
            counter: Some(FollowedCounter {
                latest: 0,
                readings: 1,
                totals: SmiTotals::default(),
            }),
            readings: Readings::AfterGaps,
            by_program: ByProgram::No,
        }
    }

    #[test]
    fn each_delta_has_what_the_program_counted_after_it() {
        let mut ledger = SmiLedger {
            by_program: ByProgram::Yes {
                latest: None,
                placed: 0,
            },
            ..ledger()
        };
        let own = |delta| Some(SmiEvidence::Own { delta });
        ledger.open(Some(u32::MAX));
        assert_eq!(ledger.delta(Some(u32::MAX), true), own(0));
        assert_eq!(ledger.delta(Some(0), true), own(1));
        assert_eq!(ledger.delta(Some(2), false), own(2));
        assert_eq!(ledger.delta(None, true), None);
        ledger.close(Some(2), 0, false);
        ledger.open(Some(5));
        ledger.close(Some(6), 0, true);
        ledger.open(Some(6));
        ledger.close(Some(8), 3, false);
        let totals = ledger.counter.map(|counter| counter.totals).unwrap();
        assert_eq!(totals.below_threshold, 2);
        assert_eq!(totals.between_shots, 4);
        assert_eq!((totals.without_gap, totals.unassigned), (0, 2));
    }

    fn placed(delta: u32, count: u32, unwatched: u64) -> SmiEvidence {
        let events = Events {
            count,
            watched: Nanos(10_000_000),
            gaps: 1,
            unwatched: Nanos(unwatched),
        };
        ledger().place(Some(delta), events)
    }

    #[test]
    fn a_rise_belongs_to_the_only_gap_of_a_shot_that_was_watched_throughout() {
        assert_eq!(placed(1, 1, 900), SmiEvidence::Own { delta: 1 });
        assert_eq!(placed(0, 3, 9_000), SmiEvidence::Own { delta: 0 });
    }

    #[test]
    fn a_short_time_unwatched_weakens_the_claim_and_a_long_one_ends_it() {
        assert_eq!(placed(1, 1, 9_000), SmiEvidence::Alone { delta: 1 });
        assert_eq!(
            placed(1, 1, 190_000),
            SmiEvidence::Shared { delta: 1, among: 2 }
        );
    }

    #[test]
    fn several_deltas_share_a_rise() {
        assert_eq!(placed(2, 2, 0), SmiEvidence::Shared { delta: 2, among: 2 });
    }

    #[test]
    fn a_rise_without_a_gap_is_told_by_where_it_can_have_been() {
        let mut ledger = ledger();
        let mut quiet = |count, unwatched| {
            let events = Events {
                count,
                watched: Nanos(10_000_000),
                gaps: 0,
                unwatched: Nanos(unwatched),
            };
            ledger.place(Some(1), events);
            ledger
                .counter
                .as_ref()
                .map(|counter| counter.totals)
                .unwrap()
        };
        assert_eq!(quiet(0, 0).without_gap, 1);
        assert_eq!(quiet(0, 5_000).between_shots, 1);
        assert_eq!(quiet(1, 0).below_threshold, 1);
        assert_eq!(quiet(1, 5_000).below_threshold, 2);
        assert_eq!(quiet(2, 5_000).unassigned, 1);
    }
}
