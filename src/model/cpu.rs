//! One sampled CPU.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Cause, WatchedReport};
use crate::units::{CpuId, Cycles, Nanos};

/// The SMI counter of one CPU over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmiCount {
    /// The counter at the start; 32 bits wide in the hardware.
    pub before: u64,
    /// The counter at the end.
    pub after: u64,
    /// The difference, a wrap allowed for; of slices, the sum of theirs.
    pub delta: u64,
}

impl SmiCount {
    /// This count and a later one of the same counter as one. What came between
    /// the two came while nothing was counted.
    pub fn and_then(self, later: SmiCount) -> SmiCount {
        SmiCount {
            before: self.before,
            after: later.after,
            delta: self.delta + later.delta,
        }
    }
}

/// The kind of a core, where a CPU has cores of several kinds: they differ in
/// their floor.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CoreKind {
    /// A fast one (P-core).
    Performance,
    /// A frugal one (E-core).
    Efficient,
}

/// Where a CPU stands in its machine, as the kernel tells: what is not known is
/// left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CpuPlace {
    /// Its package (socket).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<u32>,
    /// Its core: CPUs of one package with the same number share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<u32>,
    /// Its memory node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u32>,
    /// The kind of its core, on hybrid CPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CoreKind>,
}

/// One sampled CPU.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CpuReport {
    /// Its number.
    pub cpu: CpuId,
    /// Where it stands; absent in reports of versions that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<CpuPlace>,
    /// From its first sample to its last.
    pub elapsed_ns: Nanos,
    /// Time in which a stall above the threshold could not have been missed.
    pub covered_ns: Nanos,
    /// Time in the tool's own slow path.
    pub blind_ns: Nanos,
    /// Time that the kernel took.
    pub os_ns: Nanos,
    /// Time of gaps that the evidence gives to nobody.
    #[serde(default)]
    pub unknown_ns: Nanos,
    /// Time not sampled because of `--width` and `--window`.
    pub paused_ns: Nanos,
    /// What came of holding interrupts off, where the engine did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked: Option<MaskedReport>,
    /// What is to be known of the kernel's tracer, where one sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracer: Option<TracerReport>,
    /// Rounds of the loop, exact; `null` where a tracer of the kernel's
    /// sampled, which does not tell.
    pub iterations: Option<u64>,
    /// The smallest delta seen, exact: the floor of the loop; `null` likewise.
    pub min_cycles: Option<Cycles>,
    /// The longest gap seen, of any cause, exact.
    pub max_ns: Nanos,
    /// The longest delta that is the platform's, above the threshold or not.
    pub max_platform_ns: Nanos,
    /// The longest part of a gap that the evidence gives to nobody; absent in
    /// reports of versions that did not store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unknown_ns: Option<Nanos>,
    /// The longest delta in which the kernel ran.
    pub max_os_ns: Nanos,
    /// The SMI counter, or `null` with `smi_reason`.
    pub smi: Option<SmiCount>,
    /// Why `smi` is `null`, or what is to be known about it.
    pub smi_reason: Option<String>,
    /// Gaps above the threshold, exact.
    pub gaps_seen: u64,
    /// Gaps listed in this report: as many as `--keep-gaps` has of the run, at
    /// first those with a part that the kernel does not explain, the longest;
    /// of the others the longest and a sample.
    pub gaps_recorded: u64,
    /// Gaps whose record was lost because the ring was full.
    pub gaps_dropped: u64,
    /// Gaps above the threshold by cause, exact but for dropped ones.
    pub gaps_by_cause: CauseCounts,
    /// `fifo` with a priority, or `other`.
    pub scheduling: String,
    /// Why sampling on this CPU ended early, if it did.
    pub ended_early: Option<String>,
    /// All deltas above the trip level.
    pub histogram: HistogramReport,
    /// What the kernel did on this CPU, by its own records, the most costly
    /// first; `null` without records.
    #[serde(default)]
    pub os_sources: Option<Vec<OsSource>>,
    /// What entries of the kernel take on this CPU, by which the platform's part
    /// of a gap is told where the kernel ran too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usual: Vec<UsualTime>,
    /// First and last reading of each shot, in cycles since `tsc.origin`: what
    /// was sampled, to the shot. Only of a run of up to a minute with
    /// `--keep-gaps all`, as it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shots: Option<Vec<[Cycles; 2]>>,
    /// What was counted of the CPU beside its gaps; `null` in reports of
    /// versions that did not.
    #[serde(default)]
    pub watched: Option<WatchedReport>,
}

