//! What happens after a trip: where it began and ended is settled, what is seen
//! of it noted, and the loop goes on. All of it is the tool's own blind time, so
//! it is short, bounded and measured.
//!
//! Whatever hits the sampler meanwhile is a part of the trip, or one of its own:
//! 1. The trip's end is settled, before the kernel is called.
//! 2. The counters are read that speak of it, and the next span begins. If more
//!    time has passed than that takes, what passed joins the trip, and the
//!    counters are read again: their rise may belong to it.
//! 3. In the new span the trip is written down. What hits that is a trip again.

use rtrb::Producer;

use crate::model::{Footprint, SmiEvidence};
use crate::sampler::calibrate::Calibration;
use crate::sampler::engines::user::lessons::Lessons;
use crate::sampler::engines::user::own_work::OwnWork;
use crate::sampler::engines::user::smi_watch::SmiWatch;
use crate::sampler::gap::{CpuTotals, EndedEarly, RawGap};
use crate::sampler::histogram::Presence;
use crate::sampler::indicator::Indicator;
use crate::sampler::machine::Machine;
use crate::sampler::span::{Begin, Chain, MOST_ECHOES, Passed};
use crate::units::{Cycles, Hertz, Nanos};

use super::usage_watch::UsageWatch;

/// One CPU's sampler between trips.
pub(in crate::sampler) struct Sampler<M> {
    pub(in crate::sampler) machine: M,
    pub(in crate::sampler) calibration: Calibration,
    pub(in crate::sampler) threshold: Cycles,
    /// The latest reading of the loop.
    pub(in crate::sampler) last: u64,
    pub(in crate::sampler) totals: CpuTotals,
    pub(in crate::sampler) smi: SmiWatch,
    pub(in crate::sampler) usage: UsageWatch,
    pub(in crate::sampler) lessons: Lessons,
    pub(in crate::sampler) ring: Producer<RawGap>,
    pub(in crate::sampler) chain: Chain,
    pub(in crate::sampler) phase: Phase,
    /// A stretch of the sampler's own work, calls of the kernel aside, is never
    /// longer than this unless something hit it.
    quiet_limit: u64,
    home: Option<u32>,
}

/// Whether what is sampled counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sampler) enum Phase {
    /// It teaches what entries of the kernel take, and is discarded.
    WarmUp,
    Counted,
}

/// After so many hits of its own work in a row a CPU is slower than it was.
const SLOWER: u32 = 8;

/// A stretch of time that something took.
#[derive(Clone, Copy, Debug)]
pub(in crate::sampler) struct Part {
    pub(in crate::sampler) start: u64,
    pub(in crate::sampler) end: u64,
    pub(in crate::sampler) seen: Indicator,
}

impl Part {
    pub(in crate::sampler) fn length(&self) -> Cycles {
        Cycles(self.end.wrapping_sub(self.start))
    }
}

/// What left the loop, and what else hit the sampler before it was back.
#[derive(Clone, Copy, Debug)]
pub(in crate::sampler) struct Trip {
    /// A stretch without the kernel right before one with it, which is kept
    /// apart as long as nothing says that the two belong together.
    pub(in crate::sampler) lead: Option<Part>,
    pub(in crate::sampler) part: Part,
    /// What of the part is the sampler's own work.
    pub(in crate::sampler) own: u64,
    /// The latest reading of the clock: nothing has hit from the end of the
    /// part until then.
    pub(in crate::sampler) reached: u64,
}

/// Whether the sampler called the kernel since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calls {
    None,
    Made,
}

impl Trip {
    /// Takes in what came next, up to `until`; `cost` of that are calls. Returns
    /// the own time before it, where it is kept apart.
    fn extend(&mut self, until: u64, seen: Indicator, calls: Calls, cost: u64) -> Cycles {
        let since = self.reached;
        let quiet = since.wrapping_sub(self.part.end);
        self.reached = until;
        let is_absent = |seen: &Indicator| seen.presence(SmiEvidence::NotRead) == Presence::Absent;
        let ran = seen.presence(SmiEvidence::NotRead) == Presence::Ran;
        let part = &mut self.part;
        match calls {
            // The mark still stood after the first: the kernel came later.
            Calls::None if self.lead.is_none() && is_absent(&part.seen) && ran => {
                self.lead = Some(*part);
                self.own = 0;
                *part = Part {
                    start: since,
                    end: until,
                    seen,
                };
                return Cycles(quiet);
            }
            Calls::None => {
                part.end = until;
                part.seen = part.seen.joined(seen);
            }
            Calls::Made => {
                part.end = until;
                part.seen = part.seen.joined(seen.beside_calls());
            }
        }
        self.own = self.own.saturating_add(quiet).saturating_add(cost);
        Cycles(0)
    }
}

