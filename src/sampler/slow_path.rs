//! What happens after a trip: the delta is classed, counted, and above the
//! threshold made a record. All of it is the tool's own blind time, so it is
//! short, bounded and measured.

use rtrb::Producer;

use crate::attribution::{Evidence, Footprint, SmiEvidence};
use crate::units::Cycles;

use super::calibrate::{Calibration, FootprintTest};
use super::gap::{CpuTotals, EndedEarly, RawGap};
use super::histogram::Presence;
use super::machine::{FullRing, Machine, read_footprint};
use super::smi_watch::{Event, SmiWatch, quiet_limit};
use super::usage_watch::UsageWatch;
use super::witness::{PmuWatch, Witness};

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
    pmu: PmuWatch,
    usage: UsageWatch,
    ring: Producer<RawGap>,
    home: Option<u32>,
}

/// A gap without the kernel, right before one with it.
#[derive(Clone, Copy)]
struct Before {
    start: u64,
    end: u64,
    witness: Witness,
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
        self.resume_clean();
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

    /// What the mark and the PMU's counts say now.
    fn witness(&mut self) -> Witness {
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

    /// Deals with a gap, and with one without the kernel right before it, if
    /// there was one. Returns the gap's end: what hits the sampler while it
    /// deals with a gap belongs to that gap, or an SMI would be lost in the
    /// tool's own time and its count given to the next gap.
    fn close(
        &mut self,
        before_kernel: Option<Before>,
        mut start: u64,
        mut end: u64,
        mut witness: Witness,
    ) -> u64 {
        self.smi.note_event();
        let whole = before_kernel.map_or(start, |before| before.start);
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
            let again = self.witness();
            witness = match (witness.presence(smi), smi) {
                (Presence::Absent, SmiEvidence::NotRead | SmiEvidence::Unreadable) => again,
                (Presence::Absent, _) => again.disturbed(),
                _ => Witness {
                    smm: again.smm,
                    ..witness
                },
            };
            smi = self.smi.consult_again(&mut self.machine, smi);
        }
        match (before_kernel, smi) {
            // An SMI, and the interrupt that waited for its end: one gap.
            (Some(before), SmiEvidence::Own { delta: 1.. }) => start = before.start,
            (Some(before), _) => {
                self.split_off(before, smi);
                witness = witness.less(before.witness);
            }
            (None, _) => {}
        }
        let presence = witness.presence(smi);
        self.count(start, end, presence);
        let event = self.event(start, end);
        self.smi.account(event, smi);
        self.record(start, end, witness, smi);
        if event == Event::BelowThreshold && presence == Presence::Unknown {
            self.usage
                .forget(&mut self.machine, &self.calibration, Cycles(end));
        }
        if witness.footprint != Footprint::Intact {
            self.check_cpu();
        }
        end
    }

    /// Counts a gap without the kernel that another one with it follows. A
    /// reading without a rise speaks of both, and a shared one is shared by
    /// both; any other is the later gap's.
    fn split_off(&mut self, before: Before, smi: SmiEvidence) {
        let Before {
            start,
            end,
            witness,
        } = before;
        self.count(start, end, Presence::Absent);
        let smi = match smi {
            SmiEvidence::Own { delta: 0 } | SmiEvidence::Shared { .. } => smi,
            _ => {
                if self.event(start, end) == Event::Recorded {
                    self.smi.note_unread_record();
                }
                self.smi.evidence_unread()
            }
        };
        self.record(start, end, witness, smi);
    }

    fn event(&self, start: u64, end: u64) -> Event {
        match Cycles(end.wrapping_sub(start)) > self.threshold {
            true => Event::Recorded,
            false => Event::BelowThreshold,
        }
    }

    fn count(&mut self, start: u64, end: u64, presence: Presence) {
        let length = Cycles(end.wrapping_sub(start));
        self.totals.count(length, presence);
    }

    fn record(&mut self, start: u64, end: u64, witness: Witness, smi: SmiEvidence) {
        let (start, end) = (Cycles(start), Cycles(end));
        if end.since(start) <= self.threshold {
            return;
        }
        self.totals.gaps_seen += 1;
        let presence = witness.presence(smi);
        let usage = self
            .usage
            .of_gap(&mut self.machine, &self.calibration, end, presence);
        let evidence = Evidence {
            footprint: witness.footprint,
            smi,
            involuntary_switches: usage.map(|usage| usage.involuntary_switches),
            page_faults: usage.map(|usage| usage.page_faults),
            run_delay_ns: usage.and_then(|usage| usage.run_delay),
            ring_zero: witness.ring_zero,
            smm_ns: witness.smm,
        };
        let gap = RawGap {
            start,
            end,
            smi_reading: self.smi.covering(smi),
            evidence,
        };
        if !self.hand_over(gap) {
            self.totals.gaps_dropped += 1;
            if presence == Presence::Ran {
                self.totals.gaps_dropped_kernel_ran += 1;
            }
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
