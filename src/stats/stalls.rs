//! Gaps that overlap in time across CPUs, merged into stalls.
//!
//! One SMI stops every CPU of the system and leaves a gap on each of them.
//! Counted gap by gap it would weigh as many times as there are CPUs.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::units::{CpuId, Cycles};

/// The stretch of one gap, on a time line that all CPUs share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The last reading before the gap, the CPU's TSC offset taken off.
    pub start: Cycles,
    /// The first reading after it.
    pub end: Cycles,
    pub cpu: CpuId,
}

/// One moment in which one or more CPUs stood still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    pub start: Cycles,
    pub end: Cycles,
    /// The first end of its gaps: firmware lets all CPUs go at once, so a
    /// small distance from `end` speaks for an SMI.
    pub first_end: Cycles,
    pub gaps: u64,
    pub cpus: BTreeSet<CpuId>,
    latest: Latest,
}

/// The latest end on one CPU, and on any other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Latest {
    cpu: CpuId,
    end: Cycles,
    elsewhere: Option<Cycles>,
}

impl Stall {
    fn new(span: Span) -> Stall {
        Stall {
            start: span.start,
            end: span.end,
            first_end: span.end,
            gaps: 1,
            cpus: BTreeSet::from([span.cpu]),
            latest: Latest {
                cpu: span.cpu,
                end: span.end,
                elsewhere: None,
            },
        }
    }

    /// Two gaps of one CPU that touch are still two events; only between CPUs
    /// does the unknown part of the TSC offset count.
    fn overlaps(&self, span: &Span, tolerance: Cycles) -> bool {
        let elsewhere = if span.cpu == self.latest.cpu {
            self.latest.elsewhere
        } else {
            Some(self.latest.end)
        };
        span.start < self.end
            || elsewhere.is_some_and(|end| span.start < end.saturating_add(tolerance))
    }

    fn join(&mut self, span: Span) {
        self.end = self.end.max(span.end);
        self.first_end = self.first_end.min(span.end);
        self.gaps += 1;
        self.cpus.insert(span.cpu);
        let latest = &mut self.latest;
        if span.cpu == latest.cpu {
            latest.end = latest.end.max(span.end);
        } else if span.end > latest.end {
            latest.elsewhere = Some(latest.end);
            latest.cpu = span.cpu;
            latest.end = span.end;
        } else {
            latest.elsewhere = latest.elsewhere.max(Some(span.end));
        }
    }
}

/// Joins spans that come in order of time; it holds one stall at a time.
#[derive(Clone, Debug)]
pub struct Joiner {
    tolerance: Cycles,
    open: Option<Stall>,
}

impl Joiner {
    /// `tolerance` is the error bound of the TSC offsets between CPUs.
    pub fn new(tolerance: Cycles) -> Joiner {
        Joiner {
            tolerance,
            open: None,
        }
    }

    /// Takes the next span, and returns the stall that is whole then.
    pub fn take(&mut self, span: Span) -> Option<Stall> {
        match &mut self.open {
            Some(stall) if stall.overlaps(&span, self.tolerance) => {
                stall.join(span);
                None
            }
            open => open.replace(Stall::new(span)),
        }
    }

    /// The last stall: no more spans come.
    pub fn end(&mut self) -> Option<Stall> {
        self.open.take()
    }
}

/// An iterator over stalls in order of time.
pub struct Stalls<I> {
    spans: I,
    joiner: Joiner,
}

/// Merges spans that come in any order. They are held and sorted: 24 bytes
/// each. `tolerance` is the error bound of the TSC offsets between CPUs.
pub fn from_unsorted(
    spans: impl IntoIterator<Item = Span>,
    tolerance: Cycles,
) -> Stalls<std::vec::IntoIter<Span>> {
    let mut spans: Vec<Span> = spans.into_iter().collect();
    spans.sort_unstable();
    Stalls::new(spans.into_iter(), tolerance)
}

/// Merges one stream a CPU, each in order of time, as a report keeps them. It
/// holds one span a stream, however many there are.
pub fn from_sorted_streams<I: Iterator<Item = Span>>(
    streams: impl IntoIterator<Item = I>,
    tolerance: Cycles,
) -> Stalls<ByTime<I>> {
    Stalls::new(ByTime::new(streams), tolerance)
}

impl<I: Iterator<Item = Span>> Stalls<I> {
    fn new(spans: I, tolerance: Cycles) -> Stalls<I> {
        Stalls {
            spans,
            joiner: Joiner::new(tolerance),
        }
    }
}

impl<I: Iterator<Item = Span>> Iterator for Stalls<I> {
    type Item = Stall;

