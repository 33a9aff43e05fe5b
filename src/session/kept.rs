//! The gaps kept of a CPU, in memory that a run and its checkpoints share: a
//! second copy of them for each report would double what a run takes.

use std::sync::Arc;

use super::packed::{PackedGap, Recast};

/// Records of a block. While somebody else holds a block, the first change to
/// it copies it: 4.5 KiB.
const BLOCK: usize = 64;

/// Places for gaps. A clone shares their memory, and sees nothing of what is
/// put into the original after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    blocks: Vec<Arc<[PackedGap; BLOCK]>>,
}

impl Places {
    /// At least so many, each with its memory.
    pub(super) fn new(count: usize) -> Places {
        let block = || Arc::new([PackedGap::BLANK; BLOCK]);
        Places {
            blocks: (0..count.div_ceil(BLOCK)).map(|_| block()).collect(),
        }
    }

    pub(super) fn put(&mut self, place: u32, gap: PackedGap) {
        let place = place as usize;
        Arc::make_mut(&mut self.blocks[place / BLOCK])[place % BLOCK] = gap;
    }

    pub(super) fn get(&self, place: u32) -> &PackedGap {
        let place = place as usize;
        &self.blocks[place / BLOCK][place % BLOCK]
    }
}

/// The gaps kept of a CPU, in order of time.
#[derive(Clone, Debug, Default)]
pub struct KeptGaps {
    places: Places,
    order: Vec<Standing>,
}

/// Where a gap is, and what is thought of it by now: that may change, and the
/// places are shared.
#[derive(Clone, Copy, Debug)]
struct Standing {
    place: u32,
    recast: Option<Recast>,
}

impl KeptGaps {
    /// The gaps in the first `count` places.
    pub(super) fn in_order(places: Places, count: usize) -> KeptGaps {
        let standing = |place| Standing {
            place,
            recast: None,
        };
        let mut order: Vec<Standing> = (0..).take(count).map(standing).collect();
        order.sort_unstable_by_key(|standing| places.get(standing.place).start());
        KeptGaps { places, order }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The gap with this number, from 0 on, if there is one.
    pub fn get(&self, index: usize) -> Option<PackedGap> {
        self.order
            .get(index)
            .map(|standing| standing.gap(&self.places))
    }

    /// All gaps.
    pub fn iter(&self) -> impl Iterator<Item = PackedGap> + Clone + '_ {
        self.from(0)
    }

    /// The gaps with this number and higher ones.
    pub fn from(&self, index: usize) -> impl Iterator<Item = PackedGap> + Clone + '_ {
        let rest = self.order.get(index..).unwrap_or_default();
        rest.iter().map(|standing| standing.gap(&self.places))
    }

    /// Asks what was learnt of each gap after it was judged.
    pub fn recast(&mut self, mut by: impl FnMut(&PackedGap) -> Option<Recast>) {
        let places = &self.places;
        for standing in &mut self.order {
            standing.recast = by(&standing.gap(places)).or(standing.recast);
        }
    }
}

impl Standing {
    fn gap(&self, places: &Places) -> PackedGap {
        let gap = places.get(self.place);
        self.recast.map_or(*gap, |recast| gap.recast(recast))
    }
}

impl FromIterator<PackedGap> for KeptGaps {
    fn from_iter<I: IntoIterator<Item = PackedGap>>(gaps: I) -> KeptGaps {
        let gaps: Vec<PackedGap> = gaps.into_iter().collect();
        let mut places = Places::new(gaps.len());
        for (place, gap) in (0..).zip(&gaps) {
            places.put(place, *gap);
        }
        KeptGaps::in_order(places, gaps.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::UnknownReason;
    use crate::model::Cause;
    use crate::session::packed::tests::gap;
    use crate::units::Cycles;

    fn starts(gaps: &KeptGaps) -> Vec<u64> {
        gaps.iter().map(|gap| gap.start().0).collect()
    }

    fn packed(start: u64) -> PackedGap {
        PackedGap::pack(&gap(start, 10))
    }

    #[test]
    fn a_clone_keeps_what_is_overwritten_later_and_shares_the_rest() {
        let mut places = Places::new(2 * BLOCK);
        for place in 0..2 * BLOCK as u32 {
            places.put(place, packed(u64::from(place)));
        }
        let before = places.clone();
        places.put(1, packed(4_711));
        let of = |places: &Places| starts(&KeptGaps::in_order(places.clone(), 2 * BLOCK));
        assert_eq!(of(&before), (0..2 * BLOCK as u64).collect::<Vec<_>>());
        assert_eq!(of(&places).last(), Some(&4_711));
        let shared = |block: usize| Arc::ptr_eq(&places.blocks[block], &before.blocks[block]);
        assert_eq!((shared(0), shared(1)), (false, true));
    }

    #[test]
    fn another_cause_belongs_to_one_list_and_leaves_the_other() {
        let mut gaps: KeptGaps = [packed(30), packed(10), packed(20)].into_iter().collect();
        let other = gaps.clone();
        let second = |gap: &PackedGap| gap.start() == Cycles(20);
        let unknown = Recast::Unknown(UnknownReason::ClockStepped);
        gaps.recast(|gap| second(gap).then_some(unknown));
        assert_eq!(starts(&gaps), [10, 20, 30]);
        let causes = |gaps: &KeptGaps| gaps.iter().map(|gap| gap.cause()).collect::<Vec<_>>();
        assert_eq!(causes(&gaps), [Cause::Os, Cause::Unknown, Cause::Os]);
        assert_eq!(causes(&other), [Cause::Os; 3]);
        assert_eq!(gaps.get(3).map(|gap| gap.start()), None);
        assert_eq!(gaps.from(2).count() + gaps.from(9).count(), 1);
    }
}
