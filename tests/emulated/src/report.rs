//! The parts of hwgap's report that the judge reads, by the names of its
//! published schema. Read here with types of our own on purpose: a field that
//! hwgap renames must fail this suite.

use anyhow::{Context, Result};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    pub schema: String,
    pub schema_version: u32,
    pub run: Run,
    pub tsc: Tsc,
    pub cpus: Vec<Cpu>,
    pub gaps: Vec<Gap>,
    pub findings: Vec<Finding>,
    pub verdict: Verdict,
    #[serde(default)]
    pub stalls: Vec<Stall>,
    /// The self-test that the report carries.
    #[serde(default)]
    pub selftest: Option<SelfTest>,
    /// Only where the host was made quiet.
    pub quiet_host: Option<QuietHost>,
    /// Only where several engines took turns.
    pub engines: Option<Vec<Engine>>,
    pub agreement: Option<Agreement>,
}

/// What one of several engines saw.
#[derive(Clone, Debug, Deserialize)]
pub struct Engine {
    pub engine: String,
    pub slices: u64,
    pub rates: Vec<Rate>,
    pub cpus: Vec<Cpu>,
}

/// How often stalls came, of all causes first.
#[derive(Clone, Debug, Deserialize)]
pub struct Rate {
    pub cause: Option<String>,
    pub stalls: u64,
    pub exposure_ns: u64,
    pub low95_per_hour: Option<f64>,
    pub high95_per_hour: Option<f64>,
}

/// Whether they saw the same.
#[derive(Clone, Debug, Deserialize)]
pub struct Agreement {
    pub result: String,
    pub tests: Vec<RateTest>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RateTest {
    /// Only of more than two.
    pub engines: Option<[String; 2]>,
    pub p_value: Option<f64>,
}

/// What `hwgap selftest` stores.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SelfTest {
    pub made_utc: String,
    pub resolution_ns: u64,
    pub checks: Vec<Check>,
}

/// One kind of stall.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Check {
    pub kind: String,
    pub length_ns: Option<u64>,
    pub raised: Option<u64>,
    pub found: u64,
    pub rightly_classed: u64,
    pub median_excess_ns: Option<u64>,
    #[serde(default)]
    pub overlapped: u64,
    pub smi_count: Option<u64>,
    pub note: Option<String>,
}

