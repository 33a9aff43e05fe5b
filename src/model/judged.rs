//! What is concluded: evidence, findings, verdict.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// A source of evidence, and what its absence costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceSource {
    /// A stable name: `footprint`, `smi-counter`, `rusage`, `schedstat`, …
    pub source: String,
    /// Whether the run could rely on it.
    pub usable: bool,
    /// How it was verified, or why it is not usable.
    pub reason: String,
    /// What its absence costs the verdict, where it is not usable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<String>,
    /// What makes it usable, where something can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// How much a finding matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Limits what the result means.
    Warning,
    /// Takes the result its meaning.
    Critical,
}

impl Severity {
    /// As in the report.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// Something the reader should know or do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// A stable name, kebab-case.
    pub id: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found and what follows.
    pub text: String,
    /// What can be done about it.
    pub remedy: Option<String>,
}

impl Finding {
    pub(crate) fn new<'a>(
        id: &str,
        severity: Severity,
        text: impl Into<String>,
        remedy: impl Into<Option<&'a str>>,
    ) -> Finding {
        Finding {
            id: id.to_owned(),
            severity,
            text: text.into(),
            remedy: remedy.into().map(str::to_owned),
        }
    }
}

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing of the platform above the limit was seen.
    Pass,
    /// Platform latency above the limit.
    Fail,
    /// The evidence allows neither.
    Inconclusive,
}

impl Outcome {
    /// As in the report.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Inconclusive => "inconclusive",
        }
    }
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The machine itself.
    Hardware,
    /// All that lies below a guest, of which the hardware is only a part.
    HypervisorAndBelow,
}

/// The judgement with its statistics.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Pass, fail or inconclusive.
    pub result: Outcome,
    /// What it is about.
    pub subject: Subject,
    /// Platform gaps above the limit, over all CPUs.
    pub platform_gaps: u64,
    /// Separate moments in which such gaps fell: one SMI seen by all CPUs is
    /// one stall.
    pub platform_stalls: u64,
    /// The longest delta that is the platform's, above the threshold or not,
    /// over all CPUs.
    pub platform_max_ns: Nanos,
    /// Stalls above the limit an hour of covered time; `null` without coverage.
    pub platform_rate_per_hour: Option<f64>,
    /// One-sided exact 95 % upper bound of that rate (Poisson; Garwood 1936).
    pub platform_rate_upper95_per_hour: Option<f64>,
    /// Covered share of the elapsed time, mean over CPUs, 0 to 1.
    pub coverage: f64,
    /// Why the run is not the whole that was asked for; absent where it is. It
    /// stands among the reasons, too, but a policy that says how much is enough
    /// takes no notice of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// Why this result, most important first.
    pub reasons: Vec<String>,
}
