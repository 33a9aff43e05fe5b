//! Raised stalls against the gaps of a run.

use crate::attribution::Parts;
use crate::evidence::kernel_trace::KernelTime;
use crate::model::Cause;
use crate::sampler::RaisedSpan;
use crate::session::PackedGap;
use crate::units::{Cycles, Hertz, Nanos};

/// A gap that is longer than its stall by more than this holds something else: a
/// tick takes no less. Unlike an SMI, a raised stall can be cut in two by it.
const OTHER_EVENT: Nanos = Nanos(2_000);

/// What became of the stalls that were raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Stalls long enough to be recorded.
    pub raised: u64,
    /// Those that lie within a gap.
    pub found: u64,
    /// Those whose gap has the cause and the parts expected.
    pub rightly_classed: u64,
    /// Those of the others that another event met: what became of them says
    /// nothing of the instrument.
    pub overlapped: u64,
    /// Gap minus stall, median.
    pub median_excess: Option<Nanos>,
}

/// Who is to be found in the gap of a stall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The kernel, for as long as the stall.
    Kernel,
    /// An SMI for as long, and perhaps the kernel beside it.
    Smi,
    /// Firmware or CPU, as SMIs cannot be counted, and perhaps the kernel.
    FirmwareOrCpu,
    /// What is not the kernel, for so long, and the kernel beside it.
    Beside(Nanos),
}

/// The part of a stall may differ from its length by this much: what the stall
/// itself does not log, such as the way into the kernel.
const NEAR: Nanos = Nanos(3_000);

impl Expected {
    /// Whether the account of a gap gives a stall of this length to whom it
    /// should. A part that is said to be unknown is no error.
    fn holds(self, gap: &PackedGap, length: Nanos) -> bool {
        let account = gap.unpack().account;
        let Parts {
            os,
            platform,
            unknown,
        } = account.parts;
        let covers = |part: Nanos| part.0 + unknown.0 + NEAR.0 >= length.0;
        let alone = account.cause.alone();
        match self {
            Expected::Kernel => account.kernel_ran == Some(true) && covers(os),
            Expected::Beside(stall) => {
                account.kernel_ran == Some(true)
                    && platform <= stall.saturating_add(NEAR)
                    && platform.saturating_add(unknown).saturating_add(NEAR) >= stall
            }
            Expected::Smi => alone == Cause::Smi && covers(platform),
            Expected::FirmwareOrCpu => alone == Cause::FirmwareOrCpu && covers(platform),
        }
    }

    /// Whether another event took a part of the stall: a tick in the midst of one
    /// does not lengthen it. Beside a stall with its one entry of the kernel a
    /// second one is recorded then.
    fn is_met_within(self, gap: &PackedGap) -> bool {
        let recorded = |kernel: KernelTime| kernel.shares.iter().flatten().count();
        matches!(self, Expected::Beside(_)) && gap.unpack().kernel.map_or(0, recorded) > 1
    }
}

/// Looks each stall up among the gaps, which are in order of time. A stall is
/// found when a gap reaches over it, give or take `slack`; stalls of at most
/// `threshold` cannot have one.
pub fn judge(
    spans: &[RaisedSpan],
    gaps: &[PackedGap],
    expected: Expected,
    threshold: Cycles,
    slack: Cycles,
    hz: Hertz,
) -> Found {
    let mut judged = Found {
        raised: 0,
        found: 0,
        rightly_classed: 0,
        overlapped: 0,
        median_excess: None,
    };
    let other_event = hz.to_cycles(OTHER_EVENT);
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
            let raised = span.end.since(span.start);
            let more = gap.length().saturating_sub(raised);
            match expected.holds(gap, hz.to_nanos(raised)) {
                true => judged.rightly_classed += 1,
                // Whatever lengthened the gap may have named it, too.
                false => {
                    let is_met = more > other_event || expected.is_met_within(gap);
                    judged.overlapped += u64::from(is_met);
                }
            }
            excess.push(more);
        } else {
            judged.overlapped += u64::from(is_met(span, gaps, slack));
        }
    }
    excess.sort_unstable();
    judged.median_excess = excess
        .get(excess.len() / 2)
        .map(|&cycles| hz.to_nanos(cycles));
    judged
}

