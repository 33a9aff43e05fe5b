//! Regular series among the platform's stalls, as a report holds them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// A series of stalls that keep a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeriodicSeries {
    /// Its period.
    pub period_ns: u64,
    /// One standard deviation of the period as estimated.
    pub period_error_ns: u64,
    /// The first beat, from the start of the run.
    pub first_ns: Nanos,
    /// The last beat.
    pub last_ns: Nanos,
    /// Beats from the first to the last.
    pub beats: u64,
    /// Beats that came.
    pub seen: u64,
    /// Stalls that belong to it.
    pub stalls: u64,
    /// Share of all stalls, 0 to 1.
    pub share: f64,
    /// Standard deviation of the beats around their places.
    pub jitter_ns: u64,
    /// Median length of its stalls.
    pub length_ns: Nanos,
    /// Upper bound of the probability that stalls at random show a series as
    /// good, the whole search allowed for.
    pub false_alarm: f64,
    /// Known sources that fit. They are candidates, no more.
    pub candidates: Vec<Candidate>,
}

/// A known source that fits a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// What it is.
    pub name: String,
    /// Who raises it.
    pub kind: SourceKind,
    /// Where the knowledge comes from.
    pub standing: String,
    /// What to try.
    pub remedy: String,
}

/// Who raises the stalls of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Firmware, by SMIs.
    Smi,
    /// The kernel.
    Kernel,
    /// The hypervisor, or the kernel below a guest.
    Hypervisor,
}
