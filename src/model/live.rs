//! How a run stands while it goes on, for programs.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{CauseCounts, SCHEMA_VERSION};
use crate::units::Nanos;

/// The value of [`LiveStanding::schema`].
pub const LIVE_SCHEMA: &str = "hwgap.live";

/// A line of `hwgap run --live-json`. What is learnt later may still take a gap
/// from its cause: the report has the last word.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LiveStanding {
    /// What the line is.
    #[schemars(extend("const" = LIVE_SCHEMA))]
    pub schema: &'static str,
    /// The version of the schema, from 1.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// When it was so, RFC 3339, UTC.
    pub time_utc: String,
    /// Whether the run goes on.
    pub state: LiveState,
    /// Since sampling began.
    pub elapsed_ns: Nanos,
    /// The duration that was asked for.
    pub planned_ns: Nanos,
    /// CPUs that are sampled.
    pub cpus: usize,
    /// Those of them on which sampling has ended; all of them in the last line.
    pub cpus_ended: usize,
    /// Covered share of the elapsed time, mean over CPUs, 0 to 1; `null` before
    /// the first sample of each.
    pub coverage: Option<f64>,
    /// Gaps above the threshold, over all CPUs.
    pub gaps_by_cause: CauseCounts,
    /// Platform gaps above the limit, over all CPUs.
    pub platform_gaps: u64,
    /// The longest platform gap, or part of one, over all CPUs; 0 where none was
    /// above the threshold.
    pub platform_max_ns: Nanos,
    /// Time of gaps that the evidence gives to nobody, over all CPUs.
    pub unknown_ns: Nanos,
    /// SMIs: the largest count of the CPUs, as each CPU counts the same ones;
    /// `null` in a guest, and where they cannot be counted on every CPU, of which
    /// the report has the reason (`cpus[].smi_reason`).
    pub smis: Option<u64>,
    /// Lines before this one that were not written, as nobody took them.
    pub lines_dropped: u64,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LiveState {
    /// It does.
    Running,
    /// Sampling is over: this is the last line.
    Ended,
}
