//! Gaps whose SMI count was not read at once wait here for the next reading:
//! if it shows no rise, none of them held an SMI.

use crate::model::SmiEvidence;
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
    ///
    /// Only the reading that covers a gap settles it. A later one that shows
    /// no rise says nothing of it: the record of the reading in between may
    /// have been lost to a full ring, or that reading ended a pause.
    pub(super) fn push(&mut self, gap: RawGap, out: &mut impl FnMut(RawGap)) {
        let covered = |waiting: &RawGap| waiting.smi_reading == gap.smi_reading;
        if !self.waiting.last().is_none_or(covered) {
            self.flush(out);
        }
        match gap.evidence.smi {
            SmiEvidence::NotRead => {
                self.waiting.push(gap);
                if self.waiting.len() >= MOST {
                    self.flush(out);
                }
                return;
            }
            SmiEvidence::Own { delta: 0 } | SmiEvidence::Shared { .. } => {
                self.settle(gap.evidence.smi, out);
            }
            // A rise that belongs to this gap alone leaves none waiting.
            SmiEvidence::Own { .. } | SmiEvidence::Alone { .. } | SmiEvidence::Unreadable => {
                self.flush(out);
            }
        }
        out(gap);
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
    use crate::model::{Evidence, Footprint};
    use crate::sampler::TripKind;
    use crate::units::Cycles;

    const NOT_READ: SmiEvidence = SmiEvidence::NotRead;
    const NONE: SmiEvidence = SmiEvidence::Own { delta: 0 };

    /// Passes gaps with these numbers of readings and this evidence.
    fn pass(gaps: &[(u32, SmiEvidence)]) -> Vec<SmiEvidence> {
        let mut resolver = Resolver::default();
        let mut out = Vec::new();
        for (start, &(smi_reading, smi)) in (0u64..).zip(gaps) {
            let evidence = Evidence::new(Footprint::Intact, smi);
            let gap = RawGap {
                kind: TripKind::Gap,
                start: Cycles(start),
                end: Cycles(start + 1),
                smi_reading,
                own: Cycles(0),
                companions: 0,
                evidence,
            };
            resolver.push(gap, &mut |gap| out.push(gap.evidence.smi));
        }
        resolver.flush(&mut |gap| out.push(gap.evidence.smi));
        out
    }

    #[test]
    fn a_reading_without_a_rise_clears_all_that_waited() {
        assert_eq!(pass(&[(2, NOT_READ), (2, NOT_READ), (2, NONE)]), [NONE; 3]);
    }

    #[test]
    fn a_shared_rise_is_shared_by_all_that_waited() {
        let shared = SmiEvidence::Shared { delta: 1, among: 2 };
        assert_eq!(pass(&[(2, NOT_READ), (2, shared)]), [shared; 2]);
    }

    #[test]
    fn a_later_reading_clears_nothing() {
        // Reading 2 was lost with its record; reading 3 speaks of later gaps.
        assert_eq!(
            pass(&[(2, NOT_READ), (3, NOT_READ), (3, NONE)]),
            [NOT_READ, NONE, NONE]
        );
        assert_eq!(pass(&[(2, NOT_READ), (3, NONE)]), [NOT_READ, NONE]);
    }

    #[test]
    fn what_is_never_read_stays_unread() {
        assert_eq!(pass(&[(1, NOT_READ); 2]), [NOT_READ; 2]);
        assert_eq!(pass(&[(1, NOT_READ); 3000]).len(), 3000);
    }
}
