//! Which gaps are kept: one budget for the run, whatever its number of CPUs.
//!
//! Counts, sums, histograms and sources are exact without a single gap. What is
//! kept is for what needs the gap itself: stalls, periods, tickets. So those with
//! a part that counts against the limit, or may, come first, the longest of them;
//! of those that the kernel explains the longest and a sample stay. More are kept
//! in memory, to be judged, than a report lists.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use crate::model::KeepGaps;
use crate::units::Nanos;

use super::kept::{Entry, KeptGaps, Places};
use super::packed::PackedGap;

/// Gaps that are kept of those with a part that the kernel does not explain: 2.3 MB.
const OPEN: usize = 16_000;
/// The longest that are kept of the others ...
const LONGEST: usize = 40;
/// ... and a sample of the rest of them.
const SAMPLE: usize = 40;
/// Of those with a part that the kernel does not explain a report lists so many
/// for each second of a CPU: a millisecond apart they say no more than their
/// histogram.
const LISTED_PER_SECOND: u64 = 15;
/// But at least and at most so many: 110 KB and 4 MB of JSON.
const LISTED: (u64, u64) = (150, 5_000);

/// How many gaps a run keeps, of those with a part that the kernel does not
/// explain and of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    open: usize,
    longest: usize,
    sample: usize,
    all: usize,
    /// Of those with such a part, how many a report lists.
    listed: usize,
}

impl Budget {
    /// The budget of each of several turns that a run is made of, which takes so
    /// much time of all CPUs together.
    pub fn of(keep: KeepGaps, turns: usize, cpu_time: Nanos) -> Budget {
        let share = |whole: usize| (whole / turns.max(1)).max(1);
        match keep {
            KeepGaps::Usual => {
                let seconds = cpu_time.0 / Nanos::SECOND.0;
                let listed = (seconds.saturating_mul(LISTED_PER_SECOND)).clamp(LISTED.0, LISTED.1);
                let (open, longest, sample) = (share(OPEN), share(LONGEST), share(SAMPLE));
                Budget {
                    open,
                    longest,
                    sample,
                    all: open + longest + sample,
                    listed: share(listed as usize),
                }
            }
            KeepGaps::AtMost(most) => Budget {
                open: share(most),
                longest: share(most),
                sample: 0,
                all: share(most),
                listed: usize::MAX,
            },
            KeepGaps::All => Budget {
                open: usize::MAX,
                longest: usize::MAX,
                sample: 0,
                all: usize::MAX,
                listed: usize::MAX,
            },
        }
    }

    /// How many gaps with a part that the kernel does not explain are listed.
    pub fn listed(self) -> usize {
        self.listed
    }
}

/// Gaps that are not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Those with a part that the kernel does not explain.
    pub open: u64,
    /// Those that it explains.
    pub explained: u64,
}

/// A bounded collection of the gaps that matter most.
pub(super) struct Retention {
    budget: Budget,
    places: Places,
    open: Pool,
    longest: Pool,
    sample: Pool,
    left_out: LeftOut,
}

/// Gaps that were kept at a moment. They share their memory with those that
/// are kept now.
pub(super) struct KeptThen {
    places: Places,
    listed: usize,
    /// How many were not.
    pub(super) left_out: LeftOut,
}

impl KeptThen {
    /// Those of each of `count` CPUs, in order of time, which takes some
    /// milliseconds.
    pub(super) fn by_cpu(self, count: usize) -> Vec<KeptGaps> {
        let mut open: Vec<Ranked> = (0..)
            .zip(self.places.iter())
            .filter(|(_, entry)| is_open(&entry.gap))
            .map(|(place, entry)| Ranked::of(entry, weight_of_open(entry), place))
            .collect();
        let mut unlisted = HashSet::new();
        if let Some(beyond) = open.len().checked_sub(self.listed)
            && beyond > 0
        {
            open.select_nth_unstable(beyond);
            unlisted.extend(open[..beyond].iter().map(|ranked| ranked.place));
        }
        KeptGaps::by_cpu(self.places, count, |place| !unlisted.contains(&place))
    }
}

impl Retention {
    pub(super) fn new(budget: Budget) -> Retention {
        Retention {
            budget,
            places: Places::default(),
            open: Pool::of(budget.open, weight_of_open),
            longest: Pool::of(budget.longest, weight_of_length),
            sample: Pool::of(budget.sample, weight_by_lot),
            left_out: LeftOut::default(),
        }
    }

