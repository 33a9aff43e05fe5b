//! The period that the platform gaps of a CPU keep, if they keep one.

use crate::session::PackedGap;
use crate::stats::period::{Period, dominant};
use crate::units::Nanos;

use super::Case;

/// The dominant period among the platform gaps of the CPU with this index, over
/// all slices of a run or some of them.
/// Each CPU by itself: the CPUs of a guest run on different CPUs of its host,
/// whose ticks come at different moments.
pub fn period(cases: &[Case<'_>], index: usize) -> Option<Period> {
    let hz = cases.first()?.rate.hz;
    let gaps = || (cases.iter()).flat_map(|case| &case.collected.cpus[index].gaps);
    let first = gaps().next().map(PackedGap::start)?;
    let times: Vec<Nanos> = gaps()
        .filter(|gap| gap.cause().is_platform())
        .map(|gap| hz.to_nanos(gap.start().since(first)))
        .collect();
    dominant(&times)
}
