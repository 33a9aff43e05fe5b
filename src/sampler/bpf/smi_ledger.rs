//! The SMI counter, read before and after each shot, and which gap a rise
//! belongs to.

use crate::attribution::SmiEvidence;
use crate::units::Cycles;

use super::super::gap::SmiTotals;
use super::super::machine::Machine;
use super::super::rise::Events;
use super::super::smi_watch::Readings;

/// The counter of one CPU.
pub(super) struct SmiLedger {
    counter: Option<Followed>,
    readings: Readings,
}

struct Followed {
    latest: u32,
    /// Readings so far.
    readings: u32,
    totals: SmiTotals,
}

impl SmiLedger {
    /// Takes the first reading.
    pub(super) fn begin<M: Machine>(machine: &mut M, readings: Readings) -> SmiLedger {
        let counter = machine.smi_count().map(|latest| {
            let mut totals = SmiTotals::default();
            totals.count.before = u64::from(latest);
            Followed {
                latest,
                readings: 1,
                totals,
            }
        });
        SmiLedger { counter, readings }
    }

    /// Reads the counter before a shot: a rise fell between two shots, or into
    /// a pause.
    pub(super) fn before_shot<M: Machine>(&mut self, machine: &mut M) {
        if self.readings == Readings::AfterGaps
            && let Some(delta) = self.advance(machine)
        {
            self.note(|totals| &mut totals.between_shots, delta);
        }
    }

    /// Reads the counter after a shot and returns the rise; `None` where it is
    /// not read.
    pub(super) fn after_shot<M: Machine>(&mut self, machine: &mut M) -> Option<u32> {
        match self.readings {
            Readings::AfterGaps => self.advance(machine),
            Readings::StartAndEnd => None,
        }
    }

    /// Places a rise: what it means for the gaps of the shot.
    pub(super) fn place(&mut self, rise: Option<u32>, events: Events) -> SmiEvidence {
        let Some(delta) = rise else {
            return match self.counter {
                Some(_) => SmiEvidence::NotRead,
                None => SmiEvidence::Unreadable,
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

    /// Takes the last reading and returns the account, `None` where the
    /// counter could not be read to the end.
    pub(super) fn finish<M: Machine>(mut self, machine: &mut M) -> Option<SmiTotals> {
        let delta = self.advance(machine)?;
        match self.readings {
            Readings::AfterGaps => self.note(|totals| &mut totals.between_shots, delta),
            Readings::StartAndEnd => self.note(|totals| &mut totals.unassigned, delta),
        }
        let mut counter = self.counter?;
        counter.totals.count.after = u64::from(counter.latest);
        Some(counter.totals)
    }

    fn note(&mut self, slot: impl FnOnce(&mut SmiTotals) -> &mut u64, delta: u32) {
        if let Some(counter) = &mut self.counter {
            *slot(&mut counter.totals) += u64::from(delta);
        }
    }

    /// Reads the counter; a failure ends its use. It is 32 bits wide and may
    /// wrap.
    fn advance<M: Machine>(&mut self, machine: &mut M) -> Option<u32> {
        let counter = self.counter.as_mut()?;
        let Some(now) = machine.smi_count() else {
            self.counter = None;
            return None;
        };
        let delta = now.wrapping_sub(counter.latest);
        counter.latest = now;
        counter.readings = counter.readings.wrapping_add(1);
        counter.totals.count.delta += u64::from(delta);
        Some(delta)
    }
}

/// The shortest time between a reading of the counter and the shot, and back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    before: Cycles,
    after: Cycles,
}

impl Edges {
    /// Nothing seen yet.
    pub(super) fn new() -> Edges {
        Edges {
            before: Cycles(u64::MAX),
            after: Cycles(u64::MAX),
        }
    }

    /// Takes note of a shot's two edges and returns by how much the one or the
    /// other is longer than the shortest: an SMI that hides is in one of them.
    pub(super) fn excess(&mut self, before: Cycles, after: Cycles) -> Cycles {
        self.before = self.before.min(before);
        self.after = self.after.min(after);
        let excess = before.saturating_sub(self.before);
        excess.max(after.saturating_sub(self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;

    fn ledger() -> SmiLedger {
        SmiLedger {
            counter: Some(Followed {
                latest: 0,
                readings: 1,
                totals: SmiTotals::default(),
            }),
            readings: Readings::AfterGaps,
        }
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

    #[test]
    fn edges_are_held_against_the_shortest_ones() {
        let mut edges = Edges::new();
        assert_eq!(edges.excess(Cycles(50), Cycles(90)), Cycles(0));
        assert_eq!(edges.excess(Cycles(55), Cycles(190)), Cycles(100));
        assert_eq!(edges.excess(Cycles(40), Cycles(90)), Cycles(0));
    }
}