    /// Takes a gap of the CPU with this index.
    pub(super) fn keep(&mut self, index: u32, gap: PackedGap) {
        let entry = Entry { index, gap };
        let all = self.budget.all;
        if is_open(&gap) {
            // Where all places are taken, those that count have precedence.
            if !self.open.is_full() && self.places.len() >= all {
                for pool in [&mut self.sample, &mut self.longest] {
                    if let Some(place) = pool.give_up_least() {
                        self.left_out.explained += 1;
                        self.open.put(&mut self.places, place, entry);
                        return;
                    }
                }
            }
            let displaced = self.open.offer(&mut self.places, all, entry);
            self.left_out.open += u64::from(displaced.is_some());
            return;
        }
        let displaced = (self.longest.offer(&mut self.places, all, entry))
            .and_then(|rest| self.sample.offer(&mut self.places, all, rest));
        self.left_out.explained += u64::from(displaced.is_some());
    }

    /// The gaps kept so far.
    pub(super) fn so_far(&self) -> KeptThen {
        KeptThen {
            places: self.places.clone(),
            listed: self.budget.listed,
            left_out: self.left_out,
        }
    }
}

/// Whether a gap has a part that counts, or that nobody is known to have taken.
fn is_open(gap: &PackedGap) -> bool {
    weight_of_open(&Entry {
        index: 0,
        gap: *gap,
    }) > 0
}

fn weight_of_open(entry: &Entry) -> u64 {
    let Nanos(open) = entry.gap.platform().max(entry.gap.unknown());
    open
}

fn weight_of_length(entry: &Entry) -> u64 {
    entry.gap.length().0
}

/// As good as by chance, but the same for the same gap, in whatever order they
/// come: SplitMix64 (Steele, Lea and Flood, 2014).
fn weight_by_lot(entry: &Entry) -> u64 {
    let mut mixed = (entry.gap.start().0)
        .wrapping_add(u64::from(entry.index).rotate_left(48))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Those of the gaps offered to it that weigh most.
struct Pool {
    capacity: usize,
    weigh: fn(&Entry) -> u64,
    least_first: BinaryHeap<Reverse<Ranked>>,
}

/// Ordered by weight; equal ones by time, the earlier before the later, so that
/// the choice is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ranked {
    weight: u64,
    start: Reverse<u64>,
    index: Reverse<u32>,
    place: u32,
}

impl Ranked {
    fn of(entry: &Entry, weight: u64, place: u32) -> Ranked {
        Ranked {
            weight,
            start: Reverse(entry.gap.start().0),
            index: Reverse(entry.index),
            place,
        }
    }
}