    fn next(&mut self) -> Option<Stall> {
        let joiner = &mut self.joiner;
        let whole = self.spans.by_ref().find_map(|span| joiner.take(span));
        whole.or_else(|| self.joiner.end())
    }
}

/// Several streams in order of time as one: a heap of their heads.
pub struct ByTime<I> {
    heads: BinaryHeap<Reverse<(Span, usize)>>,
    streams: Vec<I>,
}

impl<I: Iterator<Item = Span>> ByTime<I> {
    fn new(streams: impl IntoIterator<Item = I>) -> ByTime<I> {
        let mut streams: Vec<I> = streams.into_iter().collect();
        let heads = streams
            .iter_mut()
            .enumerate()
            .filter_map(|(index, stream)| stream.next().map(|span| Reverse((span, index))))
            .collect();
        ByTime { heads, streams }
    }
}

impl<I: Iterator<Item = Span>> Iterator for ByTime<I> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let Reverse((span, index)) = self.heads.pop()?;
        if let Some(next) = self.streams[index].next() {
            self.heads.push(Reverse((next, index)));
        }
        Some(span)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(cpu: u32, start: u64, end: u64) -> Span {
        Span {
            start: Cycles(start),
            end: Cycles(end),
            cpu: CpuId(cpu),
        }
    }

    /// Start, end and number of gaps of each stall.
    fn merged(spans: &[Span], tolerance: u64) -> Vec<(u64, u64, u64)> {
        from_unsorted(spans.iter().copied(), Cycles(tolerance))
            .map(|stall| (stall.start.0, stall.end.0, stall.gaps))
            .collect()
    }

    #[test]
    fn one_smi_on_all_cpus_is_one_stall() {
        let spans = [span(2, 105, 203), span(0, 100, 200), span(1, 90, 201)];
        let stalls: Vec<Stall> = from_unsorted(spans, Cycles(0)).collect();
        assert_eq!(stalls.len(), 1);
        assert_eq!((stalls[0].start, stalls[0].end), (Cycles(90), Cycles(203)));
        assert_eq!(stalls[0].first_end, Cycles(200));
        assert_eq!(stalls[0].cpus, [0, 1, 2].map(CpuId).into());
    }

    #[test]
    fn separate_gaps_stay_separate() {
        let spans = [span(0, 300, 400), span(1, 100, 200)];
        assert_eq!(merged(&spans, 0), [(100, 200, 1), (300, 400, 1)]);
        assert_eq!(merged(&[], 0), []);
    }

    #[test]
    fn tolerance_joins_what_the_offsets_error_may_hide() {
        let spans = [span(0, 100, 200), span(1, 210, 300)];
        assert_eq!(merged(&spans, 10).len(), 2);
        assert_eq!(merged(&spans, 11), [(100, 300, 2)]);
    }

    #[test]
    fn tolerance_never_joins_two_gaps_of_one_cpu() {
        let spans = [span(0, 100, 200), span(0, 201, 300)];
        assert_eq!(merged(&spans, 1_000).len(), 2);
        // A gap of another CPU that covers both makes one stall of them.
        let covered = [span(0, 100, 200), span(0, 201, 300), span(1, 90, 310)];
        assert_eq!(merged(&covered, 0), [(90, 310, 3)]);
    }

    #[test]
    fn end_of_time_does_not_overflow() {
        let spans = [
            span(0, u64::MAX - 2, u64::MAX),
            span(1, u64::MAX - 1, u64::MAX),
        ];
        assert_eq!(merged(&spans, u64::MAX).len(), 1);
    }

    proptest! {
        #[test]
        fn streams_merge_as_the_sorted_whole_does(
            raw in prop::collection::vec((0_u32..4, 0_u64..1_000, 1_u64..50), 0..60),
            tolerance in 0_u64..20,
        ) {
            let spans: Vec<Span> = raw
                .iter()
                .map(|&(cpu, start, length)| span(cpu, start, start + length))
                .collect();
            let streams = (0..4).map(|cpu| {
                let mut own: Vec<Span> =
                    spans.iter().copied().filter(|s| s.cpu == CpuId(cpu)).collect();
                own.sort_unstable();
                own.into_iter()
            });
            let streamed: Vec<Stall> = from_sorted_streams(streams, Cycles(tolerance)).collect();
            let whole: Vec<Stall> =
                from_unsorted(spans.iter().copied(), Cycles(tolerance)).collect();
            prop_assert_eq!(&streamed, &whole);
            let gaps: u64 = whole.iter().map(|stall| stall.gaps).sum();
            prop_assert_eq!(gaps, spans.len() as u64);
            for pair in whole.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
        }
    }
}
