//! Gaps that fell together with a suspend or a step of the TSC: what the clock
//! says of them is not what happened, so they are attributed to nobody.

use crate::attribution::{Attribution, Cause, Confidence, Footprint, shares};
use crate::session::{Collected, CpuCollection, JudgedGap};
use crate::units::{Cycles, Hertz};

/// Gives every gap that such a moment touches the cause `unknown`, and takes
/// it out of the counts that the verdict rests on.
pub fn exclude_unsteady_gaps(collected: &mut Collected, hardlimit: Cycles, hz: Hertz) {
    let steps = collected.watches.clock_steps();
    if steps.is_empty() {
        return;
    }
    for (kept, totals) in collected.cpus.iter_mut().zip(&mut collected.totals) {
        let mut longest_excluded = Cycles(0);
        let mut longest_left = Cycles(0);
        kept.max_platform = Cycles(0);
        for index in 0..kept.gaps.len() {
            let gap = kept.gaps[index].unpack();
            let touched = steps
                .iter()
                .any(|step| step.touches(gap.raw.start, gap.raw.end));
            let absent = gap.raw.evidence.footprint == Footprint::Intact;
            if touched {
                uncount(kept, &gap, hardlimit, hz);
                kept.gaps[index].recast(Cause::Unknown, Confidence::None);
                if absent {
                    longest_excluded = longest_excluded.max(gap.raw.length());
                }
                continue;
            }
            if absent {
                longest_left = longest_left.max(gap.raw.length());
            }
            if let Some(platform) = platform_share(&gap, hz) {
                kept.max_platform = kept.max_platform.max(platform);
            }
        }
        // The sampler's own maximum is exact for all deltas, and knows nothing
        // of the other clocks.
        if longest_excluded >= totals.max_kernel_absent {
            totals.max_kernel_absent = longest_left;
        }
    }
}

fn uncount(kept: &mut CpuCollection, gap: &JudgedGap, hardlimit: Cycles, hz: Hertz) {
    if gap.cause == Cause::Unknown {
        return;
    }
    kept.counts.recast(gap.cause, Cause::Unknown);
    let above = gap.raw.length() > hardlimit;
    match platform_share(gap, hz) {
        Some(platform) if platform > hardlimit => {
            kept.platform_above_limit = kept.platform_above_limit.saturating_sub(1);
        }
        None if gap.cause == Cause::SmiOs && above => {
            kept.mixed_above_limit = kept.mixed_above_limit.saturating_sub(1);
        }
        _ => {}
    }
    kept.unknown_above_limit += u64::from(above);
}

/// The platform's part of a gap, where it has one and it is known.
fn platform_share(gap: &JudgedGap, hz: Hertz) -> Option<Cycles> {
    match gap.cause {
        Cause::SmiOs => {
            let attribution = Attribution {
                cause: gap.cause,
                confidence: gap.confidence,
                kernel_ran: Some(true),
            };
            let length = hz.to_nanos(gap.raw.length());
            let account = gap.account.as_ref();
            let (_, residual) = shares(&attribution, &gap.raw.evidence, account, length);
            residual.map(|residual| hz.to_cycles(residual))
        }
        cause if cause.is_platform() => Some(gap.raw.length()),
        _ => None,
    }
}