impl Pool {
    fn of(capacity: usize, weigh: fn(&Entry) -> u64) -> Pool {
        Pool {
            capacity,
            weigh,
            least_first: BinaryHeap::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.least_first.len() >= self.capacity
    }

    fn rank(&self, entry: &Entry, place: u32) -> Ranked {
        Ranked::of(entry, (self.weigh)(entry), place)
    }

    /// Takes a gap for as long as no heavier one needs its place. Returns the
    /// one that finds none.
    fn offer(&mut self, places: &mut Places, all: usize, entry: Entry) -> Option<Entry> {
        if !self.is_full() && places.len() < all {
            let place = places.add(entry);
            let rank = self.rank(&entry, place);
            self.least_first.push(Reverse(rank));
            return None;
        }
        let Some(least) = self.least_first.peek().map(|least| least.0) else {
            return Some(entry);
        };
        let rank = self.rank(&entry, least.place);
        if rank <= least {
            return Some(entry);
        }
        if let Some(mut top) = self.least_first.peek_mut() {
            *top = Reverse(rank);
        }
        Some(places.replace(least.place, entry))
    }

    /// Puts a gap in a place that another pool has given up.
    fn put(&mut self, places: &mut Places, place: u32, entry: Entry) {
        places.replace(place, entry);
        let rank = self.rank(&entry, place);
        self.least_first.push(Reverse(rank));
    }

    /// Gives up the place of the lightest one.
    fn give_up_least(&mut self) -> Option<u32> {
        let Reverse(least) = self.least_first.pop()?;
        Some(least.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::packed::tests::gap;

    /// A gap that the kernel explains.
    fn explained(start: u64, length: u64) -> PackedGap {
        let mut gap = gap(start, length);
        gap.account.parts.os = Nanos(length);
        gap.account.parts.unknown = Nanos(0);
        PackedGap::pack(&gap)
    }

    /// One of which so much is not explained.
    fn open(start: u64, unknown: u64) -> PackedGap {
        let mut gap = gap(start, unknown + 5);
        gap.account.parts.os = Nanos(5);
        gap.account.parts.unknown = Nanos(unknown);
        PackedGap::pack(&gap)
    }

    fn starts(kept: KeptThen) -> Vec<u64> {
        let of_cpu = &kept.by_cpu(1)[0];
        of_cpu.iter().map(|gap| gap.start().0).collect()
    }

    fn random(count: u64) -> Vec<u64> {
        (0..count)
            .scan(1u64, |state, _| {
                *state = state.wrapping_mul(6_364_136_223_846_793_005) + 1;
                Some(*state >> 56)
            })
            .collect()
    }

    #[test]
    fn of_many_the_longest_are_kept_and_of_equal_ones_the_first() {
        let lengths: Vec<u64> = random(2_000).iter().map(|length| length + 1).collect();
        let mut retention = Retention::new(Budget::of(KeepGaps::AtMost(150), 1, Nanos(0)));
        for (start, &length) in (0..).zip(&lengths) {
            retention.keep(0, open(start, length));
        }
        let mut longest: Vec<u64> = (0..lengths.len() as u64).collect();
        longest.sort_by_key(|&start| (Reverse(lengths[start as usize]), start));
        longest.truncate(150);
        longest.sort_unstable();
        let kept = retention.so_far();
        assert_eq!(kept.left_out.open, 1_850);
        assert_eq!(starts(kept), longest);
    }

    #[test]
    fn what_counts_takes_the_places_of_what_is_explained() {
        let mut retention = Retention::new(Budget::of(KeepGaps::AtMost(3), 1, Nanos(0)));
        for (start, length) in [(0, 900), (10, 700), (20, 800), (30, 600)] {
            retention.keep(0, explained(start, length));
        }
        assert_eq!(starts(retention.so_far()), [0, 10, 20]);
        retention.keep(0, open(40, 1));
        assert_eq!(starts(retention.so_far()), [0, 20, 40]);
        (50..53).for_each(|start| retention.keep(0, open(start, 2)));
        let kept = retention.so_far();
        let expected = LeftOut {
            open: 1,
            explained: 4,
        };
        assert_eq!(kept.left_out, expected);
        assert_eq!(starts(kept), [50, 51, 52]);
    }

    #[test]
    fn of_what_is_explained_the_longest_and_a_sample_stay_in_whatever_order_it_comes() {
        let lengths = random(5_000);
        let of = |order: &mut dyn Iterator<Item = usize>| {
            let mut retention = Retention::new(Budget::of(KeepGaps::Usual, 1, Nanos(0)));
            order.for_each(|start| retention.keep(0, explained(start as u64, lengths[start])));
            let kept = retention.so_far();
            assert_eq!(kept.left_out.explained, 5_000 - 80);
            starts(kept)
        };
        let kept = of(&mut (0..5_000));
        assert_eq!(of(&mut (0..5_000).rev()), kept);
        let longest = *lengths.iter().max().unwrap();
        let all_longest = (0..5_000).filter(|&start| lengths[start] == longest);
        let first: Vec<u64> = all_longest.map(|start| start as u64).take(20).collect();
        assert!(first.iter().all(|start| kept.contains(start)));
        // The sample is drawn from all of the run.
        for part in 0..5u64 {
            let within = |start: &&u64| (part * 1_000..(part + 1) * 1_000).contains(*start);
            assert!(kept.iter().filter(within).count() > 8, "part {part}");
        }
    }

    #[test]
    fn more_are_kept_to_be_judged_than_are_listed() {
        let lengths = random(3_000);
        let mut retention = Retention::new(Budget::of(KeepGaps::Usual, 1, Nanos(0)));
        for (start, &length) in (0..).zip(&lengths) {
            retention.keep(0, open(start, length + 1));
        }
        let kept = retention.so_far();
        assert_eq!(kept.left_out, LeftOut::default());
        let gaps = &kept.by_cpu(1)[0];
        assert_eq!((gaps.len(), gaps.listed().count()), (3_000, 150));
        let shortest = gaps.listed().map(|gap| gap.unknown()).min().unwrap();
        let longer = lengths.iter().filter(|&&length| length + 1 > shortest.0);
        assert!(longer.count() <= 150);
        // A minute of 20 CPUs.
        let long = Budget::of(KeepGaps::Usual, 1, Nanos(1_200 * Nanos::SECOND.0));
        assert_eq!(long.listed(), LISTED.1 as usize);
    }

    #[test]
    fn what_was_kept_at_a_moment_stays_as_it_was() {
        let mut retention = Retention::new(Budget::of(KeepGaps::AtMost(2), 1, Nanos(0)));
        retention.keep(0, open(0, 50));
        retention.keep(0, open(100, 60));
        let then = retention.so_far();
        retention.keep(0, open(200, 70));
        assert_eq!(starts(then), [0, 100]);
        assert_eq!(starts(retention.so_far()), [100, 200]);
    }

    #[test]
    fn all_are_kept_where_all_are_asked_for() {
        let mut retention = Retention::new(Budget::of(KeepGaps::All, 8, Nanos(0)));
        (0..30_000).for_each(|start| retention.keep(0, open(start, 3)));
        (0..30_000).for_each(|start| retention.keep(1, explained(start, 30)));
        let kept = retention.so_far();
        assert_eq!(kept.left_out, LeftOut::default());
        let lengths: Vec<usize> = kept.by_cpu(2).iter().map(KeptGaps::len).collect();
        assert_eq!(lengths, [30_000, 30_000]);
    }
}
