//! A comparison in the form that is saved: JSON of the schema "hwgap.compare".
//!
//! The field names are a contract with other programs: add, never rename.
//! Ratios and differences are after against before; `null` is "not known" or,
//! at the end of an interval, "without bound".

#![warn(missing_docs)]

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Tool;
use crate::units::Nanos;

use super::events::Class;
use super::pictured::Pictured;

/// The value of [`Comparison::schema`].
pub const SCHEMA: &str = "hwgap.compare";
/// The value of [`Comparison::schema_version`].
pub const SCHEMA_VERSION: u32 = 1;

/// A whole comparison.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Comparison {
    /// What the document is.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// The version of the schema, from 1.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The program that compared.
    pub tool: Tool,
    /// Level of all intervals, and 1 minus the risk of a false finding.
    pub level: f64,
    /// The factor between rates from which on a difference matters.
    pub margin: f64,
    /// How many comparisons share the risk.
    pub correction: &'static str,
    /// The judgement.
    pub verdict: Verdict,
    /// Above which length stalls are compared.
    pub threshold: Threshold,
    /// The runs before the change.
    pub before: Side,
    /// The runs after it.
    pub after: Side,
    /// What speaks against laying a difference to the setting under test.
    pub notes: Vec<Note>,
    /// What differs between the machines' descriptions.
    pub changes: Vec<Change>,
    /// Rates by class and length, the whole first.
    pub rates: Vec<RateRow>,
    /// Whether stalls are longer; `null` with too few on a side.
    pub lengths: Option<LengthRow>,
    /// Time that the platform took.
    pub lost: Lost,
    /// The longest stalls.
    pub worst: Worst,
    /// What pictures show of the stalls; the reports themselves have them all.
    #[serde(skip)]
    pub pictured: Pictured,
}

/// What the comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Something became rarer or shorter, nothing the contrary.
    Better,
    /// Something became more frequent or longer, nothing the contrary.
    Worse,
    /// Both.
    Mixed,
    /// Whatever difference there is, it is smaller than the margin.
    NoDifference,
    /// No rise that matters; it may have become better.
    NotWorse,
    /// The evidence allows none of these.
    NotEnoughData,
}

/// The judgement.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Verdict {
    /// What the comparison says.
    pub result: Finding,
    /// The same as a sentence.
    pub text: String,
    /// What it rests on, most important first.
    pub reasons: Vec<String>,
    /// How long to measure to settle it, where that can be said.
    pub hours_needed: Option<HoursNeeded>,
}

/// How long to measure to settle it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HoursNeeded {
    /// Covered hours of each side, those at hand included.
    pub each_side: f64,
    /// How many more that is before the change.
    pub more_before: f64,
    /// And after it.
    pub more_after: f64,
    /// What it supposes.
    pub assumption: String,
}

/// Above which length stalls are compared.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Threshold {
    /// The length.
    pub ns: Nanos,
    /// Why not that of each run.
    pub reasons: Vec<String>,
}

/// The runs of one side.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Side {
    /// Run by run.
    pub runs: Vec<RunRow>,
    /// Covered time of all runs.
    pub covered_hours: f64,
    /// Platform stalls above the common threshold.
    pub stalls: u64,
}

/// One run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunRow {
    /// The file.
    pub file: String,
    /// Lower-case hexadecimal SHA-256 of it.
    pub sha256: String,
    /// The user's own label.
    pub label: Option<String>,
    /// RFC 3339, UTC.
    pub started_utc: String,
    /// The CPUs that were sampled, as a list.
    pub cpus: String,
    /// Covered time, the mean over CPUs.
    pub covered_hours: f64,
    /// Covered share of the elapsed time.
    pub coverage: f64,
    /// The run's own threshold.
    pub threshold_ns: Nanos,
    /// Platform stalls above the common threshold.
    pub stalls: u64,
    /// An hour of covered time; `null` without any.
    pub per_hour: Option<f64>,
    /// Lower end of the 95 % interval of that rate, were stalls at random
    /// moments (exact, Garwood 1936).
    pub per_hour_low: Option<f64>,
    /// Upper end.
    pub per_hour_high: Option<f64>,
}

