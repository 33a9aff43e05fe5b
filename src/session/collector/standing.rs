//! How a run stands while it goes on: for those who look on, and for a report
//! of what there is so far.

use crate::evidence::watches::Watches;
use crate::model::Platform;
use crate::sampler::{CpuSetup, CpuTotals, LiveStatus};
use crate::units::{Cycles, Nanos};

use super::super::observer::{CpuView, Sampling, View};
use super::super::retention::LeftOut;
use super::super::snapshot::{ENDED_BY, Snapshot};
use super::{Collected, Collector, KernelRecords};

impl Collector<'_> {
    /// Passes on how the run stands by these totals.
    pub(super) fn pass_snapshot(
        &mut self,
        setups: &[CpuSetup],
        mut totals: Vec<CpuTotals>,
        watches: &Watches,
    ) {
        let cpus = (self.cpus.iter().zip(&mut totals))
            .map(|(cpu, totals)| cpu.tally.so_far(totals))
            .collect();
        let trace = self.trace.as_ref();
        let collected = Collected {
            setups: setups.to_vec(),
            totals,
            cpus: Vec::new(),
            budget: self.limits.keep,
            left_out: LeftOut::default(),
            moments: None,
            ended_by: ENDED_BY,
            timeline: self.timeline.clone(),
            clock: self.clock.clone(),
            kernel: KernelRecords {
                setup: self.trace_setup.clone(),
                names: trace.map(|trace| trace.names().clone()),
                totals: trace.map_or(Vec::new(), |trace| {
                    let indexes = 0..setups.len();
                    indexes.map(|index| trace.totals_so_far(index)).collect()
                }),
            },
            watches: watches.clone(),
        };
        let kept = self.retention.so_far();
        let moments = (kept.left_out.open > 0).then(|| self.moments.clone());
        let snapshot = Snapshot::new(collected, cpus, kept, moments);
        self.observer.snapshot(snapshot);
    }

    /// How the run stands after this time.
    pub(super) fn view(
        &self,
        statuses: &[LiveStatus],
        setups: &[CpuSetup],
        elapsed: Nanos,
    ) -> View {
        let nanos = |cycles: Cycles| self.limits.hz.to_nanos(cycles);
        let cpus = setups.iter().zip(&self.cpus).zip(statuses);
        View {
            elapsed,
            cpus: cpus
                .map(|((setup, state), status)| CpuView {
                    cpu: setup.cpu,
                    elapsed: nanos(status.elapsed),
                    uncovered: nanos(status.uncovered)
                        .saturating_sub(state.tally.platform_beside_kernel()),
                    max_platform: nanos(state.tally.max_platform()),
                    counts: state.tally.counts(),
                    above_limit: state.tally.above_limit(),
                    unknown: state.tally.unknown(),
                    smis: match self.limits.setting.platform {
                        Platform::BareMetal => status.smis,
                        Platform::Guest => None,
                    },
                    sampling: match status.ended {
                        true => Sampling::Ended,
                        false => Sampling::GoesOn,
                    },
                })
                .collect(),
        }
    }
}
