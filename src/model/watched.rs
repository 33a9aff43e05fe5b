//! What was watched beside a run: counts of a CPU, steps of the clocks, lines
//! of the kernel log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Cycles, Nanos};

/// What was counted of a CPU over the run beside its gaps. For each `null` the
/// reason stands in the evidence list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WatchedReport {
    /// Times the core began to throttle (`throttle-counts`).
    pub core_throttle_count: Option<u64>,
    /// Times its package did; all CPUs of the package count the same.
    pub package_throttle_count: Option<u64>,
    /// Time throttled for the core's sake; also `null` before Linux 5.6.
    pub core_throttle_ns: Option<Nanos>,
    /// Time throttled for the package's sake.
    pub package_throttle_ns: Option<Nanos>,
    /// Vectors by which hardware reports trouble, those that this kernel
    /// counts (`hardware-vectors`).
    pub vectors: Option<Vec<VectorCount>>,
    /// Time that the hypervisor says it took, in steps of a clock tick
    /// (`steal-time`); `null` on bare metal.
    pub steal_ns: Option<Nanos>,
    /// Time in which the sampler was runnable but did not run (`schedstat`).
    pub run_delay_ns: Option<Nanos>,
    /// IA32_TSC_ADJUST at the start and the end (`tsc-adjust`).
    pub tsc_adjust: Option<TscAdjust>,
    /// Mean frequency over the base frequency (`core-clocks`).
    pub frequency_ratio: Option<f64>,
    /// By how much MPERF advanced more than the TSC, in parts per million of
    /// the TSC; negative where it was behind.
    pub mperf_ahead_ppm: Option<f64>,
    /// Share of the cycles in SMM, 0 to 1 (`smm-time`).
    pub smm_share: Option<f64>,
    /// The period that the platform gaps keep; `null` where none stands out.
    pub gap_period: Option<GapPeriod>,
}

/// How often an interrupt vector came to a CPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VectorCount {
    /// Its name in /proc/interrupts.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// IA32_TSC_ADJUST at both ends of a run, in cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TscAdjust {
    /// Before the first sample.
    pub before: i64,
    /// After the last.
    pub after: i64,
}

/// A period that gaps keep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GapPeriod {
    /// Its length.
    pub period_ns: Nanos,
    /// Share of the gaps that keep it, 0 to 1; bursts count as one gap.
    pub share: f64,
    /// Share of the periods that hold such a gap.
    pub occupancy: f64,
    /// Gaps that were looked at: at most the first 1,000.
    pub gaps: u64,
}

/// A moment at which the clocks went apart, between two looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockStepReport {
    /// When it was noticed, RFC 3339, UTC.
    pub seen_utc: String,
    /// The TSC at the look before, in cycles since `tsc.origin`, modulo 2^64.
    pub from_cycles: Cycles,
    /// The TSC at the look that noticed it; a TSC that was set back makes it
    /// the smaller one.
    pub to_cycles: Cycles,
    /// What happened.
    #[serde(flatten)]
    pub what: ClockStepKind,
}

/// What made clocks go apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ClockStepKind {
    /// The machine was suspended.
    Suspend {
        /// For how long.
        suspended_ns: Nanos,
    },
    /// The TSC was set.
    TscStep {
        /// How far it went ahead of CLOCK_MONOTONIC_RAW, in nanoseconds;
        /// negative where it fell behind.
        ahead_ns: i64,
    },
    /// The TSC's rate changed.
    TscRate {
        /// By how much, in parts per million.
        change_ppm: i64,
    },
}

/// A line of the kernel log about the TSC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TscLogLine {
    /// When it was noticed, RFC 3339, UTC; `null` for lines from before the
    /// run.
    pub seen_utc: Option<String>,
    /// What it says.
    pub text: String,
}