/// How much a note weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The verdict stands, with this doubt.
    Doubt,
    /// No verdict can be given.
    Bars,
}

/// What speaks against laying a difference to the setting under test.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Note {
    /// A stable name, kebab-case.
    pub id: &'static str,
    /// How much it weighs.
    pub weight: Weight,
    /// What was found and what follows.
    pub text: String,
}

/// A field of the machines' descriptions that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// Its path in the report, such as `host.bios.version`.
    pub field: String,
    /// Its values before, each once; of lists the items that only they have.
    pub before: Vec<String>,
    /// Its values after.
    pub after: Vec<String>,
}

/// Events of one side.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Counted {
    /// How many.
    pub events: u64,
    /// An hour of covered time; `null` without any.
    pub per_hour: Option<f64>,
}

/// So many times as often is no bound at all: a single stall of one side can give
/// any number where stalls come in bursts.
const NO_BOUND: f64 = 1e4;

/// The upper bound of a ratio as people are told it, if it is one.
pub fn told_bound(high: Option<f64>) -> Option<f64> {
    high.filter(|high| *high <= NO_BOUND)
}

/// The rates of one class and range of lengths.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RateRow {
    /// Who took the time.
    pub class: Class,
    /// Stalls longer than this.
    pub above_ns: Nanos,
    /// And not longer than this; `null` without bound.
    pub up_to_ns: Option<Nanos>,
    /// Before the change.
    pub before: Counted,
    /// After it.
    pub after: Counted,
    /// Rate after by rate before.
    pub ratio: Option<f64>,
    /// Lower end of its interval.
    pub ratio_low: Option<f64>,
    /// Upper end.
    pub ratio_high: Option<f64>,
    /// How the events scatter: `random`, `bursty`, `regular`, `runs-differ`.
    pub scatter: &'static str,
    /// Variance of a count by its mean, as the test takes it.
    pub dispersion: f64,
    /// Chance of such a ratio under equal rates; `null` where not tested.
    pub p: Option<f64>,
    /// The same, corrected for all comparisons made here.
    pub p_corrected: Option<f64>,
    /// Why it was not tested.
    pub not_tested: Option<&'static str>,
}

impl RateRow {
    /// Whether this class has all stalls of the platform.
    pub fn repeats_platform(&self, comparison: &Comparison) -> bool {
        comparison.rates.first().is_some_and(|whole| {
            whole.above_ns == self.above_ns
                && self.up_to_ns.is_none()
                && whole.before.events == self.before.events
                && whole.after.events == self.after.events
        })
    }
}

/// Whether stalls are longer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LengthRow {
    /// Median length before.
    pub median_before_ns: Nanos,
    /// Median length after.
    pub median_after_ns: Nanos,
    /// The chance that one after is longer than one before.
    pub chance_longer: f64,
    /// Hodges-Lehmann shift.
    pub shift_ns: i64,
    /// Lower end of its interval.
    pub shift_low_ns: Option<i64>,
    /// Upper end.
    pub shift_high_ns: Option<i64>,
    /// Chance of such a difference under equal distributions.
    pub p: f64,
    /// The same, corrected.
    pub p_corrected: f64,
}

/// Time that the platform took, in ns for each covered hour.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Lost {
    /// Before; `null` without covered time.
    pub before_ns_per_hour: Option<f64>,
    /// After.
    pub after_ns_per_hour: Option<f64>,
    /// After minus before.
    pub difference_ns_per_hour: Option<f64>,
    /// Lower end of its interval.
    pub low_ns_per_hour: Option<f64>,
    /// Upper end.
    pub high_ns_per_hour: Option<f64>,
}

/// The longest stalls.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Worst {
    /// Before; `null` where none was seen.
    pub before_ns: Option<Nanos>,
    /// After.
    pub after_ns: Option<Nanos>,
    /// How many of the longest stalls of all fell on one side, in a row.
    pub longest_on_one_side: u64,
    /// The chance of that, were both sides alike and the stalls independent.
    pub chance: Option<f64>,
    /// What can be said of them, and what cannot.
    pub text: String,
}