/// One source of kernel activity on a CPU, over the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OsSource {
    /// An interrupt vector, a handler, a softirq or a task.
    pub name: String,
    /// How often it had the CPU.
    pub count: u64,
    /// How long in all, nested activities taken off.
    pub total_ns: Nanos,
    /// How long at most at a time.
    pub max_ns: Nanos,
}

/// One CPU sampled with interrupts off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaskedReport {
    /// Stretches sampled with interrupts off.
    pub shots: u64,
    /// The longest of them.
    pub longest_shot_ns: Nanos,
    /// Time between them: interrupts on, not sampled, not covered.
    pub between_ns: Nanos,
    /// NMIs that came in shots; where the program cannot read the kernel's
    /// count, NMIs between readings of /proc/interrupts.
    pub nmis: u64,
    /// Machine checks, counted in the same way.
    pub machine_checks: u64,
    /// Bound of the error of a gap's place on the TSC: the engine reads
    /// CLOCK_MONOTONIC, and each shot has a fit of its own.
    pub clock_error_ns: Nanos,
}

/// One CPU sampled by a tracer of the kernel's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TracerReport {
    /// Its name.
    pub name: String,
    /// Whether interrupts waited while it sampled.
    pub interrupts_off: bool,
    /// Windows, or runs, that were sampled.
    pub windows: u64,
    /// The part of each that it was told to sample.
    pub width_ns: Nanos,
    /// How finely it tells lengths: a gap's is within half of this.
    pub resolution_ns: Nanos,
    /// Gaps above the threshold that share the record of another one in the
    /// same window: counted, and no longer than it.
    pub companions: u64,
    /// Records that the kernel's buffer lost, at least.
    pub lost_records: u64,
}

/// How many gaps have each cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CauseCounts {
    /// Proved or probable SMIs.
    pub smi: u64,
    /// SMI and kernel in one gap.
    #[serde(rename = "smi+os")]
    pub smi_os: u64,
    /// The CPU or platform, no SMI.
    pub cpu: u64,
    /// The same and kernel in one gap.
    #[serde(rename = "cpu+os")]
    pub cpu_os: u64,
    /// Not the kernel; no counter to tell firmware from CPU.
    #[serde(rename = "firmware-or-cpu")]
    pub firmware_or_cpu: u64,
    /// The same and kernel in one gap.
    #[serde(rename = "firmware-or-cpu+os")]
    pub firmware_or_cpu_os: u64,
    /// The hypervisor or what lies below it.
    pub hypervisor: u64,
    /// The same and kernel in one gap.
    #[serde(rename = "hypervisor+os")]
    pub hypervisor_os: u64,
    /// This kernel.
    pub os: u64,
    /// Not attributable.
    pub unknown: u64,
}

impl CauseCounts {
    /// Counts one gap.
    pub fn add(&mut self, cause: Cause) {
        self.add_several(cause, 1);
    }

    /// Counts several gaps of one cause.
    pub fn add_several(&mut self, cause: Cause, count: u64) {
        *self.slot(cause) += count;
    }

    /// Of each cause the larger count.
    #[must_use]
    pub fn max(mut self, other: CauseCounts) -> CauseCounts {
        for (cause, count) in other.each() {
            let own = self.slot(cause);
            *own = (*own).max(count);
        }
        self
    }

