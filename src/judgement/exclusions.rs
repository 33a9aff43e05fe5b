//! Gaps that fell together with a suspend or a step of the TSC: what the clock
//! says of them is not what happened, so they are attributed to nobody.

use crate::attribution::UnknownReason;
use crate::evidence::watches::ClockStep;
use crate::model::Cause;
use crate::session::{Collected, CpuCollection, JudgedGap, Recast};
use crate::units::{Cycles, Hertz};

/// Gives every gap that such a moment touches the cause `unknown`, and takes
/// it out of the counts that the verdict rests on.
pub fn exclude_unsteady_gaps(collected: &mut Collected, hardlimit: Cycles, hz: Hertz) {
    let steps = collected.watches.clock_steps();
    if steps.is_empty() {
        return;
    }
    for (kept, totals) in collected.cpus.iter_mut().zip(&mut collected.totals) {
        let absent = exclude(kept, steps, hardlimit, hz);
        // The sampler's own maximum is exact for all deltas, and knows nothing
        // of the other clocks.
        if absent.longest_excluded >= totals.max_kernel_absent {
            totals.max_kernel_absent = absent.longest_left;
        }
    }
}

/// The longest gaps without the kernel, on either side.
#[derive(Debug, Default, PartialEq, Eq)]
struct Absent {
    longest_excluded: Cycles,
    longest_left: Cycles,
}

fn exclude(kept: &mut CpuCollection, steps: &[ClockStep], hardlimit: Cycles, hz: Hertz) -> Absent {
    let mut absent = Absent::default();
    kept.max_platform = Cycles(0);
    let mut gaps = std::mem::take(&mut kept.gaps);
    gaps.recast(|gap| {
        let gap = gap.unpack();
        let (start, end) = (gap.raw.start, gap.raw.end);
        let excluded = steps.iter().any(|step| step.touches(start, end));
        if gap.raw.evidence.footprint.kernel_ran() == Some(false) {
            let longest = match excluded {
                true => &mut absent.longest_excluded,
                false => &mut absent.longest_left,
            };
            *longest = gap.raw.length().max(*longest);
        }
        if excluded {
            uncount(kept, &gap, hardlimit, hz);
            kept.max_unknown = kept.max_unknown.max(hz.to_nanos(gap.raw.length()));
            return Some(Recast::Unknown(UnknownReason::ClockStepped));
        }
        kept.max_platform = kept.max_platform.max(gap.platform(hz));
        None
    });
    kept.gaps = gaps;
    absent
}

fn uncount(kept: &mut CpuCollection, gap: &JudgedGap, hardlimit: Cycles, hz: Hertz) {
    let account = gap.account;
    let all = 1 + u64::from(gap.raw.companions);
    kept.counts
        .recast_several(account.cause, Cause::Unknown, all);
    if gap.platform(hz) > hardlimit {
        kept.platform_above_limit = kept.platform_above_limit.saturating_sub(all);
    }
    if let Some(reason) = account.unknown_reason
        && hz.to_cycles(account.parts.unknown) > hardlimit
        && let Some(count) = kept.unknown_above_limit.get_mut(&reason)
    {
        *count = count.saturating_sub(all);
    }
    if gap.raw.length() > hardlimit {
        let stepped = UnknownReason::ClockStepped;
        *kept.unknown_above_limit.entry(stepped).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::watches::StepKind;
    use crate::model::CauseCounts;
    use crate::model::ClockTrust;
    use crate::model::{Evidence, Footprint, Platform, Setting, SmiEvidence};
    use crate::session::PackedGap;
    use crate::units::{Nanos, UtcNanos};

    fn gap(start: u64, length: u64, footprint: Footprint) -> PackedGap {
        let evidence = Evidence {
            page_faults: Some(1),
            ..Evidence::new(footprint, SmiEvidence::Unreadable)
        };
        let setting = Setting {
            platform: Platform::Guest,
            clock: ClockTrust::Trusted,
        };
        let end = start + length;
        PackedGap::pack(&JudgedGap::by_evidence(start, end, evidence, setting))
    }

    fn collection() -> CpuCollection {
        let gaps = [
            gap(1_000, 30, Footprint::Intact),
            gap(2_000, 500, Footprint::Intact),
            gap(2_600, 40, Footprint::Cleared),
            gap(5_000, 50, Footprint::Intact),
        ];
        let mut counts = CauseCounts::default();
        gaps.iter().for_each(|gap| counts.add(gap.cause()));
        CpuCollection {
            gaps: gaps.into_iter().collect(),
            counts,
            platform_above_limit: 3,
            max_platform: Cycles(500),
            ..CpuCollection::default()
        }
    }

    #[test]
    fn what_a_step_touches_counts_neither_for_nor_against_the_platform() {
        let mut kept = collection();
        let step = ClockStep {
            kind: StepKind::Suspend(Nanos(60_000_000_000)),
            from: Cycles(1_900),
            to: Cycles(2_700),
            seen: UtcNanos(0),
        };
        let absent = exclude(&mut kept, &[step], Cycles(10), Hertz(1e9));
        let causes: Vec<Cause> = kept.gaps.iter().map(|gap| gap.cause()).collect();
        assert_eq!(
            causes,
            [
                Cause::Hypervisor,
                Cause::Unknown,
                Cause::Unknown,
                Cause::Hypervisor
            ]
        );
        assert_eq!((kept.counts.hypervisor, kept.counts.unknown), (2, 2));
        assert_eq!(kept.platform_above_limit, 2);
        // An unknown gap above the limit keeps a run from a pass.
        assert_eq!(kept.unknown_gaps(), 2);
        assert_eq!(kept.max_platform, Cycles(50));
        let expected = Absent {
            longest_excluded: Cycles(500),
            longest_left: Cycles(50),
        };
        assert_eq!(absent, expected);
    }
}
