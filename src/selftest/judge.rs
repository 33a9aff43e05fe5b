//! Raised stalls against the gaps of a run.

use crate::attribution::Cause;
use crate::sampler::RaisedSpan;
use crate::session::PackedGap;
use crate::units::{Cycles, Hertz, Nanos};

/// What became of the stalls that were raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Stalls long enough to be recorded.
    pub raised: u64,
    /// Those that lie within a gap.
    pub found: u64,
    /// Those whose gap has one of the causes expected.
    pub rightly_classed: u64,
    /// Gap minus stall, median.
    pub median_excess: Option<Nanos>,
}

/// Looks each stall up among the gaps, which are in order of time. A stall is
/// found when a gap reaches over it, give or take `slack`; stalls of at most
/// `threshold` cannot have one.
pub fn judge(
    spans: &[RaisedSpan],
    gaps: &[PackedGap],
    expected: &[Cause],
    threshold: Cycles,
    slack: Cycles,
    hz: Hertz,
) -> Found {
    let mut judged = Found {
        raised: 0,
        found: 0,
        rightly_classed: 0,
        median_excess: None,
    };
    let mut excess = Vec::new();
    for span in spans
        .iter()
        .filter(|span| span.end.since(span.start) > threshold)
    {
        judged.raised += 1;
        let first = gaps.partition_point(|gap| {
            gap.start()
                .saturating_add(gap.length())
                .saturating_add(slack)
                < span.end
        });
        let over = gaps[first..]
            .iter()
            .take_while(|gap| gap.start() <= span.end)
            .find(|gap| gap.start() <= span.start.saturating_add(slack));
        if let Some(gap) = over {
            judged.found += 1;
            judged.rightly_classed += u64::from(expected.contains(&gap.cause()));
            excess.push(gap.length().saturating_sub(span.end.since(span.start)));
        }
    }
    excess.sort_unstable();
    judged.median_excess = excess
        .get(excess.len() / 2)
        .map(|&cycles| hz.to_nanos(cycles));
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::{Confidence, Evidence, Footprint, SmiEvidence};
    use crate::sampler::RawGap;
    use crate::session::JudgedGap;

    fn gap(start: u64, end: u64, cause: Cause) -> PackedGap {
        let evidence = Evidence::new(Footprint::Cleared, SmiEvidence::Unreadable);
        PackedGap::pack(&JudgedGap {
            raw: RawGap {
                start: Cycles(start),
                end: Cycles(end),
                smi_reading: 0,
                companions: 0,
                evidence,
            },
            account: None,
            cause,
            confidence: Confidence::Strong,
        })
    }

    fn span(start: u64, end: u64) -> RaisedSpan {
        RaisedSpan {
            start: Cycles(start),
            end: Cycles(end),
        }
    }

    #[test]
    fn stalls_are_found_in_the_gap_that_reaches_over_them() {
        let gaps = [
            gap(100, 300, Cause::Os),
            gap(1_000, 1_500, Cause::Hypervisor),
        ];
        let spans = [
            span(110, 290),
            span(1_010, 1_400),
            span(2_000, 2_300),
            span(3_000, 3_020),
        ];
        let found = judge(
            &spans,
            &gaps,
            &[Cause::Os],
            Cycles(50),
            Cycles(5),
            Hertz(1e9),
        );
        assert_eq!(
            (found.raised, found.found, found.rightly_classed),
            (3, 2, 1)
        );
        assert_eq!(found.median_excess, Some(Nanos(110)));
    }

    #[test]
    fn a_gap_that_covers_half_of_a_stall_is_not_it() {
        let gaps = [gap(100, 200, Cause::Os)];
        let found = judge(
            &[span(100, 300)],
            &gaps,
            &[Cause::Os],
            Cycles(50),
            Cycles(5),
            Hertz(1e9),
        );
        assert_eq!((found.raised, found.found), (1, 0));
    }
}