/// What of the host was changed.
#[derive(Clone, Debug, Deserialize)]
pub struct QuietHost {
    pub settings: Vec<QuietSetting>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct QuietSetting {
    pub step: String,
    pub setting: String,
    pub result: String,
    pub reason: Option<String>,
    pub put_back: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    pub hardlimit_ns: u64,
    pub actions: Option<Actions>,
}

/// What was done about gaps.
#[derive(Clone, Debug, Deserialize)]
pub struct Actions {
    pub actions: Vec<Action>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Action {
    pub action: String,
    pub done: u64,
    pub failed: u64,
    pub latency_max_ns: Option<u64>,
    pub runs: Vec<ActionRun>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ActionRun {
    pub start_cycles: Option<u64>,
    pub file: Option<String>,
    pub error: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Tsc {
    /// Decimal, so that no reader loses digits.
    pub origin: String,
    pub hz: f64,
}

/// What came of holding interrupts off.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Masked {
    /// How far a gap's place on the TSC may be off.
    pub clock_error_ns: u64,
}

/// What a tracer of the kernel's can tell.
#[derive(Clone, Debug, Deserialize)]
pub struct Tracer {
    pub name: String,
    pub resolution_ns: u64,
    /// Gaps that share the record of another one.
    pub companions: u64,
    pub lost_records: u64,
}

impl Tracer {
    /// Whether it keeps one record for all gaps of a window.
    pub fn keeps_one_a_window(&self) -> bool {
        self.name == "hwlat"
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Cpu {
    pub cpu: u32,
    pub elapsed_ns: u64,
    pub covered_ns: u64,
    /// Only of an engine that holds interrupts off.
    pub masked: Option<Masked>,
    /// Only of a tracer of the kernel's.
    pub tracer: Option<Tracer>,
    /// First and last reading of each shot, where they were asked for.
    pub shots: Option<Vec<[u64; 2]>>,
    /// Null where a tracer of the kernel's sampled.
    pub iterations: Option<u64>,
    pub smi: Option<Counter>,
    pub smi_reason: Option<String>,
    pub gaps_seen: u64,
    pub gaps_recorded: u64,
    /// What the kernel did, by name.
    pub os_sources: Option<Vec<Source>>,
    #[serde(default)]
    pub histogram: Histogram,
}

/// Deltas of the loop that are no iteration of it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Histogram {
    pub buckets: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Bucket {
    pub kernel_absent: u64,
    pub kernel_ran: u64,
    pub unknown: u64,
}

impl Histogram {
    /// How many there were.
    pub fn count(&self) -> u64 {
        let each = |bucket: &Bucket| bucket.kernel_absent + bucket.kernel_ran + bucket.unknown;
        self.buckets.iter().map(each).sum()
    }
}

impl Cpu {
    /// Whether a tracer sampled that keeps one record for all gaps of a window.
    pub fn keeps_one_a_window(&self) -> bool {
        let tracer = self.tracer.as_ref();
        tracer.is_some_and(Tracer::keeps_one_a_window)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Counter {
    pub delta: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Gap {
    pub cpu: u32,
    pub start_cycles: u64,
    pub end_cycles: u64,
    pub duration_ns: u64,
    /// Further gaps of the same window that share this record.
    #[serde(default)]
    pub companions: Option<u32>,
    pub cause: String,
    #[serde(default)]
    pub confidence: Option<String>,
    /// Only where several took turns.
    #[serde(default)]
    pub engine: Option<String>,
    pub kernel_ran: Option<bool>,
    pub residual_ns: Option<u64>,
    /// The three parts of the gap, which add up to its length. Their absence is
    /// a complaint of the judge's, gap by gap.
    #[serde(default)]
    pub os_ns: Option<u64>,
    #[serde(default)]
    pub platform_ns: Option<u64>,
    #[serde(default)]
    pub unknown_ns: Option<u64>,
    #[serde(default)]
    pub platform_confidence: Option<String>,
    #[serde(default)]
    pub unknown_reason: Option<String>,
    #[serde(default)]
    pub detail: Option<String>,
    /// What the kernel's own records name.
    #[serde(default)]
    pub kernel: Option<Kernel>,
    #[serde(default)]
    pub raw: Option<Raw>,
}

/// What the sampler collected.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Raw {
    #[serde(default)]
    pub involuntary_switches: Option<u16>,
    #[serde(default)]
    pub run_delay_ns: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Kernel {
    #[serde(default)]
    pub standing: Option<String>,
    pub by: Vec<NamedTime>,
}

impl Kernel {
    /// Whether other tasks ran.
    pub fn has_tasks(&self) -> bool {
        self.standing.as_deref() == Some("tasks")
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct NamedTime {
    pub name: String,
    pub ns: u64,
}

impl Gap {
    /// Time for which other tasks had the CPU, where only the scheduler's counts
    /// say so.
    pub fn held_back(&self) -> u64 {
        let Some(raw) = self.raw.filter(|_| self.kernel.is_none()) else {
            return 0;
        };
        let switched = raw.involuntary_switches.is_some_and(|count| count > 0);
        raw.run_delay_ns.filter(|_| switched).unwrap_or(0)
    }

    /// Gaps that its record stands for.
    pub fn stands_for(&self) -> u64 {
        1 + u64::from(self.companions.unwrap_or(0))
    }

    /// Its length in cycles.
    pub fn cycles(&self) -> u64 {
        self.end_cycles - self.start_cycles
    }

    /// Whether the cause is one of the platform's.
    pub fn is_platform(&self) -> bool {
        !matches!(self.cause.as_str(), "os" | "unknown")
    }
}

/// Gaps of one moment.
#[derive(Clone, Debug, Deserialize)]
pub struct Stall {
    pub start_cycles: u64,
    pub duration_ns: u64,
    /// As a list such as `1-3,5`.
    pub cpus: String,
    pub all_sampled_cpus: Option<bool>,
    pub smi_delta: Option<u32>,
    pub cause: String,
}

/// A source of kernel activity, over the whole run.
#[derive(Clone, Debug, Deserialize)]
pub struct Source {
    pub name: String,
    pub count: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Finding {
    pub id: String,
    pub text: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Verdict {
    pub result: String,
    pub subject: String,
    pub platform_gaps: u64,
    pub platform_max_ns: u64,
    pub coverage: f64,
}

impl Report {
    /// Reads a report.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).context("hwgap's report does not follow its schema")
    }

    /// The TSC value that every cycle count is relative to.
    pub fn origin(&self) -> Result<u64> {
        self.tsc.origin.parse().context("tsc.origin")
    }
}