impl<M: Machine> Sampler<M> {
    /// A sampler that has read nothing yet.
    pub(in crate::sampler) fn new(
        mut machine: M,
        calibration: Calibration,
        threshold: Cycles,
        smi: SmiWatch,
        hz: Hertz,
        ring: Producer<RawGap>,
        totals: CpuTotals,
    ) -> Self {
        let home = machine.cpu_mark();
        let (mut chain, now) = Chain::begin(&mut machine, &calibration, hz);
        let work = OwnWork::measure(&mut machine, &mut chain);
        let quiet_limit = work.limit(&calibration, hz);
        chain.expect(quiet_limit);
        Sampler {
            machine,
            home,
            quiet_limit,
            threshold,
            last: now,
            totals,
            smi,
            usage: UsageWatch::new(calibration.usage_read, now),
            lessons: Lessons::new(hz),
            ring,
            chain,
            phase: Phase::Counted,
            calibration,
        }
    }

    /// Goes into the loop for the first time. What comes before its first
    /// reading is not sampled, so the SMI counter's account begins as late.
    pub(in crate::sampler) fn start(&mut self) {
        self.settle(SmiWatch::begin_again);
    }

    /// Samples by `run`, and forgets all of it but what makes the CPU unfit: that
    /// it was lost, or a clock that ran backwards.
    pub(in crate::sampler) fn warm_up(&mut self, run: impl FnOnce(&mut Self)) {
        let fresh = self.totals.clone();
        self.phase = Phase::WarmUp;
        run(self);
        self.phase = Phase::Counted;
        self.smi.begin_anew(&mut self.machine);
        let floor = fresh.floor.min(self.totals.floor);
        self.totals = CpuTotals {
            floor,
            backward_steps: self.totals.backward_steps,
            ended_early: self.totals.ended_early,
            ..fresh
        };
    }

    /// Begins a span once nothing hits the sampler between a reading of the SMI
    /// counter, which `read` takes, and the first reading of the loop. What the
    /// scheduler counted before belongs to no gap.
    pub(in crate::sampler) fn settle(&mut self, mut read: impl FnMut(&mut SmiWatch, &mut M)) {
        for echo in 0..MOST_ECHOES {
            self.machine.usage();
            self.machine.held_back();
            self.usage.begin();
            read(&mut self.smi, &mut self.machine);
            let begun = self.machine.tsc();
            let passed = self.chain.renew(&mut self.machine);
            self.last = passed.until;
            let took = passed.until.wrapping_sub(begun);
            if passed.begin == Begin::Quiet && took <= self.quiet_limit(echo) {
                break;
            }
        }
    }

    /// See [`Sampler::quiet_limit`]; a CPU that has become slower, so that its
    /// own work looks like one stall after the other, gets a wider one.
    pub(in crate::sampler) fn quiet_limit(&mut self, echo: u32) -> u64 {
        if echo >= SLOWER {
            self.quiet_limit = self.quiet_limit.saturating_mul(2);
        }
        self.quiet_limit
    }

    /// Deals with a delta that left the loop; `self.last` is its end.
    pub(in crate::sampler) fn on_delta(&mut self, delta: u64) {
        if delta < self.totals.floor.0 {
            self.totals.floor = Cycles(delta);
            return;
        }
        if (delta as i64) < 0 && delta.wrapping_neg() <= self.calibration.trip.0 {
            // Two readings out of order, as an unfenced RDTSC may be.
            return;
        }
        if (delta as i64) < 0 {
            // On another CPU it is that CPU's clock, and no step of one.
            self.check_cpu();
            if self.totals.ended_early.is_none() {
                self.totals.backward_steps += 1;
            }
            return;
        }
        let seen = self.chain.look(&mut self.machine);
        self.on_trip(Part {
            start: self.last.wrapping_sub(delta),
            end: self.last,
            seen,
        });
    }

