//! The document of `hwgap preflight`, field by field as its JSON has it.
//! Version 1 may gain fields; none is renamed.

#![warn(missing_docs)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{EvidenceSource, HostIdentity, Severity, Tool};

/// `schema` of every document.
pub const SCHEMA: &str = "hwgap.preflight";
/// `schema_version` of this form.
pub const SCHEMA_VERSION: u32 = 1;

/// What this host allows and what will disturb a measurement on it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PreflightReport {
    /// [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// [`SCHEMA_VERSION`].
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The program that wrote this.
    pub tool: Tool,
    /// When the host was looked at: RFC 3339, UTC.
    pub taken_utc: String,
    /// The machine.
    pub host: HostIdentity,
    /// The run that the answer is about.
    pub plan: PlannedRun,
    /// The answer.
    pub verdict: Readiness,
    /// Every condition looked at, the most severe first, also those in order.
    pub findings: Vec<Condition>,
    /// Every source of evidence as a run would have it, in the order in which
    /// they weigh.
    pub evidence: Vec<EvidenceSource>,
}

/// The run that the answer is about. CPUs are lists such as `1-3,5`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedRun {
    /// The CPUs that it would sample; empty where there are none.
    pub cpus: String,
    /// The CPUs that are online and it would not sample.
    pub cpus_not_sampled: String,
    /// The real-time priority of its samplers.
    pub priority: u8,
    /// Whether samplers were set up and taken down again to see what a run can
    /// do; else the answer rests on files alone.
    pub tried: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// Whether to go ahead.
    pub result: Outlook,
    /// How many findings have the effect `disturbs`.
    pub disturbances: usize,
    /// How many findings have the effect `limits`.
    pub limits: usize,
}

/// Whether to go ahead with a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// Nothing known would disturb it: exit status 0.
    Ready,
    /// Something will disturb it: exit status 1.
    WillBeDisturbed,
    /// There would be no measurement, or none that allows a verdict: exit
    /// status 3.
    CannotMeasure,
}

/// One condition of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// A stable name, kebab-case.
    pub id: String,
    /// What it is about.
    pub subject: Subject,
    /// What it does to a measurement.
    pub effect: Effect,
    /// The same in the grades of a run's findings.
    pub severity: Severity,
    /// What is so.
    pub text: String,
    /// What the statement rests on.
    pub evidence: Vec<Observation>,
    /// What follows for a measurement, where something does.
    pub consequence: Option<String>,
    /// What can be done about it, where something can.
    pub remedy: Option<String>,
}

/// What a condition is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The CPUs that would be sampled.
    Cpus,
    /// The time stamp counter and the kernel's trust in it.
    Clock,
    /// Who else may run on the sampled CPUs.
    Isolation,
    /// Device interrupts.
    Interrupts,
    /// Bounds on real-time tasks, and timers.
    Scheduling,
    /// The kernel's watchdogs and polling.
    Watchdogs,
    /// Work of the memory management.
    Memory,
    /// Frequencies, idle states, heat.
    Power,
    /// Bare metal or guest, firmware, modules that talk to it.
    Platform,
    /// What this kernel offers and withholds.
    Kernel,
    /// What this process may do.
    Permissions,
}

/// What a condition does to a measurement, the gravest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// No measurement, or none that allows a verdict.
    Prevents,
    /// Takes time from the sampled CPUs, or makes stalls of its own.
    Disturbs,
    /// Limits what the result can say.
    Limits,
    /// Rare or slight; worth knowing.
    Slight,
    /// Could not be found out.
    Unknown,
    /// In order, or not there at all.
    None,
}

impl Effect {
    /// The grade of a finding with this effect.
    pub fn severity(self) -> Severity {
        match self {
            Effect::Prevents => Severity::Critical,
            Effect::Disturbs | Effect::Limits => Severity::Warning,
            Effect::Slight | Effect::Unknown | Effect::None => Severity::Info,
        }
    }
}

/// What was looked at and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// A file, or what else was asked.
    pub source: String,
    /// What it said, cut for display, or why it said nothing.
    pub said: String,
}
