//! The few gaps that a reader should see.

use std::borrow::Borrow;
use std::cmp::Reverse;

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
    let mut kept: Vec<(Reverse<Weight>, usize, I::Item)> = Vec::new();
    let keep_weightiest = |kept: &mut Vec<_>| {
        kept.sort_unstable_by_key(|&(weight, place, _)| (weight, place));
        kept.truncate(count);
    };
    for (place, gap) in gaps.into_iter().enumerate() {
        kept.push((Reverse(Weight::of(gap.borrow())), place, gap));
        if kept.len() > 2 * count {
            keep_weightiest(&mut kept);
        }
    }
    keep_weightiest(&mut kept);
    let kept = kept.iter().map(|(.., gap)| gap.borrow().clone());
    kept.collect()
}