    /// Counts a mark that is gone without a delta above the trip level. The
    /// clock is read once more: the wiping may have come after the last
    /// reading, and is then an ordinary trip.
    pub(in crate::sampler) fn on_silent_clear(&mut self) {
        let since = self.last;
        let now = self.machine.tsc();
        let delta = now.wrapping_sub(since);
        self.last = now;
        if delta > self.calibration.trip.0 {
            self.on_delta(delta);
            return;
        }
        self.totals.silent_clears += 1;
        let passed = self.chain.renew(&mut self.machine);
        match passed.begin {
            Begin::Quiet => {
                self.last = passed.until;
                self.count_blind(since);
            }
            Begin::Hit => {
                self.count_blind(since);
                self.last = passed.until;
                self.on_trip(Part {
                    start: now,
                    end: passed.until,
                    seen: passed.seen,
                });
            }
        }
    }

    /// Deals with a trip, and with those that hit the sampler meanwhile.
    fn on_trip(&mut self, mut part: Part) {
        for echo in 0..MOST_ECHOES {
            let trip = self.settle_end(part);
            match self.finish(trip, echo) {
                None => return,
                Some(next) => part = next,
            }
        }
        // A CPU on which the slow path never comes to its end is not sampled.
        self.count_blind(part.start);
    }

    /// A large step here means that something more hit, between the end of the
    /// delta and now, and the mark may speak of that. Together they are one
    /// gap, as the counter can only be read after both.
    fn settle_end(&mut self, part: Part) -> Trip {
        let mut trip = Trip {
            lead: None,
            part,
            own: 0,
            reached: part.end,
        };
        for echo in 0..MOST_ECHOES {
            let after = self.machine.tsc();
            if after.wrapping_sub(trip.reached) <= self.quiet_limit(echo) {
                trip.reached = after;
                break;
            }
            let seen = self.chain.look(&mut self.machine);
            let quiet = trip.extend(after, seen, Calls::None, 0);
            self.add_blind(quiet);
        }
        trip
    }

    /// Counts the time from `since` to the latest reading as the tool's own.
    pub(in crate::sampler) fn count_blind(&mut self, since: u64) {
        self.add_blind(Cycles(self.last.wrapping_sub(since)));
    }

    pub(in crate::sampler) fn add_blind(&mut self, blind: Cycles) {
        self.totals.blind = self.totals.blind.saturating_add(blind);
        self.totals.blind_max = self.totals.blind_max.max(blind);
    }

    /// Begins the next span behind a trip, and takes in what hit meanwhile.
    /// `calls` are made before, and take at most `cost`.
    pub(in crate::sampler) fn renew_behind(
        &mut self,
        trip: &mut Trip,
        cost: Cycles,
        smm: &mut Smm,
        echo: u32,
    ) -> Begin {
        let calls = match cost {
            Cycles(0) => Calls::None,
            _ => Calls::Made,
        };
        let passed: Passed = self.chain.renew(&mut self.machine);
        smm.add(&passed.seen);
        self.last = passed.until;
        let took = passed.until.wrapping_sub(trip.reached);
        if passed.begin == Begin::Quiet && took <= self.quiet_limit(echo) + cost.0 {
            return Begin::Quiet;
        }
        // The cost allowed for is twice what the calls usually take.
        let quiet = trip.extend(passed.until, passed.seen, calls, cost.0 / 2);
        self.add_blind(quiet);
        Begin::Hit
    }

    /// What the mark says now.
    pub(in crate::sampler) fn footprint(&mut self) -> Footprint {
        self.chain.footprint(&mut self.machine)
    }

    /// Ends the sampler if it is not on its CPU any more.
    pub(in crate::sampler) fn check_cpu(&mut self) {
        if self.machine.cpu_mark() != self.home {
            self.totals.ended_early = Some(EndedEarly::CpuChanged);
        }
    }
}

/// The time in SMM of a trip: that of all its spans.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sampler) struct Smm(pub(super) Option<Nanos>);

impl Smm {
    fn add(&mut self, seen: &Indicator) {
        self.0 = match (self.0, seen.smm) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, other) => one.or(other),
        };
    }
}
