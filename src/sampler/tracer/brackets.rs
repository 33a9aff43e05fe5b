//! Gaps between two readings of the SMI counter, and what its rise says of
//! them. The readings are taken beside the tracer, by a thread of our own.

use std::collections::VecDeque;

use crate::attribution::SmiEvidence;
use crate::units::{Cycles, Hertz};

use super::super::gap::SmiTotals;
use super::super::rise::Events;
use super::found::{Found, Seen, pop_if};

/// A reading of a CPU's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) at: Cycles,
    /// The counter's 32 bits.
    pub(super) count: u32,
}

/// The readings of one CPU.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    last: Option<Reading>,
    ahead: VecDeque<Reading>,
    /// The rise before the latest reading.
    rise: u32,
    number: u32,
    /// The rises that no gap carries.
    pub(super) totals: SmiTotals,
}

/// What to compare lengths with.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) threshold: Cycles,
    pub(super) hz: Hertz,
}

impl Brackets {
    /// A reading has come in.
    pub(super) fn push(&mut self, reading: Reading) {
        self.ahead.push_back(reading);
    }

    /// Passes on the gaps up to the latest reading before which all is known,
    /// each with the evidence and the number of its reading.
    pub(super) fn settle(
        &mut self,
        found: &mut Found,
        scale: Scale,
        sink: &mut dyn FnMut(Seen, SmiEvidence, u32),
    ) {
        while let Some(&next) = self.ahead.front()
            && next.at <= found.settled
        {
            self.ahead.pop_front();
            match self.last {
                Some(last) => self.bracket(last, next, found, scale, sink),
                None => drop_before(found, next.at, |seen| {
                    sink(seen, SmiEvidence::Unreadable, 0);
                }),
            }
            self.last = Some(next);
        }
    }

    fn bracket(
        &mut self,
        last: Reading,
        next: Reading,
        found: &mut Found,
        scale: Scale,
        sink: &mut dyn FnMut(Seen, SmiEvidence, u32),
    ) {
        let delta = next.count.wrapping_sub(last.count);
        let before = std::mem::replace(&mut self.rise, delta);
        self.number = self.number.wrapping_add(1);
        let mut sampled: u64 = (found.stretches.iter())
            .map(|stretch| stretch.within(last.at, next.at).0)
            .sum();
        let (mut inside, mut across) = (Vec::new(), None);
        drop_before(found, next.at, |seen| match seen.start < last.at {
            true => across = Some(seen),
            false => inside.push(seen),
        });
        // A gap that holds a reading hides as much as it takes.
        let cut = across.map(|seen: Seen| seen.end.saturating_sub(last.at).0);
        let begun = found.seen.front().filter(|seen| seen.start < next.at);
        let cut = cut.unwrap_or(0) + begun.map_or(0, |seen| next.at.since(seen.start).0);
        sampled = sampled.saturating_sub(cut);
        let of = |seen: &Seen| 1 + seen.companions;
        let is_gap = |seen: &&Seen| seen.end.since(seen.start) > scale.threshold;
        let events = Events {
            count: inside.iter().map(of).sum(),
            watched: scale.hz.to_nanos(Cycles(sampled)),
            gaps: inside
                .iter()
                .filter(is_gap)
                .map(|seen| u64::from(of(seen)))
                .sum(),
            unwatched: scale
                .hz
                .to_nanos(next.at.since(last.at).saturating_sub(Cycles(sampled))),
        };
        let evidence = events.place(delta, &mut self.totals);
        if let Some(seen) = across {
            let among = events.count + 1;
            let both = match before.saturating_add(delta) {
                0 => SmiEvidence::Own { delta: 0 },
                delta => SmiEvidence::Shared { delta, among },
            };
            sink(seen, both, self.number);
        }
        for seen in inside {
            sink(seen, evidence, self.number);
        }
    }
}

/// Takes out what had ended by `at`.
pub(super) fn drop_before(found: &mut Found, at: Cycles, mut sink: impl FnMut(Seen)) {
    while let Some(seen) = pop_if(&mut found.seen, |seen| seen.end <= at) {
        sink(seen);
    }
    while pop_if(&mut found.stretches, |stretch| stretch.last <= at).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::super::found::Stretch;
    use super::*;
    use crate::attribution::Footprint;

    fn seen(start: u64, end: u64) -> Seen {
        Seen {
            start: Cycles(start),
            end: Cycles(end),
            footprint: Footprint::Excluded,
            companions: 0,
        }
    }

    fn reading(at: u64, count: u32) -> Reading {
        Reading {
            at: Cycles(at),
            count,
        }
    }

    /// Settles gaps in windows from 10 us to 1 ms of each ms, all of it known.
    fn settled(readings: &[Reading], gaps: &[Seen]) -> (Vec<SmiEvidence>, SmiTotals) {
        let mut brackets = Brackets::default();
        readings.iter().for_each(|&reading| brackets.push(reading));
        let mut found = Found {
            seen: gaps.iter().copied().collect(),
            settled: Cycles(u64::MAX),
            ..Found::default()
        };
        for window in 0..3 {
            found.stretches.push_back(Stretch {
                first: Cycles(window * 1_000_000 + 10_000),
                last: Cycles((window + 1) * 1_000_000),
            });
        }
        let scale = Scale {
            threshold: Cycles(10_000),
            hz: Hertz(1e9),
        };
        let mut all = Vec::new();
        brackets.settle(&mut found, scale, &mut |_, evidence, _| all.push(evidence));
        (all, brackets.totals)
    }

    #[test]
    fn the_only_gap_of_a_window_has_the_rise() {
        let readings = [reading(0, 7), reading(1_000_500, 8), reading(2_000_500, 8)];
        let gaps = [seen(300_000, 350_000), seen(1_500_000, 1_520_000)];
        let (all, totals) = settled(&readings, &gaps);
        assert_eq!(
            all,
            [
                SmiEvidence::Alone { delta: 1 },
                SmiEvidence::Own { delta: 0 }
            ]
        );
        assert_eq!(totals.unassigned, 0);
    }

    #[test]
    fn companions_share_the_rise() {
        let gap = Seen {
            companions: 2,
            ..seen(300_000, 350_000)
        };
        let (all, totals) = settled(&[reading(0, 0), reading(1_000_500, 3)], &[gap]);
        assert_eq!(all, [SmiEvidence::Shared { delta: 3, among: 3 }]);
        assert_eq!(totals.unassigned, 3);
    }

    #[test]
    fn a_rise_without_a_gap_fell_between_windows() {
        let (_, totals) = settled(&[reading(0, 0), reading(1_000_500, 1)], &[]);
        assert_eq!(totals.between_shots, 1);
    }

    #[test]
    fn a_gap_that_holds_a_reading_is_given_no_rise_of_its_own() {
        let readings = [reading(0, 0), reading(500_000, 1), reading(1_000_000, 1)];
        let (all, _) = settled(&readings, &[seen(495_000, 505_000)]);
        assert_eq!(all, [SmiEvidence::Shared { delta: 1, among: 1 }]);
    }

    #[test]
    fn a_counter_that_wraps_goes_on() {
        let readings = [reading(0, u32::MAX), reading(1_000_500, 0)];
        let (all, _) = settled(&readings, &[seen(300_000, 350_000)]);
        assert_eq!(all, [SmiEvidence::Alone { delta: 1 }]);
    }
}
