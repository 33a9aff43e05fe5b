//! The few gaps that a reader should see.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::Gap;
use crate::units::Nanos;

/// How much a gap matters to the verdict: what counts against the limit or
/// might, before what the kernel did; then the longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    matters: Matters,
    length: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Matters {
    Explained,
    MayCount,
}

impl Weight {
    /// The weight of a gap: by the part that counts or may count, where there
    /// is one.
    pub fn of(gap: &Gap) -> Weight {
        let open = gap.platform_ns.max(gap.unknown_ns);
        match open {
            Nanos(0) => Weight {
                matters: Matters::Explained,
                length: gap.duration_ns,
            },
            length => Weight {
                matters: Matters::MayCount,
                length,
            },
        }
    }
}

/// The `count` weightiest gaps, weightiest first, of equal ones the earlier.
pub fn gaps<I>(gaps: I, count: usize) -> Vec<Gap>
where
    I: IntoIterator,
    I::Item: Borrow<Gap>,
{
    let mut kept: BinaryHeap<Reverse<Ranked<I::Item>>> = BinaryHeap::new();
    for (place, gap) in gaps.into_iter().enumerate() {
        let weight = Weight::of(gap.borrow());
        kept.push(Reverse(Ranked {
            rank: (weight, Reverse(place)),
            gap,
        }));
        if kept.len() > count {
            kept.pop();
        }
    }
    let kept = kept.into_sorted_vec().into_iter();
    kept.map(|Reverse(ranked)| ranked.gap.borrow().clone())
        .collect()
}

/// A gap that is ordered by its rank alone.
struct Ranked<T> {
    rank: (Weight, Reverse<usize>),
    gap: T,
}

impl<T> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl<T> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl<T> Eq for Ranked<T> {}
