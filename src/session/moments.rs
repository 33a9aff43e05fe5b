//! The platform's stalls above the limit, counted while gaps come in: the count
//! must hold where there are too many gaps to keep.
//!
//! One SMI leaves a gap on each CPU, and counts once. Gaps are judged CPU by CPU
//! and up to two seconds late, so each waits here until those that may fall
//! together with it have come in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::{Cause, CauseCounts, Confidence};
use crate::sampler::CpuSetup;
use crate::stats::stalls::{Joiner, Span};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

use super::packed::PackedGap;

/// How long a gap waits for others.
const WAIT: Nanos = Nanos(4 * Nanos::SECOND.0);
/// Gaps that wait at most; of more, the earliest wait no longer.
const MOST: usize = 1 << 16;

/// Stalls by cause. One that met kernel work counts as one that did not.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    cpus: Vec<(CpuId, i64)>,
    hz: Hertz,
    waiting: BinaryHeap<Reverse<Waiting>>,
    latest: Cycles,
    joiner: Joiner,
    best: Best,
    counts: CauseCounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    span: Span,
    best: Best,
}

/// What is thought of a gap, or of the best founded one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Best {
    confidence: Confidence,
    cause: Cause,
}

const NOTHING: Best = Best {
    confidence: Confidence::None,
    cause: Cause::Unknown,
};

impl Moments {
    pub(super) fn new(setups: &[CpuSetup], hz: Hertz) -> Moments {
        let shift = |setup: &CpuSetup| setup.offset.map_or(0, |offset| offset.cycles);
        let offsets = setups.iter().filter_map(|setup| setup.offset);
        let tolerance = offsets.map(|offset| offset.error).max();
        Moments {
            cpus: (setups.iter())
                .map(|setup| (setup.cpu, shift(setup)))
                .collect(),
            hz,
            waiting: BinaryHeap::new(),
            latest: Cycles(0),
            joiner: Joiner::new(Cycles(tolerance.unwrap_or(0))),
            best: NOTHING,
            counts: CauseCounts::default(),
        }
    }

    /// Takes a gap above the limit of the CPU with this index.
    pub(super) fn take(&mut self, index: usize, gap: &PackedGap) {
        let Some(&(cpu, shift)) = self.cpus.get(index) else {
            return;
        };
        let (start, end) = gap.platform_span(self.hz);
        let on_shared = |cycles: Cycles| Cycles(cycles.0.wrapping_add_signed(-shift));
        let span = Span {
            start: on_shared(start),
            end: on_shared(end),
            cpu,
        };
        self.latest = self.latest.max(span.end);
        self.waiting.push(Reverse(Waiting {
            span,
            best: Best {
                confidence: gap.confidence(),
                cause: gap.cause(),
            },
        }));
        let ripe = Cycles(self.latest.0.saturating_sub(self.hz.to_cycles(WAIT).0));
        while let Some(Reverse(first)) = self.waiting.peek()
            && (first.span.start < ripe || self.waiting.len() > MOST)
        {
            self.join_first();
        }
    }

    fn join_first(&mut self) {
        let Some(Reverse(Waiting { span, best })) = self.waiting.pop() else {
            return;
        };
        if self.joiner.take(span).is_some() {
            self.count();
        }
        if best.confidence > self.best.confidence {
            self.best = best;
        }
    }

    fn count(&mut self) {
        let whole = std::mem::replace(&mut self.best, NOTHING);
        self.counts.add(whole.cause.alone());
    }

    /// The counts where no more gaps come.
    pub(super) fn end(mut self) -> CauseCounts {
        while !self.waiting.is_empty() {
            self.join_first();
        }
        if self.joiner.end().is_some() {
            self.count();
        }
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::Parts;
    use crate::session::packed::tests::gap;

    fn moments(cpus: u32) -> Moments {
        Moments {
            cpus: (0..cpus).map(|cpu| (CpuId(cpu), 0)).collect(),
            hz: Hertz(1e9),
            waiting: BinaryHeap::new(),
            latest: Cycles(0),
            joiner: Joiner::new(Cycles(50)),
            best: NOTHING,
            counts: CauseCounts::default(),
        }
    }

    fn platform(start: u64, cause: Cause, confidence: Confidence) -> PackedGap {
        let mut judged = gap(start, 1_000);
        judged.account.cause = cause;
        judged.account.confidence = confidence;
        judged.account.parts = Parts {
            os: Nanos(0),
            platform: Nanos(1_000),
            unknown: Nanos(0),
        };
        PackedGap::pack(&judged)
    }

    #[test]
    fn what_falls_together_counts_once_by_its_best_founded_cause() {
        let mut moments = moments(3);
        let second = 1_000_000_000;
        // CPU by CPU, as they are judged.
        for index in 0..3 {
            for turn in 0..4 {
                let (cause, confidence) = match (index, turn) {
                    (1, 2) => (Cause::Smi, Confidence::Proved),
                    _ => (Cause::FirmwareOrCpu, Confidence::Probable),
                };
                let start = turn * second + 10 * index as u64;
                moments.take(index, &platform(start, cause, confidence));
            }
        }
        moments.take(1, &platform(9 * second, Cause::Cpu, Confidence::Probable));
        // All of the first four have waited long enough.
        assert_eq!(moments.waiting.len(), 1);
        let counts = moments.end();
        assert_eq!((counts.smi, counts.firmware_or_cpu, counts.cpu), (1, 3, 1));
    }

    #[test]
    fn however_many_come_at_once_few_wait_and_all_are_counted() {
        let mut moments = moments(1);
        let gaps = MOST as u64 + 500;
        for start in 0..gaps {
            let probable = Confidence::Probable;
            moments.take(0, &platform(2_000 * start, Cause::Cpu, probable));
        }
        assert_eq!(moments.waiting.len(), MOST);
        assert_eq!(moments.end().cpu, gaps);
    }
}
