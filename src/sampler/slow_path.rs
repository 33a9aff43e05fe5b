//! What happens after a trip: where it began and ended is settled, what is seen
//! of it noted, and the loop goes on. All of it is the tool's own blind time, so
//! it is short, bounded and measured.

use rtrb::Producer;

use crate::attribution::{Footprint, SmiEvidence};
use crate::units::Cycles;

use super::calibrate::{Calibration, FootprintTest};
use super::close::Before;
use super::gap::{CpuTotals, EndedEarly, RawGap};
use super::histogram::Presence;
use super::machine::{Machine, read_footprint};
use super::smi_watch::{SmiWatch, quiet_limit};
use super::tail::OwnCalls;
use super::usage_watch::UsageWatch;
use super::witness::{PmuWatch, Witness};

/// Most interruptions in a row that are taken for one gap: a CPU that never
/// gets two readings in a row must still see its deadline.
pub(super) const MOST_ECHOES: u32 = 256;

/// One CPU's sampler between trips.
pub(super) struct Sampler<M> {
    pub(super) machine: M,
    pub(super) calibration: Calibration,
    pub(super) threshold: Cycles,
    /// The latest reading of the loop.
    pub(super) last: u64,
    pub(super) totals: CpuTotals,
    pub(super) smi: SmiWatch,
    pub(super) pmu: PmuWatch,
    pub(super) usage: UsageWatch,
    pub(super) ring: Producer<RawGap>,
    home: Option<u32>,
}

impl<M: Machine> Sampler<M> {
    /// A sampler that has read nothing yet.
    pub(super) fn new(
        mut machine: M,
        calibration: Calibration,
        threshold: Cycles,
        smi: SmiWatch,
        pmu: PmuWatch,
        ring: Producer<RawGap>,
        totals: CpuTotals,
    ) -> Self {
        let now = machine.tsc();
        Sampler {
            home: machine.cpu_mark(),
            machine,
            calibration,
            threshold,
            last: now,
            totals,
            smi,
            pmu,
            usage: UsageWatch::new(calibration.usage_read, now),
            ring,
        }
    }

    /// Arms the mark and takes the reading from which the loop goes on.
    ///
    /// The mark is checked after that reading: an interrupt between the two
    /// would wipe it and be short enough to go unseen, and a later SMI would
    /// then pass for the kernel. So are the PMU's counts.
    pub(super) fn resume(&mut self) {
        for _ in 0..MOST_ECHOES {
            self.pmu.begin(&mut self.machine);
            if self.start_again() == Footprint::Cleared {
                continue;
            }
            if self.pmu.is_undisturbed(&mut self.machine) {
                return;
            }
        }
        self.pmu.give_up();
        while self.start_again() == Footprint::Cleared {}
    }

    fn start_again(&mut self) -> Footprint {
        if self.calibration.footprint == FootprintTest::Passed {
            self.machine.arm();
        }
        self.last = self.machine.tsc();
        self.footprint()
    }

    /// Goes into the loop for the first time. What comes before its first
    /// reading is not sampled, so the SMI counter's account begins as late.
    pub(super) fn start(&mut self) {
        for _ in 0..MOST_ECHOES {
            self.resume();
            let tail = self.smi.long_tail(self.last, &self.calibration);
            if tail.is_none() {
                break;
            }
            self.smi.begin_again(&mut self.machine);
        }
        self.smi.resumed();
    }

    /// Goes on with the loop once nothing has hit the sampler between its
    /// latest reading of the SMI counter and the first reading of the loop.
    /// Returns how much of that time was a gap of its own.
    pub(super) fn resume_clean(&mut self) -> Cycles {
        let mut gaps = Cycles(0);
        for _ in 0..MOST_ECHOES {
            let before = self.machine.tsc();
            let mark = self.footprint();
            self.resume();
            let Some(tail) = self.smi.long_tail(self.last, &self.calibration) else {
                break;
            };
            // The mark was read after `before`, and speaks of all until then.
            // What came later, it has not seen.
            let seen = self.smi.long_tail(before, &self.calibration).is_some();
            let gap = match (mark, tail.own_calls) {
                (Footprint::Intact, OwnCalls::None) if seen => {
                    let limit = quiet_limit(&self.calibration);
                    let hit = tail.hit_before;
                    let end = hit.filter(|hit| before.wrapping_sub(*hit) <= limit);
                    self.close_tail(tail.since, end.unwrap_or(before), mark)
                }
                (Footprint::Cleared, OwnCalls::None) if seen => {
                    self.close_tail(tail.since, self.last, mark)
                }
                (_, OwnCalls::None) => self.close_tail(tail.since, self.last, Footprint::Unusable),
                // How much of it the call took is not known, so that it stays
                // the tool's own time.
                (_, OwnCalls::Made) => {
                    let smi = self.smi.read_tail(&mut self.machine);
                    self.smi.account_own_time(smi);
                    Cycles(0)
                }
            };
            gaps = gaps.saturating_add(gap);
        }
        self.smi.resumed();
        gaps
    }

