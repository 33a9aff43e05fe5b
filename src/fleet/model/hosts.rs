//! Hosts in the answer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::fleet::names::Name;
use crate::fleet::run::{Identity, WorstStall};
use crate::fleet::sketch::Sketch;
use crate::model::Outcome;
use crate::policy::Reason;
use crate::units::Nanos;

/// One host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HostRow {
    /// Its name, or the place of its report where that holds none; where
    /// several machines share the name, with what tells this one from them.
    pub host: Name,
    /// Its name alone.
    pub hostname: Option<Name>,
    /// A hash of its machine-id, where the report has one.
    pub machine_id_hash: Option<Name>,
    /// Pass, fail or inconclusive.
    pub result: Outcome,
    /// Everything against a pass, and what was waived.
    pub reasons: Vec<Reason>,
    /// What the machine is.
    #[serde(flatten)]
    pub identity: Identity,
    /// The reports that count, the latest last.
    pub reports: Vec<String>,
    /// The SHA-256 of each of them, as it was before any packing: to be held
    /// against a signed list.
    pub sha256: Vec<String>,
    /// What each of them says, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunRow>,
    /// The longest stalls of the runs that do not pass, the longest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub worst_stalls: Vec<WorstStall>,
    /// What pictures show of those runs; the reports themselves have it all.
    #[serde(skip)]
    pub sketches: Vec<Sketch>,
    /// When the latest run began.
    pub started_utc: String,
    /// The longest that the platform took.
    pub platform_max_ns: Nanos,
    /// Stalls above the runs' own limits.
    pub platform_stalls: u64,
    /// The same, an hour of covered time.
    pub platform_rate_per_hour: Option<f64>,
    /// SMIs an hour; `null` where they were not counted in every run.
    pub smi_per_hour: Option<f64>,
    /// Covered machine time, in hours.
    pub covered_hours: f64,
    /// Covered share of the latest run, 0 to 1.
    pub coverage: f64,
    /// Of the latest run that was cut short, why; `null` where all that count
    /// are whole.
    pub cut_short: Option<String>,
    /// Runs that were there more than once.
    pub duplicates: u64,
    /// Reports that say other things of a run than those that count.
    pub conflicts: u64,
    /// Runs of an earlier state of the machine.
    pub superseded: u64,
}

/// One of several runs of a host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunRow {
    /// Its report.
    pub report: String,
    /// The SHA-256 of that.
    pub sha256: String,
    /// Pass, fail or inconclusive.
    pub result: Outcome,
    /// When it began.
    pub started_utc: String,
    /// Wall time.
    pub elapsed_ns: Nanos,
    /// The duration that was asked for, where the report says.
    pub planned_ns: Option<Nanos>,
    /// Why it is not the whole of that, if so.
    pub cut_short: Option<String>,
    /// The longest that the platform took.
    pub platform_max_ns: Nanos,
    /// Stalls above its own limit.
    pub platform_stalls: u64,
}
