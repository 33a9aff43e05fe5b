//! A guest's run explained by its host's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absence::HostCause;
use super::{Confidence, Finding, HostIdentity, Tool};
use crate::units::{CpuId, Cycles, Nanos};

/// The value of [`Explanation::schema`].
pub const EXPLAIN_SCHEMA: &str = "hwgap.explain";
/// The value of [`Explanation::schema_version`] that this program writes.
pub const EXPLAIN_SCHEMA_VERSION: u32 = 1;

/// A guest's run explained by its host's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// What the document is.
    #[schemars(extend("const" = EXPLAIN_SCHEMA))]
    pub schema: String,
    /// The version of the schema, from 1.
    #[schemars(extend("const" = EXPLAIN_SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The program that wrote it.
    pub tool: Tool,
    /// The guest.
    pub guest: HostIdentity,
    /// The hosts that it ran on, in the order of their reports.
    pub hosts: Vec<ExplainedHost>,
    /// Which vCPU each of the guest's CPUs is.
    pub cpus: Vec<ExplainedCpu>,
    /// The guest's time that counts against its limit, by who took it.
    pub totals: Vec<ExplainedTotal>,
    /// The verdict for a guest that does real-time work.
    pub verdict: ExplainedVerdict,
    /// What the reader should know or do.
    pub findings: Vec<Finding>,
    /// The guest's gaps that have a part below its kernel or an absence in them, in
    /// order of time.
    pub gaps: Vec<ExplainedGap>,
}

/// A host of the guest.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedHost {
    /// The machine.
    pub host: HostIdentity,
    /// The guest's name there.
    pub guest_name: String,
    /// The VMM's process.
    pub guest_pid: u32,
    /// How the clocks were brought together.
    pub clocks: ClockJoin,
}

/// How the guest's clock was brought to the host's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockJoin {
    /// Where the line comes from; `null` where there is none.
    pub source: Option<ClockJoinSource>,
    /// What the data say of it.
    pub standing: ClockStanding,
    /// Guest TSC less host TSC at the begin of the guest's run, in cycles, as a
    /// decimal string; `null` without a line.
    pub offset: Option<String>,
    /// Guest cycles in a host cycle.
    pub ratio: f64,
    /// Lines, one after the other: a guest that is restored gets another one.
    pub lines: u64,
    /// How far a moment may be off.
    pub error_ns: Nanos,
    /// Gaps of the guest that must lie on an absence, if the line is right.
    pub tried: u64,
    /// How many of them do.
    pub fitting: u64,
    /// How many do at best by chance: the best of the same search over shifted
    /// times.
    pub by_chance: u64,
    /// How far the ends of gaps and absences lie apart, in the middle.
    pub median_ns: Option<Nanos>,
}

/// Where the line between both clocks comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClockJoinSource {
    /// What KVM tells of the vCPU.
    Kvm,
    /// Found by laying the guest's gaps onto absences.
    Recovered,
    /// Given by the user.
    Given,
}

/// What the data say of a line between clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClockStanding {
    /// The guest's gaps lie on absences, as they do by no chance.
    Verified,
    /// Too few gaps to say.
    Unverified,
    /// They do not: nothing is explained by it.
    Contradicted,
}

/// A CPU of the guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedCpu {
    /// Its number in the guest.
    pub cpu: CpuId,
    /// The host, as its place in `hosts`.
    pub host: u32,
    /// The vCPU.
    pub vcpu: u32,
    /// Its thread on the host.
    pub tid: u32,
    /// Its gaps that must lie on an absence of this vCPU.
    pub tried: u64,
    /// How many of them do.
    pub fitting: u64,
    /// Gaps that this host is asked about.
    pub gaps: u64,
    /// Those that are explained to their error.
    pub explained: u64,
    /// The longest part that nothing explains.
    pub unexplained_max_ns: Nanos,
}

/// A gap of the guest, and what the host did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedGap {
    /// The guest's CPU.
    pub cpu: CpuId,
    /// The host that observed it, as its place in `hosts`; `null` where none did.
    pub host: Option<u32>,
    /// Its begin on the guest's clock, in cycles since the guest's `tsc.origin`.
    pub start_cycles: Cycles,
    /// RFC 3339, UTC, with nanoseconds, by the guest.
    pub start_utc: String,
    /// Its length.
    pub duration_ns: Nanos,
    /// What the guest's own kernel took.
    pub guest_os_ns: Nanos,
    /// What is to be explained: the rest.
    pub below_ns: Nanos,
    /// Who took the largest of `parts` and `os_parts`, of `parts` alone where most
    /// of `below_ns` is not known; `not-observed` where what nothing explains is
    /// longer.
    pub cause: HostCause,
    /// Which one.
    pub what: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// Who took how much of it, the largest first. What nobody observed is a part,
    /// too.
    pub parts: Vec<ExplainedPart>,
    /// Who had the vCPU's CPU in time that the guest's account gives to its own
    /// kernel: a device access by its task, an exit in its handler. It is part of
    /// `guest_os_ns`, not of `below_ns`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os_parts: Vec<ExplainedPart>,
    /// What no part explains; with the parts it adds up to `below_ns`.
    pub unexplained_ns: Nanos,
    /// One phrase for a human.
    pub detail: String,
}

/// A part of a guest's gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedPart {
    /// Who took it.
    pub cause: HostCause,
    /// Which one.
    pub what: String,
    /// Its length.
    pub length_ns: Nanos,
    /// How sure that is.
    pub confidence: Confidence,
}

/// What one of the causes took of all gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedTotal {
    /// Who.
    pub cause: HostCause,
    /// Which one.
    pub what: String,
    /// In how many gaps.
    pub gaps: u64,
    /// The sum.
    pub total_ns: Nanos,
    /// The most in one gap.
    pub longest_ns: Nanos,
    /// The time from one to the next, where they come in a rhythm.
    pub period_ns: Option<Nanos>,
}

/// Whether the guest is fit for real-time work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedVerdict {
    /// `pass`, `fail` or `inconclusive`.
    pub result: super::Outcome,
    /// The longest time below the guest's kernel.
    pub worst_ns: Nanos,
    /// The guest's limit.
    pub limit_ns: Nanos,
    /// The share of the guest's run that its hosts observed, 0 to 1, of the CPU that
    /// was least.
    pub observed: f64,
    /// Who took how much of the worst.
    pub worst_parts: Vec<ExplainedPart>,
    /// One sentence, such as "guest fit: worst 14.0 us, of it 9.00 us by
    /// host-interrupt local_timer, proved".
    pub text: String,
}
