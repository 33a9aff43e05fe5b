//! The clock of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::{ClockStepReport, TscLogLine};
use crate::units::{CpuId, Cycles, Nanos};

/// The clock of the run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tsc {
    /// The TSC value that all `*_cycles` of this report count from, as a
    /// decimal string: 64 bits do not fit every reader's numbers.
    pub origin: String,
    /// Cycles a second; a whole number in the file.
    #[serde(serialize_with = "as_whole")]
    #[schemars(with = "u64")]
    pub hz: f64,
    /// Where `hz` comes from.
    pub hz_source: String,
    /// Bound of the error of `hz`, in parts per million.
    pub hz_error_ppm: Option<f64>,
    /// CPUID 80000007h EDX\[8\]; `null` where the CPU does not say.
    pub invariant: Option<bool>,
    /// The kernel's TSC flags of the CPU (`constant_tsc`, `nonstop_tsc`, …).
    pub flags: Vec<String>,
    /// Smallest step seen between two readings, in cycles.
    pub granularity_cycles: Option<u64>,
    /// The kernel's clocksource when the run began.
    pub clocksource_start: Option<String>,
    /// The kernel's clocksource when the run ended.
    pub clocksource_end: Option<String>,
    /// Each change in between.
    pub clocksource_changes: Vec<ClocksourceChange>,
    /// The TSC of each sampled CPU against the first one.
    pub offsets: Vec<TscOffset>,
    /// Points between which the time of day runs straight against the TSC, in
    /// order of time: any `*_cycles` of this report has the time of day on the
    /// line between the two around it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utc_points: Vec<UtcPoint>,
    /// Each time that the time of day was set in the run. Where it was, two of
    /// `utc_points` are a cycle apart: each gap has the time of one clock, that
    /// before the step up to the look that saw it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utc_steps: Vec<UtcStepReport>,
    /// By how much those lines may miss what the host's clock showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utc_error_ns: Option<Nanos>,
    /// Moments at which the clocks went apart. Gaps at those times have the
    /// cause `unknown`.
    #[serde(default)]
    pub steps: Vec<ClockStepReport>,
    /// Lines of the kernel log about the TSC: at most 100 from before the run
    /// and 100 from during it.
    #[serde(default)]
    pub log: Vec<TscLogLine>,
}

/// Rates are known to parts per million at best: no reader needs a fraction.
fn as_whole<S: Serializer>(hz: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(hz.round() as u64)
}

/// A moment on the TSC and by the host's time of day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UtcPoint {
    /// Cycles since `tsc.origin`.
    pub cycles: Cycles,
    /// RFC 3339, UTC.
    pub utc: String,
}

/// The time of day was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UtcStepReport {
    /// The look that saw it, in cycles since `tsc.origin`; it came at most one
    /// look before: a fifth of a second, four seconds on a shared CPU.
    pub seen_cycles: Cycles,
    /// What the clock would have shown then, RFC 3339, UTC.
    pub before_utc: String,
    /// What it showed.
    pub after_utc: String,
    /// By how much it was set ahead, in nanoseconds; negative where it was set
    /// back.
    pub ahead_ns: i64,
}

/// A change of the kernel's clocksource during a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClocksourceChange {
    /// When it was noticed, RFC 3339, UTC.
    pub seen_utc: String,
    /// The clocksource before.
    pub from: String,
    /// The clocksource after.
    pub to: String,
}

/// The difference between two CPUs' TSCs, by an exchange of cache lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TscOffset {
    /// The CPU compared with the first sampled one.
    pub cpu: CpuId,
    /// Its TSC minus that of the first, in cycles.
    pub offset_cycles: i64,
    /// Half the fastest round trip: the true offset lies within this bound.
    pub error_cycles: u64,
}
