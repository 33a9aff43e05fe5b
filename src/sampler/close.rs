//! What becomes of a trip once its end is known: it is counted, the SMI counter
//! is asked, and above the threshold it becomes a record.

use crate::attribution::{Evidence, Footprint, SmiEvidence};
use crate::units::Cycles;

use super::gap::RawGap;
use super::histogram::Presence;
use super::machine::{FullRing, Machine};
use super::slow_path::{MOST_ECHOES, Sampler};
use super::smi_watch::{Event, quiet_limit};
use super::witness::Witness;

/// A gap without the kernel, right before one with it.
#[derive(Clone, Copy)]
pub(super) struct Before {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) witness: Witness,
}

impl<M: Machine> Sampler<M> {
    /// Deals with a gap, and with one without the kernel right before it, if
    /// there was one. Returns the gap's end: what hits the sampler while it
    /// deals with a gap belongs to that gap, or an SMI would be lost in the
    /// tool's own time and its count given to the next gap.
    pub(super) fn close(
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
        self.renew_tail();
        let event = self.event(start, end);
        self.smi.account(event, smi);
        self.record(start, end, witness, smi);
        if event == Event::BelowThreshold && presence == Presence::Unknown {
            self.smi.note_own_call();
            self.usage
                .forget(&mut self.machine, &self.calibration, Cycles(end));
        }
        self.renew_tail();
        if witness.footprint != Footprint::Intact {
            self.check_cpu();
        }
        end
    }

    /// Deals with a stall between the latest reading of the counter and the
    /// loop, from `start` to `end`. It is a gap where it is known to be none of
    /// the kernel's, or to hold an SMI; else it stays the tool's own time.
    /// Returns its length as a gap.
    pub(super) fn close_tail(&mut self, start: u64, end: u64, footprint: Footprint) -> Cycles {
        let smi = self.smi.read_tail(&mut self.machine);
        let witness = Witness {
            footprint,
            ring_zero: None,
            smm: None,
        };
        let presence = witness.presence(smi);
        if presence != Presence::Absent && !matches!(smi, SmiEvidence::Own { delta: 1.. }) {
            return Cycles(0);
        }
        self.count(start, end, presence);
        self.smi.account(self.event(start, end), smi);
        self.record(start, end, witness, smi);
        Cycles(end.wrapping_sub(start))
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
        if presence != Presence::Absent {
            self.smi.note_own_call();
        }
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
            companions: 0,
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
}