    /// The counts of both, each stopping at the largest value: a report may
    /// be anyone's.
    #[must_use]
    pub fn and(mut self, other: CauseCounts) -> CauseCounts {
        for (cause, count) in other.each() {
            let slot = self.slot(cause);
            *slot = slot.saturating_add(count);
        }
        self
    }

    /// Moves one gap from a cause to another.
    pub fn recast(&mut self, from: Cause, to: Cause) {
        self.recast_several(from, to, 1);
    }

    /// Moves several gaps from a cause to another.
    pub fn recast_several(&mut self, from: Cause, to: Cause, count: u64) {
        *self.slot(from) -= count;
        *self.slot(to) += count;
    }

    /// How many gaps have this cause.
    pub fn count(&self, cause: Cause) -> u64 {
        let own = self.each().into_iter().find(|(other, _)| *other == cause);
        own.map_or(0, |(_, count)| count)
    }

    /// The causes with their counts, in the order in which they are shown.
    pub fn each(mut self) -> [(Cause, u64); Cause::ALL.len()] {
        Cause::ALL.map(|cause| (cause, *self.slot(cause)))
    }

    /// Gaps of the platform, or with a part of it.
    pub fn platform(self) -> u64 {
        self.sum(Cause::is_platform)
    }

    /// Those of them in which this kernel took a part too.
    pub fn mixed(self) -> u64 {
        self.sum(Cause::is_mixed)
    }

    fn sum(self, is_meant: fn(Cause) -> bool) -> u64 {
        let meant = self
            .each()
            .into_iter()
            .filter(|&(cause, _)| is_meant(cause));
        meant.fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    fn slot(&mut self, cause: Cause) -> &mut u64 {
        match cause {
            Cause::Smi => &mut self.smi,
            Cause::SmiOs => &mut self.smi_os,
            Cause::Cpu => &mut self.cpu,
            Cause::CpuOs => &mut self.cpu_os,
            Cause::FirmwareOrCpu => &mut self.firmware_or_cpu,
            Cause::FirmwareOrCpuOs => &mut self.firmware_or_cpu_os,
            Cause::Hypervisor => &mut self.hypervisor,
            Cause::HypervisorOs => &mut self.hypervisor_os,
            Cause::Os => &mut self.os,
            Cause::Unknown => &mut self.unknown,
        }
    }
}

/// Every delta above the trip level, in log-linear buckets (16 an octave, so
/// that a bucket is at most 6.25 % wide). The one that holds the limit is split
/// there: a delta of just the limit stands below it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HistogramReport {
    /// Deltas at or below this length were not looked at.
    pub trip_ns: Nanos,
    /// The buckets that hold anything, shortest first.
    pub buckets: Vec<Bucket>,
}

/// One bucket of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bucket {
    /// Lower edge, inclusive.
    pub from_ns: Nanos,
    /// Upper edge, exclusive.
    pub to_ns: Nanos,
    /// Deltas in which this kernel did not run.
    pub kernel_absent: u64,
    /// Deltas in which it ran.
    pub kernel_ran: u64,
    /// Deltas for which that is not known.
    pub unknown: u64,
    /// Platform's parts of this length, of gaps that are longer and stand in
    /// `kernel_ran` or `unknown` as a whole.
    #[serde(default)]
    pub platform_parts: u64,
}

impl Bucket {
    /// All that the platform took in times of this length.
    pub fn platform(&self) -> u64 {
        self.kernel_absent.saturating_add(self.platform_parts)
    }
}

/// What something of the kernel's takes on a CPU, by this run's own gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsualTime {
    /// What it is: a way into the kernel or back, or an interrupt as a whole.
    pub what: String,
    /// The median.
    pub typical_ns: Nanos,
    /// What it may take at most: time beyond is not the kernel's.
    pub bound_ns: Nanos,
}
