//! The gaps kept of a run, in memory that the run and its checkpoints share: a
//! second copy of them for each report would double what a run takes.

use std::sync::Arc;

use super::judged::Recast;
use super::packed::PackedGap;

/// Records of a block. While somebody else holds a block, the first change to
/// it copies it: 9.5 KiB.
const BLOCK: usize = 64;

/// A gap and the index of its CPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) index: u32,
    pub(super) gap: PackedGap,
}

/// Places for gaps. A clone shares their memory, and sees nothing of what is
/// put into the original after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    blocks: Vec<Arc<[Entry; BLOCK]>>,
    taken: usize,
}

impl Places {
    /// How many are taken.
    pub(super) fn len(&self) -> usize {
        self.taken
    }

    /// Puts a gap in a new place.
    pub(super) fn add(&mut self, entry: Entry) -> u32 {
        if self.taken == self.blocks.len() * BLOCK {
            self.blocks.push(Arc::new([entry; BLOCK]));
        }
        let place = self.taken as u32;
        self.taken += 1;
        self.replace(place, entry);
        place
    }

    /// Puts a gap in the place of another one, and returns that.
    pub(super) fn replace(&mut self, place: u32, entry: Entry) -> Entry {
        let place = place as usize;
        let block = Arc::make_mut(&mut self.blocks[place / BLOCK]);
        std::mem::replace(&mut block[place % BLOCK], entry)
    }

    /// All, from the first place on.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        (self.blocks.iter())
            .flat_map(|block| block.iter())
            .take(self.taken)
    }

    fn get(&self, place: u32) -> &Entry {
        let place = place as usize;
        &self.blocks[place / BLOCK][place % BLOCK]
    }
}

/// The gaps kept of a CPU, in order of time.
#[derive(Clone, Debug, Default)]
pub struct KeptGaps {
    /// Of all CPUs.
    places: Arc<Places>,
    order: Vec<Standing>,
}

/// Where a gap is, and what is thought of it by now: that may change, and the
/// places are shared.
#[derive(Clone, Copy, Debug)]
struct Standing {
    place: u32,
    /// Whether a report lists it.
    is_listed: bool,
    recast: Option<Recast>,
}

impl KeptGaps {
    /// The gaps of each of `count` CPUs. `is_listed` tells of each place whether
    /// a report lists its gap.
    pub(super) fn by_cpu(
        places: Places,
        count: usize,
        is_listed: impl Fn(u32) -> bool,
    ) -> Vec<KeptGaps> {
        let places = Arc::new(places);
        let mut orders: Vec<Vec<Standing>> = vec![Vec::new(); count];
        for (place, entry) in (0..).zip(places.iter()) {
            orders[entry.index as usize].push(Standing {
                place,
                is_listed: is_listed(place),
                recast: None,
            });
        }
        let of_cpu = |mut order: Vec<Standing>| {
            order.sort_unstable_by_key(|standing| places.get(standing.place).gap.start());
            order.shrink_to_fit();
            KeptGaps {
                places: places.clone(),
                order,
            }
        };
        orders.into_iter().map(of_cpu).collect()
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

    /// Those that a report lists.
    pub fn listed(&self) -> impl Iterator<Item = PackedGap> + '_ {
        let listed = self.order.iter().filter(|standing| standing.is_listed);
        listed.map(|standing| standing.gap(&self.places))
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
            if let Some(recast) = by(&standing.gap(places)) {
                standing.recast = Some(recast);
            }
        }
    }
}

impl Standing {
    fn gap(&self, places: &Places) -> PackedGap {
        let Entry { gap, .. } = places.get(self.place);
        self.recast.map_or(*gap, |recast| gap.recast(recast))
    }
}

impl FromIterator<PackedGap> for KeptGaps {
    fn from_iter<I: IntoIterator<Item = PackedGap>>(gaps: I) -> KeptGaps {
        let mut places = Places::default();
        for gap in gaps {
            places.add(Entry { index: 0, gap });
        }
        let mut all = KeptGaps::by_cpu(places, 1, |_| true);
        all.pop().unwrap_or_default()
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
        let entry = |start| Entry {
            index: 0,
            gap: packed(start),
        };
        let mut places = Places::default();
        for start in 0..2 * BLOCK as u64 {
            places.add(entry(start));
        }
        let before = places.clone();
        assert_eq!(places.replace(1, entry(4_711)).gap.start(), Cycles(1));
        let of = |places: &Places| starts(&KeptGaps::by_cpu(places.clone(), 1, |_| true)[0]);
        assert_eq!(of(&before), (0..2 * BLOCK as u64).collect::<Vec<_>>());
        assert_eq!(of(&places).last(), Some(&4_711));
        let shared = |block: usize| Arc::ptr_eq(&places.blocks[block], &before.blocks[block]);
        assert_eq!((shared(0), shared(1)), (false, true));
    }

    #[test]
    fn each_cpu_has_its_own_in_order_of_time() {
        let mut places = Places::default();
        for (index, start) in [(1, 30), (0, 20), (1, 10)] {
            let gap = packed(start);
            places.add(Entry { index, gap });
        }
        let by_cpu = KeptGaps::by_cpu(places, 3, |place| place != 0);
        let all: Vec<Vec<u64>> = by_cpu.iter().map(starts).collect();
        assert_eq!(all, [vec![20], vec![10, 30], vec![]]);
        let listed: Vec<usize> = by_cpu.iter().map(|cpu| cpu.listed().count()).collect();
        assert_eq!(listed, [1, 1, 0]);
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
