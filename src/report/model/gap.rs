//! Gaps, and the stalls that they are part of.

use serde::{Deserialize, Serialize};

use crate::attribution::{Cause, Confidence, Evidence};
use crate::units::{CpuId, Cycles, Nanos};

use super::EngineName;

/// Platform gaps that overlap in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StallReport {
    /// The first reading before it, in cycles since `tsc.origin`.
    pub start_cycles: Cycles,
    /// RFC 3339, UTC, with nanoseconds.
    pub start_utc: String,
    /// From the first start to the last end.
    pub duration_ns: Nanos,
    /// The CPUs that saw it, as a list such as `1-3,5`.
    pub cpus: String,
    /// How many gaps it is made of.
    pub gaps: u64,
    /// Whether every sampled CPU saw it; `null` where only one is sampled.
    pub all_sampled_cpus: Option<bool>,
    /// How far the ends of its gaps lie apart: firmware lets all CPUs go at
    /// once.
    pub end_spread_ns: Nanos,
    /// Error bound of the comparison between CPUs.
    pub tsc_error_ns: Nanos,
    /// SMIs counted for it: the largest count of its CPUs, as each CPU counts
    /// the same ones; `null` where none could be counted.
    pub smi_delta: Option<u32>,
    /// Who took the time.
    pub cause: Cause,
    /// How sure that is.
    pub confidence: Confidence,
}

/// One recorded gap: what was derived, and in `raw` what it was derived from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The engine that saw it, where two sampled in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineName>,
    /// The CPU it was seen on.
    pub cpu: CpuId,
    /// The last reading before the gap, in cycles since `tsc.origin`.
    pub start_cycles: Cycles,
    /// The first reading after the gap.
    pub end_cycles: Cycles,
    /// RFC 3339, UTC, with nanoseconds.
    pub start_utc: String,
    /// Its length.
    pub duration_ns: Nanos,
    /// Further gaps above the threshold that share this record of a tracer:
    /// none longer, at moments that are not known. The place of the gap is
    /// then the first one's, its length the longest one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companions: Option<u32>,
    /// Who took the time.
    pub cause: Cause,
    /// How sure that is.
    pub confidence: Confidence,
    /// SMIs counted for this gap; `null` where none could be counted or the
    /// count cannot be given to one gap.
    pub smi_delta: Option<u32>,
    /// Whether this kernel ran in the gap; `null` where that is not known.
    pub kernel_ran: Option<bool>,
    /// The part of the gap that the kernel took.
    pub os_ns: Option<Nanos>,
    /// The part that it did not take.
    pub residual_ns: Option<Nanos>,
    /// One sentence for a human.
    pub detail: String,
    /// What the kernel recorded of the gap; `null` without records.
    #[serde(default)]
    pub kernel: Option<KernelAccount>,
    /// The evidence as it was collected, so that a report can be judged again.
    pub raw: Evidence,
}

/// What the kernel's own records say of a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelAccount {
    /// What was recorded.
    pub standing: RecordStanding,
    /// Union of the recorded intervals, and the usual cost of the way into the
    /// kernel and back.
    pub accounted_ns: Nanos,
    /// What the same activities usually take; `null` for tasks.
    pub usual_ns: Option<Nanos>,
    /// The activities that took most.
    pub by: Vec<NamedTime>,
}

/// What was recorded in a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordStanding {
    /// Nothing.
    Nothing,
    /// Interrupts and the like.
    Interrupts,
    /// Other tasks ran.
    Tasks,
    /// An exception whose end is not recorded.
    Fault,
    /// Records were lost.
    Lost,
}

/// A named part of a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTime {
    /// Who.
    pub name: String,
    /// How long.
    pub ns: Nanos,
}
