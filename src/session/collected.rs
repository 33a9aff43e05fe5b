//! All that a run yielded, or has yielded so far.

use crate::evidence::kernel_trace::{ActivityId, Names, SourceTotal, TraceSetup};
use crate::evidence::watches::Watches;
use crate::model::{CauseCounts, EndedBy};
use crate::sampler::{CpuSetup, CpuTotals};

use super::clock_watch::ClockWatch;
use super::retention::{Budget, LeftOut};
use super::tally::CpuCollection;
use super::timeline::Timeline;

/// What a run yielded.
#[derive(Clone, Debug)]
pub struct Collected {
    /// What the engine found before it began.
    pub setups: Vec<CpuSetup>,
    /// Its exact counts.
    pub totals: Vec<CpuTotals>,
    /// The gaps, CPU by CPU.
    pub cpus: Vec<CpuCollection>,
    /// How many gaps are kept and listed.
    pub budget: Budget,
    /// Gaps that were not kept.
    pub left_out: LeftOut,
    /// The platform's stalls above the limit, counted as they came; `None` where
    /// the gaps tell, as all that count were kept.
    pub moments: Option<CauseCounts>,
    /// What ended the run.
    pub ended_by: EndedBy,
    /// The clocks.
    pub timeline: Timeline,
    /// The clocksource.
    pub clock: ClockWatch,
    /// The kernel's records.
    pub kernel: KernelRecords,
    /// What was watched beside the run.
    pub watches: Watches,
}

/// What the kernel recorded of itself.
#[derive(Clone, Debug)]
pub struct KernelRecords {
    /// What could be opened.
    pub setup: TraceSetup,
    /// The names in accounts; `None` without records.
    pub names: Option<Names>,
    /// By CPU, what each source took, largest first, and records lost.
    pub totals: Vec<(Vec<(ActivityId, SourceTotal)>, u64)>,
}
