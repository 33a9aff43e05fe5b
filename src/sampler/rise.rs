//! What a rise of the SMI counter between two readings means for the gaps that
//! lie between them, where the engine does not read it after each.

use crate::evidence::LEAST_SMI;
use crate::model::SmiEvidence;
use crate::units::Nanos;

use super::gap::SmiTotals;

/// Of the time between two readings, this part may go unwatched without more
/// than a weakening of the claim that a rise belongs to its only gap: 1/64.
const UNWATCHED_SHARE: u64 = 64;

/// What lay between two readings, as far as SMIs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Events {
    /// Deltas long enough for an SMI, or above the threshold.
    pub(super) count: u32,
    /// Time that was watched.
    pub(super) watched: Nanos,
    /// How many are gaps above the threshold.
    pub(super) gaps: u64,
    /// Time in which an SMI of that length could hide.
    pub(super) unwatched: Nanos,
}

impl Events {
    /// What a rise by `delta` means for each of the gaps. Where no gap carries
    /// it, it is entered in `totals`.
    pub(super) fn place(self, delta: u32, totals: &mut SmiTotals) -> SmiEvidence {
        let hidden = self.unwatched >= LEAST_SMI;
        let briefly = self.unwatched.0 < self.watched.0 / UNWATCHED_SHARE;
        let evidence = match (delta, self.count) {
            (0, _) => SmiEvidence::Own { delta },
            (_, 1) if !hidden => SmiEvidence::Own { delta },
            // Otherwise an SMI fell into just that time, and the gap is a stall
            // of another kind next to it.
            (_, 1) if briefly => SmiEvidence::Alone { delta },
            (_, count) => SmiEvidence::Shared {
                delta,
                among: count.saturating_add(u32::from(hidden && !briefly)),
            },
        };
        let shared = matches!(evidence, SmiEvidence::Shared { .. });
        let slot = match (self.gaps, self.count) {
            (0, 0) if hidden => &mut totals.between_shots,
            (0, 0) => &mut totals.without_gap,
            (0, _) if !hidden || !shared => &mut totals.below_threshold,
            _ if shared => &mut totals.unassigned,
            // The record carries it.
            _ => return evidence,
        };
        *slot += u64::from(delta);
        evidence
    }
}
