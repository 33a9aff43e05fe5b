//! Gaps whose SMI count was not read at once wait here for the next reading:
//! if it shows no rise, none of them held an SMI.

use crate::attribution::SmiEvidence;
use crate::sampler::RawGap;

/// Gaps that wait at most; more are passed on as they are.
const MOST: usize = 1_024;

/// The waiting gaps of one CPU.
#[derive(Default)]
pub(super) struct Resolver {
    waiting: Vec<RawGap>,
}

impl Resolver {
    /// Takes a gap and passes on, in order, those about which all is known
    /// that will ever be.
    pub(super) fn push(&mut self, gap: RawGap, out: &mut impl FnMut(RawGap)) {
        match gap.evidence.smi {
            SmiEvidence::NotRead => {
                self.waiting.push(gap);
                if self.waiting.len() >= MOST {
                    self.flush(out);
                }
            }
            SmiEvidence::Own { delta: 0 } => {
                self.settle(SmiEvidence::Own { delta: 0 }, out);
                out(gap);
            }
            SmiEvidence::Shared { .. } => {
                self.settle(gap.evidence.smi, out);
                out(gap);
            }
            // A rise that belongs to this gap alone leaves none waiting.
            SmiEvidence::Own { .. } | SmiEvidence::Alone { .. } | SmiEvidence::Unreadable => {
                self.flush(out);
                out(gap);
            }
        }
    }

    /// Passes all on as they are.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(RawGap)) {
        self.waiting.drain(..).for_each(out);
    }

    fn settle(&mut self, smi: SmiEvidence, out: &mut impl FnMut(RawGap)) {
        for mut gap in self.waiting.drain(..) {
            gap.evidence.smi = smi;
            out(gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::{Evidence, Footprint};
    use crate::units::Cycles;

    fn pass(smis: &[SmiEvidence]) -> Vec<SmiEvidence> {
        let mut resolver = Resolver::default();
        let mut out = Vec::new();
        for (start, &smi) in (0u64..).zip(smis) {
            let evidence = Evidence {
                footprint: Footprint::Intact,
                smi,
                involuntary_switches: None,
                page_faults: None,
                run_delay_ns: None,
            };
            let gap = RawGap {
                start: Cycles(start),
                end: Cycles(start + 1),
                evidence,
            };
            resolver.push(gap, &mut |gap| out.push(gap.evidence.smi));
        }
        resolver.flush(&mut |gap| out.push(gap.evidence.smi));
        out
    }

    #[test]
    fn a_reading_without_a_rise_clears_all_that_waited() {
        let none = SmiEvidence::Own { delta: 0 };
        assert_eq!(
            pass(&[SmiEvidence::NotRead, SmiEvidence::NotRead, none]),
            [none; 3]
        );
    }

    #[test]
    fn a_shared_rise_is_shared_by_all_that_waited() {
        let shared = SmiEvidence::Shared { delta: 1, among: 2 };
        assert_eq!(pass(&[SmiEvidence::NotRead, shared]), [shared; 2]);
    }

    #[test]
    fn what_is_never_read_stays_unread() {
        assert_eq!(pass(&[SmiEvidence::NotRead; 2]), [SmiEvidence::NotRead; 2]);
        assert_eq!(pass(&[SmiEvidence::NotRead; 3000]).len(), 3000);
    }
}
