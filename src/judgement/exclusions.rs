//! Gaps that fell together with a suspend or a step of the TSC: what the clock
//! says of them is not what happened, so they are attributed to nobody.

use crate::attribution::{Attribution, Cause, Confidence, shares};
use crate::evidence::watches::ClockStep;
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
            return Some((Cause::Unknown, Confidence::None));
        }
        if let Some(platform) = platform_share(&gap, hz) {
            kept.max_platform = kept.max_platform.max(platform);
        }
        None
    });
    kept.gaps = gaps;
    absent
}

fn uncount(kept: &mut CpuCollection, gap: &JudgedGap, hardlimit: Cycles, hz: Hertz) {
    if gap.cause == Cause::Unknown {
        return;
    }
    let all = 1 + u64::from(gap.raw.companions);
    kept.counts.recast_several(gap.cause, Cause::Unknown, all);
    let above = gap.raw.length() > hardlimit;
    match platform_share(gap, hz) {
        Some(platform) if platform > hardlimit => {
            kept.platform_above_limit = kept.platform_above_limit.saturating_sub(all);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::{Evidence, Footprint, SmiEvidence};
    use crate::evidence::watches::StepKind;
    use crate::report::model::CauseCounts;
    use crate::sampler::RawGap;
    use crate::session::{Agreement, PackedGap, RingZeroAgreement};
    use crate::units::{Nanos, UtcNanos};

    fn gap(start: u64, length: u64, cause: Cause) -> PackedGap {
        let footprint = match cause {
            Cause::Os => Footprint::Cleared,
            _ => Footprint::Intact,
        };
        PackedGap::pack(&JudgedGap {
            raw: RawGap {
                start: Cycles(start),
                end: Cycles(start + length),
                smi_reading: 0,
                companions: 0,
                evidence: Evidence::new(footprint, SmiEvidence::Unreadable),
            },
            account: None,
            cause,
            confidence: Confidence::Strong,
        })
    }

    fn collection() -> CpuCollection {
        let gaps = [
            gap(1_000, 30, Cause::Hypervisor),
            gap(2_000, 500, Cause::Hypervisor),
            gap(2_600, 40, Cause::Os),
            gap(5_000, 50, Cause::Hypervisor),
        ];
        let mut counts = CauseCounts::default();
        gaps.iter().for_each(|gap| counts.add(gap.cause()));
        CpuCollection {
            gaps: gaps.into_iter().collect(),
            counts,
            platform_above_limit: 3,
            mixed_above_limit: 0,
            smis_in_kernel_time: 0,
            unknown_above_limit: 0,
            max_platform: Cycles(500),
            throttled: 0,
            agreement: Agreement::default(),
            ring_zero: RingZeroAgreement::default(),
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
        assert_eq!(kept.unknown_above_limit, 2);
        assert_eq!(kept.max_platform, Cycles(50));
        let expected = Absent {
            longest_excluded: Cycles(500),
            longest_left: Cycles(50),
        };
        assert_eq!(absent, expected);
    }
}
