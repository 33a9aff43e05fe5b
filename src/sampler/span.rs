//! A sampler's time as a chain of spans. A span begins when the mark is set and
//! the clock read, and ends with a reading of the clock and then of the mark.
//!
//! Only `Closed::next` sets the mark, and it takes a span that is over: no
//! path can set the mark anew without having kept what it said. What comes
//! between two spans is no longer than it takes to begin one, or is joined with
//! the first. Whatever is joined keeps the least favourable word: that the
//! kernel ran before that it is not known, and this before that it did not.

use crate::model::{Footprint, RingZero};
use crate::sampler::calibrate::{Calibration, FootprintTest};
use crate::sampler::indicator::{Indicator, PmuWatch};
use crate::sampler::machine::Machine;
use crate::units::Hertz;

/// Most beginnings in a row that something hits: a CPU that never gets two
/// readings in a row must still see its deadline.
pub(in crate::sampler) const MOST_ECHOES: u32 = 256;

/// The permission to set the mark. Only this file can give it.
#[derive(Debug)]
pub struct Permit(());

/// A span that is over. What its mark said is in it.
#[derive(Debug)]
#[must_use = "what the mark said is in it"]
struct Closed {
    until: u64,
    seen: Indicator,
}

/// What lies between two looks: the span that is over, and the time until the
/// next had begun.
#[derive(Clone, Copy, Debug)]
#[must_use = "what the mark said is in it"]
pub(in crate::sampler) struct Passed {
    /// The first reading of the span that follows.
    pub(in crate::sampler) until: u64,
    /// What was seen of it all.
    pub(in crate::sampler) seen: Indicator,
    /// How the span that follows began.
    pub(in crate::sampler) begin: Begin,
}

/// How a span began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sampler) enum Begin {
    /// At once.
    Quiet,
    /// Something hit the sampler meanwhile.
    Hit,
}

/// The spans of one sampler: the one that goes on, and how the next is begun.
#[derive(Debug)]
pub(in crate::sampler) struct Chain {
    test: FootprintTest,
    pmu: PmuWatch,
    /// The begin of a span is never longer than this unless something hit it.
    limit: u64,
}

impl Chain {
    /// Begins the first span: nothing that comes before it is sampled.
    pub(in crate::sampler) fn begin<M: Machine>(
        machine: &mut M,
        calibration: &Calibration,
        hz: Hertz,
    ) -> (Chain, u64) {
        let mut chain = Chain {
            test: calibration.footprint,
            pmu: PmuWatch::new(hz),
            limit: u64::MAX,
        };
        let passed = chain.renew(machine);
        (chain, passed.until)
    }

    /// Takes the begin of a span for hit only where it is longer than this.
    pub(in crate::sampler) fn expect(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// What was seen since the span began. The word of the mark stays as it is.
    pub(in crate::sampler) fn look<M: Machine>(&self, machine: &mut M) -> Indicator {
        let footprint = self.footprint(machine);
        let (ring_zero, smm) = self.pmu.since_begin(machine);
        Indicator {
            footprint,
            ring_zero,
            smm,
        }
    }

    /// Ends the span and begins the next.
    pub(in crate::sampler) fn renew<M: Machine>(&mut self, machine: &mut M) -> Passed {
        self.close(machine).next(machine, self)
    }

    /// What the mark says now; it is in force or not.
    pub(in crate::sampler) fn footprint<M: Machine>(&self, machine: &mut M) -> Footprint {
        match self.test {
            FootprintTest::Passed if machine.armed() => Footprint::Intact,
            FootprintTest::Passed => Footprint::Cleared,
            _ => Footprint::Unusable,
        }
    }

    /// The clock is read first: what comes between the two readings then shows
    /// in the mark, and in the time after the span.
    fn close<M: Machine>(&self, machine: &mut M) -> Closed {
        let until = machine.tsc();
        let seen = self.look(machine);
        Closed { until, seen }
    }
}

impl Closed {
    /// Begins the span that follows. Whatever hits between the last look at the
    /// mark and the first reading of the clock shows by the time between the
    /// two. If it came after the setting of the mark, that tells whether it was
    /// the kernel; if before, nothing does.
    fn next<M: Machine>(self, machine: &mut M, chain: &mut Chain) -> Passed {
        let Closed { until, seen } = self;
        chain.pmu.begin(machine);
        if chain.test == FootprintTest::Passed {
            machine.arm(Permit(()));
        }
        let begun = machine.tsc();
        if begun.wrapping_sub(until) <= chain.limit {
            return Passed {
                until: begun,
                seen,
                begin: Begin::Quiet,
            };
        }
        let word = match chain.footprint(machine) {
            Footprint::Cleared => Footprint::Cleared,
            _ => Footprint::Unusable,
        };
        Passed {
            until: begun,
            seen: seen.joined(Indicator::of(word)),
            begin: Begin::Hit,
        }
    }
}

impl Indicator {
    /// One that has only the footprint's word.
    fn of(footprint: Footprint) -> Indicator {
        Indicator {
            footprint,
            ring_zero: None,
            smm: None,
        }
    }

    /// Both together: the least favourable word of the two. Counts of ring 0
    /// stand only where both have them.
    pub(in crate::sampler) fn joined(self, other: Indicator) -> Indicator {
        let rank = |footprint: Footprint| match footprint.kernel_ran() {
            Some(false) => 0,
            None => 1,
            Some(true) => 2,
        };
        let footprint = match rank(self.footprint) >= rank(other.footprint) {
            true => self.footprint,
            false => other.footprint,
        };
        let sum = |a: RingZero, b: RingZero| RingZero {
            instructions: a.instructions.saturating_add(b.instructions),
            in_smm: a.in_smm,
        };
        Indicator {
            footprint,
            ring_zero: (self.ring_zero.zip(other.ring_zero)).map(|(a, b)| sum(a, b)),
            smm: match (self.smm, other.smm) {
                (Some(a), Some(b)) => Some(a.saturating_add(b)),
                (one, other) => one.or(other),
            },
        }
    }

    /// What it is worth where the sampler itself called the kernel meanwhile:
    /// an interrupt that hits a system call returns to the kernel, and leaves
    /// the mark as it was. Neither the mark nor the count of ring 0 then tells
    /// that the kernel did not run.
    pub(in crate::sampler) fn beside_calls(self) -> Indicator {
        Indicator {
            footprint: match self.footprint {
                Footprint::Cleared => Footprint::Cleared,
                _ => Footprint::Unusable,
            },
            ring_zero: None,
            ..self
        }
    }
}