/// Whether a gap at a stall reaches beyond it, or there are several: something
/// else happened there.
fn is_met(span: &RaisedSpan, gaps: &[PackedGap], slack: Cycles) -> bool {
    let end = |gap: &PackedGap| gap.start().saturating_add(gap.length());
    let from = gaps.partition_point(|gap| end(gap).saturating_add(slack) < span.start);
    let mut touching = gaps[from..]
        .iter()
        .take_while(|gap| gap.start() <= span.end.saturating_add(slack));
    let Some(first) = touching.next() else {
        return false;
    };
    let beyond = |gap: &PackedGap| {
        gap.start().saturating_add(slack) < span.start || end(gap) > span.end.saturating_add(slack)
    };
    beyond(first) || touching.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::{Known, account};
    use crate::evidence::kernel_trace::{ActivityId, Share, Standing};
    use crate::model::{ClockTrust, Evidence, Footprint, Platform, Setting, SmiEvidence};
    use crate::session::JudgedGap;

    fn gap(start: u64, end: u64, footprint: Footprint) -> PackedGap {
        let evidence = Evidence {
            involuntary_switches: Some(1),
            ..Evidence::new(footprint, SmiEvidence::Unreadable)
        };
        let setting = Setting {
            platform: Platform::BareMetal,
            clock: ClockTrust::Trusted,
        };
        PackedGap::pack(&JudgedGap::by_evidence(start, end, evidence, setting))
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
            gap(100, 300, Footprint::Cleared),
            gap(1_000, 1_500, Footprint::Intact),
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
            Expected::Kernel,
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
    fn a_stall_beside_the_kernel_is_held_against_the_platforms_part() {
        let kernel = KernelTime {
            beyond_ways: Nanos(30_000),
            ways_beyond: 1,
            most_excess: Nanos(30_000),
            all_excess: Nanos(30_000),
            ..KernelTime::explained(Standing::Fault, Nanos(1_000))
        };
        let account = |kernel: Option<&KernelTime>| {
            account(Known {
                evidence: &Evidence::new(Footprint::Cleared, SmiEvidence::Unreadable),
                kernel,
                interrupts: None,
                length: Nanos(31_000),
                setting: Setting {
                    platform: Platform::Guest,
                    clock: ClockTrust::Trusted,
                },
            })
        };
        let holds = |account, stall| {
            let gap = PackedGap::pack(&JudgedGap {
                account,
                ..gap(100, 31_100, Footprint::Cleared).unpack()
            });
            Expected::Beside(Nanos(stall)).holds(&gap, Nanos(31_000))
        };
        let told = account(Some(&kernel));
        assert!(holds(told, 30_000));
        // The platform's part is too long, or too short.
        assert!(!holds(told, 20_000));
        assert!(!holds(told, 40_000));
        // What is said to be unknown is no error; to be the kernel's, it is.
        assert!(holds(account(None), 30_000));
        let explained = KernelTime::explained(Standing::Fault, Nanos(31_000));
        assert!(!holds(account(Some(&explained)), 30_000));
        // Unless a tick is recorded in the stall, beside its page fault.
        let met = |activities: u16| {
            let mut kernel_time = explained;
            for id in 0..activities {
                kernel_time.shares[usize::from(id)] = Some(Share {
                    id: ActivityId(id),
                    nanos: 4_000,
                });
            }
            Expected::Beside(Nanos(30_000)).is_met_within(&PackedGap::pack(&JudgedGap {
                kernel: Some(kernel_time),
                ..gap(100, 31_100, Footprint::Cleared).unpack()
            }))
        };
        assert_eq!([0, 1, 2].map(met), [false, false, true]);
    }

    #[test]
    fn a_gap_that_covers_half_of_a_stall_is_not_it() {
        let gaps = [gap(100, 200, Footprint::Cleared)];
        let found = judge(
            &[span(100, 300)],
            &gaps,
            Expected::Kernel,
            Cycles(50),
            Cycles(5),
            Hertz(1e9),
        );
        assert_eq!((found.raised, found.found, found.overlapped), (1, 0, 0));
    }

    #[test]
    fn a_stall_that_another_event_met_is_no_missed_one() {
        let judge = |gaps: &[PackedGap], span: RaisedSpan| {
            let (threshold, slack) = (Cycles(50), Cycles(5));
            judge(
                &[span],
                gaps,
                Expected::Kernel,
                threshold,
                slack,
                Hertz(1e9),
            )
        };
        let told = |found: Found| (found.found, found.rightly_classed, found.overlapped);
        // A tick ends within it, and one begins.
        assert_eq!(
            told(judge(&[gap(10, 200, Footprint::Cleared)], span(100, 300))),
            (0, 0, 1)
        );
        assert_eq!(
            told(judge(&[gap(250, 400, Footprint::Cleared)], span(100, 300))),
            (0, 0, 1)
        );
        // Two gaps in its place.
        let two = [
            gap(100, 150, Footprint::Cleared),
            gap(200, 300, Footprint::Cleared),
        ];
        assert_eq!(told(judge(&two, span(100, 300))), (0, 0, 1));
        // An SMI in the same gap names it.
        let smi = [gap(100, 90_000, Footprint::Intact)];
        assert_eq!(told(judge(&smi, span(110, 300))), (1, 0, 1));
        // A wrong name without another event is wrong.
        let wrong = [gap(100, 310, Footprint::Intact)];
        assert_eq!(told(judge(&wrong, span(110, 300))), (1, 0, 0));
        // Nothing there: missed.
        assert_eq!(
            told(judge(&[gap(900, 990, Footprint::Cleared)], span(100, 300))),
            (0, 0, 0)
        );
    }
}