    /// Deals with a delta that left the loop; `self.last` is its end.
    pub(super) fn on_delta(&mut self, delta: u64) {
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
        let mut start = self.last.wrapping_sub(delta);
        let mut end = self.last;
        let mut witness = self.witness();
        let mut after = self.machine.tsc();
        let mut before_kernel = None;
        let usual = self.calibration.trip.0 + 2 * self.calibration.pmu_read.0;
        // A large step here means that something more hit, between the end of
        // the delta and now, and the mark may speak of that. Together they are
        // one gap, as the counter can only be read after both.
        for _ in 0..MOST_ECHOES {
            if after.wrapping_sub(end) <= usual {
                break;
            }
            let later = self.witness();
            // But the mark still stood after the first: the kernel came later.
            if witness.presence(SmiEvidence::NotRead) == Presence::Absent
                && later.presence(SmiEvidence::NotRead) == Presence::Ran
            {
                before_kernel = Some(Before {
                    start,
                    end,
                    witness,
                });
                start = end;
            }
            end = after;
            witness = later;
            after = self.machine.tsc();
        }
        let end = self.close(before_kernel, start, end, witness);
        let gaps = self.resume_clean();
        self.count_blind(end, gaps);
    }

    /// Begins the sampler's own time anew, where nothing has hit it so far.
    pub(super) fn renew_tail(&mut self) {
        let now = self.machine.tsc();
        self.smi.renew_tail(now, &self.calibration);
    }

    /// Counts the time from `since` to the latest reading as the tool's own,
    /// but for the gaps in it.
    pub(super) fn count_blind(&mut self, since: u64, gaps: Cycles) {
        let blind = Cycles(self.last.wrapping_sub(since)).saturating_sub(gaps);
        self.totals.blind = self.totals.blind.saturating_add(blind);
        self.totals.blind_max = self.totals.blind_max.max(blind);
    }

    /// Counts a mark that is gone without a delta above the trip level. The
    /// clock is read once more: the wiping may have come after the last
    /// reading, and is then an ordinary gap.
    pub(super) fn on_silent_clear(&mut self) {
        let now = self.machine.tsc();
        let delta = now.wrapping_sub(self.last);
        self.last = now;
        if delta > self.calibration.trip.0 {
            self.on_delta(delta);
        } else {
            self.totals.silent_clears += 1;
            self.resume();
            self.on_unwitnessed(now);
        }
    }

    /// Deals with the time from `start` to the latest reading, of which the
    /// mark says nothing: it was set in between.
    fn on_unwitnessed(&mut self, start: u64) {
        let mut since = start;
        let mut gaps = Cycles(0);
        if self.last.wrapping_sub(start) > quiet_limit(&self.calibration) {
            let witness = self.witness().disturbed();
            since = self.close(None, start, self.last, witness);
            gaps = self.resume_clean();
        }
        self.count_blind(since, gaps);
    }

    /// What the mark and the PMU's counts say now.
    pub(super) fn witness(&mut self) -> Witness {
        let footprint = self.footprint();
        let (ring_zero, smm) = self.pmu.since_begin(&mut self.machine);
        Witness {
            footprint,
            ring_zero,
            smm,
        }
    }

    /// What the mark says now.
    pub(super) fn footprint(&mut self) -> Footprint {
        read_footprint(&mut self.machine, self.calibration.footprint)
    }

    /// Ends the sampler if it is not on its CPU any more.
    pub(super) fn check_cpu(&mut self) {
        if self.machine.cpu_mark() != self.home {
            self.totals.ended_early = Some(EndedEarly::CpuChanged);
        }
    }
}
