//! When the CPUs of a host counted SMIs.

use std::collections::BTreeMap;

use crate::model::absence::SmiRise;
use crate::units::{CpuId, Cycles};

use super::host_side::{Moment, Span, joined};

/// Rises of a CPU's count that are looked at for one stretch of time.
const MOST_WINDOWS: usize = 256;

/// Rises of the counts of all CPUs.
pub(super) struct Smis {
    /// By CPU and time; none of a CPU overlaps another.
    windows: Vec<SmiWindow>,
    /// The time of all of them, joined.
    times: Vec<Span>,
}

/// Two readings of a CPU's SMI count, between which it rose.
pub(super) struct SmiWindow {
    pub cpu: CpuId,
    pub span: Span,
    pub count: u64,
}

impl Smis {
    pub fn new(rises: &[SmiRise], moment: impl Fn(Cycles) -> Moment) -> Smis {
        let mut windows: Vec<SmiWindow> = (rises.iter())
            .map(|rise| SmiWindow {
                cpu: rise.cpu,
                span: (moment(rise.after_cycles), moment(rise.by_cycles)),
                count: u64::from(rise.count),
            })
            .collect();
        windows.sort_by_key(|window| (window.cpu, window.span));
        windows.dedup_by(|next, last| {
            let overlap = next.cpu == last.cpu && next.span.0 < last.span.1;
            if overlap {
                last.span.1 = last.span.1.max(next.span.1);
                last.count = last.count.saturating_add(next.count);
            }
            overlap
        });
        Smis {
            times: joined(windows.iter().map(|window| window.span).collect()),
            windows,
        }
    }

    /// Rises of a CPU's count that may have come in a stretch.
    pub fn of(&self, cpu: CpuId, span: Span) -> impl Iterator<Item = (usize, &SmiWindow)> {
        let place = |window: &SmiWindow| (window.cpu, window.span.1) < (cpu, span.0);
        let first = self.windows.partition_point(place);
        let near = self.windows.iter().enumerate().skip(first);
        near.take_while(move |(_, window)| window.cpu == cpu && window.span.0 <= span.1)
            .take(MOST_WINDOWS)
    }

    /// A rise that may have come in a stretch, of one of these CPUs.
    pub fn on_any(&self, which: impl Fn(CpuId) -> bool, span: Span) -> Option<&SmiWindow> {
        if !self.may_be_in(span) {
            return None;
        }
        let of_each_cpu = self.windows.chunk_by(|a, b| a.cpu == b.cpu);
        let mut cpus = of_each_cpu.map(|of_one| of_one[0].cpu);
        cpus.find_map(|cpu| {
            let found = which(cpu).then(|| self.of(cpu, span).next());
            found.flatten().map(|(_, window)| window)
        })
    }

    /// Whether one may have come in a stretch, on any CPU.
    pub fn may_be_in(&self, span: Span) -> bool {
        let first = self.times.partition_point(|time| time.1 < span.0);
        self.times.get(first).is_some_and(|time| time.0 <= span.1)
    }

    /// SMIs of the run, by the CPU that counted most: all count the same ones.
    pub fn counted(&self) -> u64 {
        let mut sums: BTreeMap<CpuId, u64> = BTreeMap::new();
        for window in &self.windows {
            let sum = sums.entry(window.cpu).or_default();
            *sum = sum.saturating_add(window.count);
        }
        sums.into_values().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cpu_has_its_own_rises() {
        let rise = |cpu, after, by| SmiRise {
            cpu: CpuId(cpu),
            after_cycles: Cycles(after),
            by_cycles: Cycles(by),
            count: 1,
        };
        // More CPUs than are looked at count an SMI in the same second.
        let mut rises: Vec<SmiRise> = (0..1_000).map(|cpu| rise(cpu, 100, 200)).collect();
        rises.extend([rise(7, 0, 50), rise(7, 400, 450), rise(7, 440, 500)]);
        let smis = Smis::new(&rises, |cycles| cycles.0 as Moment);
        let of = |cpu, span| -> Vec<(Span, u64)> {
            let found = smis.of(CpuId(cpu), span);
            found.map(|(_, one)| (one.span, one.count)).collect()
        };
        assert_eq!(of(999, (150, 160)), [((100, 200), 1)]);
        assert_eq!(of(7, (40, 120)), [((0, 50), 1), ((100, 200), 1)]);
        // Those that overlap are one.
        assert_eq!(of(7, (445, 446)), [((400, 500), 2)]);
        assert_eq!(of(7, (210, 390)), []);
        let on = |cpu, span| smis.on_any(|one| one == CpuId(cpu), span);
        assert_eq!(on(7, (445, 446)).map(|one| one.count), Some(2));
        assert!(on(7, (210, 390)).is_none() && on(8, (445, 446)).is_none());
        assert!(smis.may_be_in((10, 20)) && smis.may_be_in((490, 700)));
        assert!(!smis.may_be_in((51, 99)) && !smis.may_be_in((501, 700)));
        assert_eq!(smis.counted(), 4);
    }
}
