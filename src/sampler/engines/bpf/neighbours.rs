//! Deltas of a shot that follow each other at once.
//!
//! The program reads the clock, and then the counts that speak of the delta
//! before. An NMI or an SMI between the two is counted for that delta, and its
//! time is in the next one. So the word of a delta holds for the one that
//! follows it at once: the less favourable of the two.

use crate::model::{Footprint, SmiEvidence};
use crate::units::Nanos;

/// What was said of the delta before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbour {
    /// Where it ended.
    pub(super) end: Nanos,
    pub(super) footprint: Footprint,
    pub(super) smi: Option<SmiEvidence>,
}

impl Neighbour {
    /// What is to be said of a delta that begins at `start`, of which the
    /// counts say this.
    pub(super) fn join(
        before: Option<Neighbour>,
        start: Nanos,
        footprint: Footprint,
        smi: Option<SmiEvidence>,
    ) -> (Footprint, Option<SmiEvidence>) {
        let Some(before) = before.filter(|before| before.end == start) else {
            return (footprint, smi);
        };
        let footprint = match (before.footprint, footprint) {
            (Footprint::Interrupted, Footprint::Excluded) => Footprint::Unusable,
            _ => footprint,
        };
        let smi = match (before.smi, smi) {
            (
                Some(SmiEvidence::Own { delta: delta @ 1.. }),
                Some(SmiEvidence::Own { delta: 0 }),
            ) => Some(SmiEvidence::Shared { delta, among: 2 }),
            _ => smi,
        };
        (footprint, smi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Option<SmiEvidence> = Some(SmiEvidence::Own { delta: 0 });
    const ONE: Option<SmiEvidence> = Some(SmiEvidence::Own { delta: 1 });

    fn join(end: u64, said: (Footprint, Option<SmiEvidence>)) -> (Footprint, Option<SmiEvidence>) {
        let before = Neighbour {
            end: Nanos(end),
            footprint: said.0,
            smi: said.1,
        };
        Neighbour::join(Some(before), Nanos(100), Footprint::Excluded, NONE)
    }

    #[test]
    fn what_was_counted_too_early_is_not_excluded_from_the_next_delta() {
        let (footprint, smi) = join(100, (Footprint::Interrupted, ONE));
        assert_eq!(footprint, Footprint::Unusable);
        assert_eq!(smi, Some(SmiEvidence::Shared { delta: 1, among: 2 }));
    }

    #[test]
    fn between_deltas_apart_the_loop_has_gone_on() {
        let apart = join(90, (Footprint::Interrupted, ONE));
        assert_eq!(apart, (Footprint::Excluded, NONE));
        let quiet = join(100, (Footprint::Excluded, NONE));
        assert_eq!(quiet, (Footprint::Excluded, NONE));
    }
}
