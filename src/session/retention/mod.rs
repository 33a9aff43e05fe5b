//! Which gaps are kept: one budget for the run, whatever its number of CPUs.
//!
//! Counts, sums, histograms and sources are exact without a single gap. What is
//! kept is for what needs the gap itself: stalls, periods, tickets. So those with
//! a part that counts against the limit, or may, come first, the longest of them;
//! of those that the kernel explains the longest and a sample stay. More are kept
//! in memory, to be judged, than a report lists.

mod budget;
mod pool;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::kept::{Entry, KeptGaps, Places};
use super::packed::PackedGap;

use pool::{Pool, Ranked};

pub use budget::{Budget, LeftOut};

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
            .filter(|(_, entry)| open_part(&entry.gap) > 0)
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
        if open_part(&gap) > 0 {
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

/// The part that counts, or that nobody is known to have taken.
fn open_part(gap: &PackedGap) -> u64 {
    gap.platform().max(gap.unknown()).0
}

fn weight_of_open(entry: &Entry) -> u64 {
    open_part(&entry.gap)
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
