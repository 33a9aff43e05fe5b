//! The period that the platform gaps of a CPU keep, if they keep one.

use crate::session::PackedGap;
use crate::stats::period::{Period, dominant};
use crate::units::Nanos;

use super::Case;

/// The dominant period among the platform gaps of the CPU with this index.
/// Each CPU by itself: the CPUs of a guest run on different CPUs of its host,
/// whose ticks come at different moments.
pub fn period(case: &Case<'_>, index: usize) -> Option<Period> {
    let gaps = &case.collected.cpus[index].gaps;
    let platform = gaps.iter().filter(|gap| gap.cause().is_platform());
    let first = gaps.first().map(PackedGap::start)?;
    let times: Vec<Nanos> = platform
        .map(|gap| case.rate.hz.to_nanos(gap.start().since(first)))
        .collect();
    dominant(&times)
}
