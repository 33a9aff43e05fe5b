//! The report: what a run saw, in the form that is saved and read back.
//!
//! The field names are a contract with other programs: add, never rename.
//! Lengths are integers in nanoseconds or cycles. What is not known is `null`
//! with a reason beside it, never 0.

#![warn(missing_docs)]

pub mod absence;
mod actions;
pub mod agreement;
mod cause;
mod clock;
mod cpu;
mod evidence;
pub mod explained;
mod gap;
mod host;
pub mod inventory;
mod judged;
mod lazy;
mod live;
mod periodicity;
mod quieted;
mod ring_zero;
mod run;
pub mod selftest;
mod setting;
mod watched;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use actions::{ActedOn, ActionReport, ActionRun, ActionWhen, ActionsReport, CommandReport};
use agreement::{Agreement, EngineReport};
pub use cause::{Cause, Confidence};
pub use clock::{ClocksourceChange, Tsc, TscOffset, UtcPoint, UtcStepReport};
pub use cpu::{
    Bucket, CauseCounts, CoreKind, CpuPlace, CpuReport, HistogramReport, MaskedReport, OsSource,
    SmiCount, TracerReport, UsualTime,
};
pub use evidence::{Counts, Evidence, Footprint, SmiEvidence};
pub use gap::{Compared, Gap, KernelAccount, NamedTime, RecordStanding, StallReport};
pub use host::{BiosIdentity, CpuIdentity, HostIdentity, KernelIdentity, SystemIdentity};
pub use inventory::{IdleStateEntry, Inventory, NamedText};
pub use judged::{EvidenceSource, Finding, Outcome, Severity, Subject, Verdict};
pub use lazy::LazyGaps;
pub use live::{LIVE_SCHEMA, LiveStanding, LiveState};
pub use periodicity::{Candidate, PeriodicSeries, SourceKind};
pub use quieted::{PutBackResult, QuietHost, QuietResult, QuietSetting};
pub use ring_zero::{InSmm, RingZero};
pub use run::{
    Checkpoints, EndedBy, EngineName, KeepGaps, NotSampledReport, Privileges, Run, StreamedEvents,
    cut_short,
};
use selftest::SelfTest;
pub use setting::{ClockTrust, Platform, Setting};
pub use watched::{
    ClockStepKind, ClockStepReport, GapPeriod, TscAdjust, TscLogLine, VectorCount, WatchedReport,
};

/// The name of an interrupt as a whole among what entries of the kernel take.
pub const INTERRUPT: &str = "an interrupt, in and back";

/// The value of [`Report::schema`].
pub const SCHEMA: &str = "hwgap.report";

/// The value of [`Report::schema_version`] that this program writes.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole report. `G` is the list of gaps: a vector when read back, a lazy
/// view while a run is written, so that memory stays flat.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report<G = Vec<Gap>> {
    /// What the document is.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The version of the schema, from 1.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The program that wrote the report.
    pub tool: Tool,
    /// What was asked for and how the run went.
    pub run: Run,
    /// The machine.
    pub host: HostIdentity,
    /// The clock, and whether it can be trusted.
    pub tsc: Tsc,
    /// Every source of evidence, usable or not.
    pub evidence: Vec<EvidenceSource>,
    /// One entry a sampled CPU.
    pub cpus: Vec<CpuReport>,
    /// The recorded gaps, CPU by CPU, in order of time.
    pub gaps: G,
    /// What the reader should know or do.
    pub findings: Vec<Finding>,
    /// The judgement.
    pub verdict: Verdict,
    /// Platform gaps that fell together on several CPUs, or alone: the longest
    /// 1,000, in order of time.
    #[serde(default)]
    pub stalls: Vec<StallReport>,
    /// The latest self-test of this host, if it was made with this kernel and
    /// microcode.
    #[serde(default)]
    pub selftest: Option<SelfTest>,
    /// Where two engines sampled in turn, what each of them saw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<EngineReport>,
    /// Whether they agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// What of the host was changed for the run; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_host: Option<QuietHost>,
    /// Settings and parts of the machine; `null` in reports of versions that
    /// did not collect them.
    #[serde(default)]
    pub inventory: Option<Inventory>,
    /// Regular series among the platform's stalls, the one that explains most
    /// first; `null` in reports of versions that did not look for them.
    #[serde(default)]
    pub periodicity: Option<Vec<PeriodicSeries>>,
}

impl<G> Report<G> {
    /// The report without its gaps, which may be many or not made yet.
    pub fn without_gaps(&self) -> Report<()> {
        Report {
            schema: self.schema.clone(),
            schema_version: self.schema_version,
            tool: self.tool.clone(),
            run: self.run.clone(),
            host: self.host.clone(),
            tsc: self.tsc.clone(),
            evidence: self.evidence.clone(),
            cpus: self.cpus.clone(),
            gaps: (),
            findings: self.findings.clone(),
            verdict: self.verdict.clone(),
            stalls: self.stalls.clone(),
            selftest: self.selftest.clone(),
            quiet_host: self.quiet_host.clone(),
            inventory: self.inventory.clone(),
            periodicity: self.periodicity.clone(),
            engines: self.engines.clone(),
            agreement: self.agreement.clone(),
        }
    }
}

/// The program that wrote a report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// "hwgap".
    pub name: String,
    /// Its version.
    pub version: String,
}
