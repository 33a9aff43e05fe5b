//! What happens after a trip: the delta is classed, counted, and above the
//! threshold made a record. All of it is the tool's own blind time, so it is
//! short, bounded and measured.

use rtrb::Producer;

use crate::attribution::{Evidence, Footprint, SmiEvidence};
use crate::units::Cycles;

use super::budget::Budget;
use super::calibrate::{Calibration, FootprintTest};
use super::gap::{CpuTotals, EndedEarly, RawGap};
use super::machine::{FullRing, Machine, UsageReading, read_footprint};
use super::smi_watch::{Event, SmiWatch, quiet_limit};

/// Share of the time for evidence on recorded gaps: 1/16.
const RECORDED_SHARE: u32 = 4;

/// Most interruptions in a row that are taken for one gap: a CPU that never
/// gets two readings in a row must still see its deadline.
const MOST_ECHOES: u32 = 256;

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
    usage_base: UsageBase,
}

/// Whether the latest reading of the scheduling counts came after the latest
/// trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UsageBase {
    Fresh,
    Stale,
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
            usage_base: UsageBase::Fresh,
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

    /// Goes on with the loop once nothing has hit the sampler between its
    /// latest reading of the SMI counter and the first reading of the loop.
    pub(super) fn resume_clean(&mut self) {
        self.resume();
        for _ in 0..MOST_ECHOES {
            if !self.smi.is_tail_long(self.last, &self.calibration) {
                break;
            }
            self.smi.read_tail(&mut self.machine);
            self.resume();
        }
        self.smi.resumed();
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
        let mut footprint = self.footprint();
        let mut after = self.machine.tsc();
        let mut before_kernel = None;
        // A large step here means that something more hit, between the end of
        // the delta and now, and the mark may speak of that. Together they are
        // one gap, as the counter can only be read after both.
        for _ in 0..MOST_ECHOES {
            if after.wrapping_sub(end) <= self.calibration.trip.0 {
                break;
            }
            let later = self.footprint();
            // But the mark still stood after the first: the kernel came later.
            if footprint == Footprint::Intact && later == Footprint::Cleared {
                before_kernel = Some((start, end));
                start = end;
            }
            end = after;
            footprint = later;
            after = self.machine.tsc();
        }
        let end = self.close(before_kernel, start, end, footprint);
        self.resume_clean();
        self.count_blind(end);
    }

    /// Counts the time from `since` to the latest reading as the tool's own.
    pub(super) fn count_blind(&mut self, since: u64) {
        let blind = Cycles(self.last.wrapping_sub(since));
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

    /// Deals with a gap, and with one without the kernel right before it, if
    /// there was one. Returns the gap's end: what hits the sampler while it
    /// deals with a gap belongs to that gap, or an SMI would be lost in the
    /// tool's own time and its count given to the next gap.
    fn close(
        &mut self,
        before_kernel: Option<(u64, u64)>,
        mut start: u64,
        mut end: u64,
        mut footprint: Footprint,
    ) -> u64 {
        self.smi.note_event();
        let whole = before_kernel.map_or(start, |(first, _)| first);
        let event = self.event(whole, end);
        let mut smi = self
            .smi
            .consult(&mut self.machine, event, end, &self.calibration);
        let usual = quiet_limit(&self.calibration) + 2 * self.calibration.smi_read.0;
        for _ in 0..MOST_ECHOES {
            let now = self.machine.tsc();
            if now.wrapping_sub(end) <= usual {
                break;
            }
            end = now;
            // An interrupt that hit a system call of ours, the reading of the
            // counter, returned to the kernel, which leaves the mark as it was.
            footprint = match (footprint, smi) {
                (Footprint::Intact, SmiEvidence::NotRead | SmiEvidence::Unreadable) => {
                    self.footprint()
                }
                (Footprint::Intact, _) => Footprint::Unusable,
                (footprint, _) => footprint,
            };
            smi = self.smi.consult_again(&mut self.machine, smi);
        }
        match (before_kernel, smi) {
            // An SMI, and the interrupt that waited for its end: one gap.
            (Some((first, _)), SmiEvidence::Own { delta: 1.. }) => start = first,
            (Some((first, its_end)), _) => self.split_off(first, its_end, smi),
            (None, _) => {}
        }
        self.count(start, end, footprint);
        let event = self.event(start, end);
        self.smi.account(event, smi);
        self.record(start, end, footprint, smi);
        if event == Event::BelowThreshold && footprint == Footprint::Unusable {
            self.forget_usage(end);
        }
        if footprint != Footprint::Intact {
            self.check_cpu();
        }
        end
    }

    /// Counts a gap without the kernel that another one with it follows. A
    /// reading without a rise speaks of both, and a shared one is shared by
    /// both; any other is the later gap's.
    fn split_off(&mut self, start: u64, end: u64, smi: SmiEvidence) {
        self.count(start, end, Footprint::Intact);
        let smi = match smi {
            SmiEvidence::Own { delta: 0 } | SmiEvidence::Shared { .. } => smi,
            _ => {
                if self.event(start, end) == Event::Recorded {
                    self.smi.note_unread_record();
                }
                self.smi.evidence_unread()
            }
        };
        self.record(start, end, Footprint::Intact, smi);
    }

    fn event(&self, start: u64, end: u64) -> Event {
        match Cycles(end.wrapping_sub(start)) > self.threshold {
            true => Event::Recorded,
            false => Event::BelowThreshold,
        }
    }

    fn count(&mut self, start: u64, end: u64, footprint: Footprint) {
        let length = Cycles(end.wrapping_sub(start));
        self.totals.count(length, footprint);
    }

    fn record(&mut self, start: u64, end: u64, footprint: Footprint, smi: SmiEvidence) {
        let (start, end) = (Cycles(start), Cycles(end));
        if end.since(start) <= self.threshold {
            return;
        }
        self.totals.gaps_seen += 1;
        let usage = self.usage(end, footprint);
        let evidence = Evidence {
            footprint,
            smi,
            involuntary_switches: usage.map(|usage| usage.involuntary_switches),
            page_faults: usage.map(|usage| usage.page_faults),
            run_delay_ns: usage.and_then(|usage| usage.run_delay),
        };
        let gap = RawGap {
            start,
            end,
            smi_reading: self.smi.covering(smi),
            evidence,
        };
        if !self.hand_over(gap) {
            self.totals.gaps_dropped += 1;
            if footprint == Footprint::Cleared {
                self.totals.gaps_dropped_kernel_ran += 1;
            }
        }
    }

    /// The scheduling counts of a gap in which the kernel may have run.
    ///
    /// Where the footprint works they only describe the gap. Where it does not
    /// they decide whether the kernel ran, and then must be of this gap alone.
    fn usage(&mut self, end: Cycles, footprint: Footprint) -> Option<UsageReading> {
        if footprint == Footprint::Intact {
            return None;
        }
        if !self.usage_budget.take(self.calibration.usage_read, end.0) {
            self.usage_base = UsageBase::Stale;
            return None;
        }
        let reading = self.machine.usage();
        let base = std::mem::replace(&mut self.usage_base, UsageBase::Fresh);
        (footprint == Footprint::Cleared || base == UsageBase::Fresh).then_some(reading)
    }

    /// Takes what was counted in a trip below the threshold off the counts of
    /// the next gap.
    fn forget_usage(&mut self, end: u64) {
        if self.usage_budget.take(self.calibration.usage_read, end) {
            self.machine.usage();
            self.usage_base = UsageBase::Fresh;
        } else {
            self.usage_base = UsageBase::Stale;
        }
    }

    /// Puts a gap into the ring; false where it is lost.
    fn hand_over(&mut self, gap: RawGap) -> bool {
        while self.ring.push(gap).is_err() {
            let wait = self.machine.on_full_ring() == FullRing::Wait;
            if !wait || self.ring.is_abandoned() {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    /// Ends the sampler if it is not on its CPU any more.
    pub(super) fn check_cpu(&mut self) {
        if self.machine.cpu_mark() != self.home {
            self.totals.ended_early = Some(EndedEarly::CpuChanged);
        }
    }
}
