//! Gaps between two readings of the SMI counter, and what its rise says of
//! them. The readings are taken beside the tracer, by a thread of our own.

use std::collections::VecDeque;

use crate::model::{SmiCount, SmiEvidence};
use crate::sampler::engines::tracer::found::{Found, Seen, Stretch, pop_if};
use crate::sampler::gap::SmiTotals;
use crate::sampler::rise::Events;
use crate::units::{Cycles, Hertz};

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
    /// The count from the last reading before the first sample to the first
    /// one after the last sample, and its rises that no gap carries.
    /// `None` before there are two such readings.
    pub(super) totals: Option<SmiTotals>,
    /// The same of the time since, while nothing has been sampled again.
    tail: Option<SmiTotals>,
}

/// What to compare lengths with.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) threshold: Cycles,
    pub(super) limit: Cycles,
    pub(super) hz: Hertz,
}

impl Brackets {
    /// A reading has come in.
    pub(super) fn push(&mut self, reading: Reading) {
        self.ahead.push_back(reading);
    }

    /// Whether there was a reading.
    pub(super) fn has_begun(&self) -> bool {
        self.last.is_some() || !self.ahead.is_empty()
    }

    /// Passes on the gaps up to the latest reading before which all is known,
    /// each with the evidence and the number of its reading. `span` is the time
    /// from the first sample to the last one so far, without length before any.
    pub(super) fn settle(
        &mut self,
        found: &mut Found,
        scale: Scale,
        span: Stretch,
        sink: &mut dyn FnMut(Seen, SmiEvidence, u32),
    ) {
        while let Some(&next) = self.ahead.front()
            && next.at <= found.settled
        {
            self.ahead.pop_front();
            let begun = span.length() > Cycles(0) && next.at > span.first;
            match self.last.filter(|_| begun) {
                Some(last) => {
                    let rises = self.bracket(last, next, found, scale, sink);
                    let all = join(self.tail.take(), rises);
                    match last.at < span.last {
                        true => self.totals = Some(join(self.totals, all)),
                        false => self.tail = Some(all),
                    }
                }
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
    ) -> SmiTotals {
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
        let mut totals = SmiTotals {
            count: SmiCount {
                before: u64::from(last.count),
                after: u64::from(next.count),
                delta: u64::from(delta),
            },
            ..SmiTotals::default()
        };
        let evidence = events.place(delta, &mut totals);
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
        totals
    }
}

/// One account of a time and of the one after it.
fn join(earlier: Option<SmiTotals>, later: SmiTotals) -> SmiTotals {
    let Some(earlier) = earlier else {
        return later;
    };
    SmiTotals {
        count: earlier.count.and_then(later.count),
        below_threshold: earlier.below_threshold + later.below_threshold,
        while_paused: earlier.while_paused + later.while_paused,
        without_gap: earlier.without_gap + later.without_gap,
        between_shots: earlier.between_shots + later.between_shots,
        unassigned: earlier.unassigned + later.unassigned,
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
#[path = "brackets_tests.rs"]
mod tests;
