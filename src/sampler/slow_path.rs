//! What happens after a trip: the delta is classed, counted, and above the
//! threshold made a record. All of it is the tool's own blind time, so it is
//! short, bounded and measured.

use rtrb::Producer;

use crate::attribution::{Evidence, Footprint, SmiEvidence};
use crate::units::Cycles;

use super::budget::Budget;
use super::calibrate::{Calibration, FootprintTest};
use super::gap::{CpuTotals, EndedEarly, RawGap};
use super::machine::{Machine, read_footprint};
use super::smi_watch::{Event, SmiWatch};

/// Share of the time for evidence on recorded gaps: 1/16.
const RECORDED_SHARE: u32 = 4;

/// One CPU's sampler between trips.
pub(super) struct Sampler<M> {
    pub(super) machine: M,
    pub(super) calibration: Calibration,
    pub(super) threshold: Cycles,
    /// The latest reading of the loop.
    pub(super) last: u64,
    pub(super) totals: CpuTotals,
    pub(super) smi: SmiWatch,
    ring: Producer<RawGap>,
    home: Option<u32>,
    usage_budget: Budget,
}

impl<M: Machine> Sampler<M> {
    /// A sampler that has read nothing yet.
    pub(super) fn new(
        mut machine: M,
        calibration: Calibration,
        threshold: Cycles,
        smi: SmiWatch,
        ring: Producer<RawGap>,
        totals: CpuTotals,
    ) -> Self {
        let now = machine.tsc();
        let saved = Cycles(calibration.usage_read.0 * 1_000);
        Sampler {
            home: machine.cpu_mark(),
            machine,
            calibration,
            threshold,
            last: now,
            totals,
            smi,
            ring,
            usage_budget: Budget::new(RECORDED_SHARE, saved, now),
        }
    }

    /// Arms the mark and takes the reading from which the loop goes on.
    ///
    /// The mark is checked after that reading: an interrupt between the two
    /// would wipe it and be short enough to go unseen, and a later SMI would
    /// then pass for the kernel.
    pub(super) fn resume(&mut self) {
        loop {
            if self.calibration.footprint == FootprintTest::Passed {
                self.machine.arm();
            }
            self.last = self.machine.tsc();
            if self.footprint() != Footprint::Cleared {
                return;
            }
        }
    }

    /// Deals with a delta that left the loop; `self.last` is its end.
    pub(super) fn on_delta(&mut self, delta: u64) {
        if delta < self.totals.floor.0 {
            self.totals.floor = Cycles(delta);
            return;
        }
        if (delta as i64) < 0 {
            self.totals.backward_steps += 1;
            self.check_cpu();
            return;
        }
        let mut start = self.last.wrapping_sub(delta);
        let mut end = self.last;
        loop {
            let footprint = self.footprint();
            let after = self.machine.tsc();
            // A large step here means that something hit between the end of
            // the delta and now, and the mark may speak of that.
            let echo = after.wrapping_sub(end) > self.calibration.trip.0;
            match (echo, footprint) {
                (false, _) => {
                    self.close(start, end, footprint);
                    break;
                }
                // The kernel ran in one of the two: they become one gap.
                (true, Footprint::Cleared) => {
                    end = after;
                    self.close(start, end, footprint);
                    break;
                }
                // Two gaps in a row; the counter can only be read after both.
                (true, _) => {
                    self.count(start, end, footprint);
                    self.record(start, end, footprint, SmiEvidence::NotRead);
                    (start, end) = (end, after);
                }
            }
        }
        self.resume();
        self.smi.note_tail(self.last, &self.calibration);
        let blind = Cycles(self.last.wrapping_sub(end));
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
            let blind = Cycles(self.last.wrapping_sub(now));
            self.totals.blind = self.totals.blind.saturating_add(blind);
        }
    }

    /// What the mark says now.
    pub(super) fn footprint(&mut self) -> Footprint {
        read_footprint(&mut self.machine, self.calibration.footprint)
    }

    fn close(&mut self, start: u64, end: u64, footprint: Footprint) {
        let length = self.count(start, end, footprint);
        let event = if length > self.threshold {
            Event::Recorded
        } else {
            Event::BelowThreshold
        };
        let smi = self
            .smi
            .consult(&mut self.machine, event, end, &self.calibration);
        self.record(start, end, footprint, smi);
        if footprint != Footprint::Intact {
            self.check_cpu();
        }
    }

    fn count(&mut self, start: u64, end: u64, footprint: Footprint) -> Cycles {
        let length = Cycles(end.wrapping_sub(start));
        self.totals.count(length, footprint);
        self.smi.note_event();
        length
    }

    fn record(&mut self, start: u64, end: u64, footprint: Footprint, smi: SmiEvidence) {
        let (start, end) = (Cycles(start), Cycles(end));
        if end.since(start) <= self.threshold {
            return;
        }
        self.totals.gaps_seen += 1;
        let wanted = footprint != Footprint::Intact;
        let usage = (wanted && self.usage_budget.take(self.calibration.usage_read, end.0))
            .then(|| self.machine.usage());
        let evidence = Evidence {
            footprint,
            smi,
            involuntary_switches: usage.map(|usage| usage.involuntary_switches),
            page_faults: usage.map(|usage| usage.page_faults),
            run_delay_ns: usage.and_then(|usage| usage.run_delay),
        };
        if self
            .ring
            .push(RawGap {
                start,
                end,
                evidence,
            })
            .is_err()
        {
            self.totals.gaps_dropped += 1;
            if footprint == Footprint::Cleared {
                self.totals.gaps_dropped_kernel_ran += 1;
            }
        }
    }

    fn check_cpu(&mut self) {
        if self.machine.cpu_mark() != self.home {
            self.totals.ended_early = Some(EndedEarly::CpuChanged);
        }
    }
}
