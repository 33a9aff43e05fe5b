//! The report: what a run saw, in the form that is saved and read back.
//!
//! The field names are a contract with other programs: add, never rename.
//! Lengths are integers in nanoseconds or cycles. What is not known is `null`
//! with a reason beside it, never 0.

mod watched;

use serde::{Deserialize, Serialize, Serializer};

use crate::attribution::{Cause, Confidence, Evidence};
use crate::selftest::SelfTest;
use crate::units::{CpuId, Cycles, Nanos};

use super::agreement::{Agreement, EngineReport};
pub use super::inventory::{IdleStateEntry, Inventory, NamedText};
pub use super::periodicity::{Candidate, PeriodicSeries};
pub use watched::{
    ClockStepKind, ClockStepReport, GapPeriod, TscAdjust, TscLogLine, VectorCount, WatchedReport,
};

/// The value of [`Report::schema`].
pub const SCHEMA: &str = "hwgap.report";
/// The value of [`Report::schema_version`] that this program writes.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole report. `G` is the list of gaps: a vector when read back, a lazy
/// view while a run is written, so that memory stays flat.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report<G = Vec<Gap>> {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The version of the schema, from 1.
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
            inventory: self.inventory.clone(),
            periodicity: self.periodicity.clone(),
            engines: self.engines.clone(),
            agreement: self.agreement.clone(),
        }
    }
}

/// The program that wrote a report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tool {
    /// "hwgap".
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How the gaps were sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// Pinned threads in user space.
    User,
    /// A BPF program with interrupts off.
    Bpf,
    /// The kernel's hwlat tracer.
    Hwlat,
    /// The kernel's osnoise tracer.
    Osnoise,
    /// The user and the BPF engine in turn.
    Both,
}

impl EngineName {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            EngineName::User => "user",
            EngineName::Bpf => "bpf",
            EngineName::Hwlat => "hwlat",
            EngineName::Osnoise => "osnoise",
            EngineName::Both => "both",
        }
    }
}

/// What ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// The duration was over.
    Duration,
    /// SIGINT or SIGTERM.
    Signal,
    /// The first platform gap, as `--stop-on-gap` asks.
    Gap,
    /// Something made further sampling impossible.
    Error,
}

/// What was asked for and how the run went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The engine that sampled.
    pub engine: EngineName,
    /// The command line, argument by argument joined by blanks.
    pub command_line: String,
    /// The user's own label.
    pub label: Option<String>,
    /// RFC 3339, UTC.
    pub started_utc: String,
    /// RFC 3339, UTC.
    pub ended_utc: String,
    /// From the first sample to the last, in wall time.
    pub elapsed_ns: Nanos,
    /// Gaps above this length became records.
    pub threshold_ns: Nanos,
    /// Platform gaps above this length fail the run.
    pub hardlimit_ns: Nanos,
    /// Time sampled in each window.
    pub width_ns: Nanos,
    /// Length of a window; equal to the width for continuous sampling.
    pub window_ns: Nanos,
    /// What ended the run.
    pub ended_by: EndedBy,
    /// Why, where `ended_by` is `error`.
    pub error: Option<String>,
    /// CPUs that this process may use and that were not sampled.
    pub cpus_not_sampled: String,
    /// True for results of a scripted clock: a test of the program, not a
    /// measurement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scripted: bool,
}

/// The machine, as far as it can be read. `null` is "not readable".
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HostIdentity {
    /// The host's name.
    pub hostname: Option<String>,
    /// Vendor and product of the machine.
    pub system: SystemIdentity,
    /// Its firmware.
    pub bios: BiosIdentity,
    /// Its processor.
    pub cpu: CpuIdentity,
    /// Its kernel.
    pub kernel: KernelIdentity,
    /// The hypervisor's name, `null` on bare metal.
    pub hypervisor: Option<String>,
}

/// Vendor and product, from the firmware's DMI tables.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SystemIdentity {
    /// System vendor.
    pub vendor: Option<String>,
    /// Product name.
    pub product: Option<String>,
    /// Main board, vendor and name.
    pub board: Option<String>,
}

/// The firmware, from DMI.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BiosIdentity {
    /// BIOS vendor.
    pub vendor: Option<String>,
    /// BIOS version.
    pub version: Option<String>,
    /// BIOS date, as the vendor writes it.
    pub date: Option<String>,
}

/// The processor, from /proc/cpuinfo.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CpuIdentity {
    /// `GenuineIntel`, `AuthenticAMD`, …
    pub vendor: Option<String>,
    /// Marketing name.
    pub model_name: Option<String>,
    /// Family number.
    pub family: Option<u32>,
    /// Model number.
    pub model: Option<u32>,
    /// Stepping number.
    pub stepping: Option<u32>,
    /// Microcode revision as the kernel prints it.
    pub microcode: Option<String>,
}

/// The kernel.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KernelIdentity {
    /// `uname -r`.
    pub release: Option<String>,
    /// /proc/cmdline.
    pub command_line: Option<String>,
}

/// The clock of the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tsc {
    /// The TSC value that all `*_cycles` of this report count from, as a
    /// decimal string: 64 bits do not fit every reader's numbers.
    pub origin: String,
    /// Cycles a second; a whole number in the file.
    #[serde(serialize_with = "as_whole")]
    pub hz: f64,
    /// Where `hz` comes from.
    pub hz_source: String,
    /// Bound of the error of `hz`, in parts per million.
    pub hz_error_ppm: Option<f64>,
    /// CPUID 80000007h EDX\[8\]; `null` where the CPU does not say.
    pub invariant: Option<bool>,
    /// The kernel's TSC flags of the CPU (`constant_tsc`, `nonstop_tsc`, …).
    pub flags: Vec<String>,
    /// Smallest step seen between two readings, in cycles.
    pub granularity_cycles: Option<u64>,
    /// The kernel's clocksource when the run began.
    pub clocksource_start: Option<String>,
    /// The kernel's clocksource when the run ended.
    pub clocksource_end: Option<String>,
    /// Each change in between.
    pub clocksource_changes: Vec<ClocksourceChange>,
    /// The TSC of each sampled CPU against the first one.
    pub offsets: Vec<TscOffset>,
    /// Moments at which the clocks went apart. Gaps at those times have the
    /// cause `unknown`.
    #[serde(default)]
    pub steps: Vec<ClockStepReport>,
    /// Lines of the kernel log about the TSC: at most 100 from before the run
    /// and 100 from during it.
    #[serde(default)]
    pub log: Vec<TscLogLine>,
}

/// Rates are known to parts per million at best: no reader needs a fraction.
fn as_whole<S: Serializer>(hz: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(hz.round() as u64)
}

/// A change of the kernel's clocksource during a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClocksourceChange {
    /// When it was noticed, RFC 3339, UTC.
    pub seen_utc: String,
    /// The clocksource before.
    pub from: String,
    /// The clocksource after.
    pub to: String,
}

/// The difference between two CPUs' TSCs, by an exchange of cache lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TscOffset {
    /// The CPU compared with the first sampled one.
    pub cpu: CpuId,
    /// Its TSC minus that of the first, in cycles.
    pub offset_cycles: i64,
    /// Half the fastest round trip: the true offset lies within this bound.
    pub error_cycles: u64,
}

/// A source of evidence, and what its absence costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The SMI counter of one CPU over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmiCount {
    /// The counter at the start; 32 bits wide in the hardware.
    pub before: u64,
    /// The counter at the end.
    pub after: u64,
    /// The difference, a wrap allowed for.
    pub delta: u64,
}

/// One sampled CPU.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CpuReport {
    /// Its number.
    pub cpu: CpuId,
    /// From its first sample to its last.
    pub elapsed_ns: Nanos,
    /// Time in which a stall above the threshold could not have been missed.
    pub covered_ns: Nanos,
    /// Time in the tool's own slow path.
    pub blind_ns: Nanos,
    /// Time in gaps in which the kernel ran.
    pub os_ns: Nanos,
    /// Time not sampled because of `--width` and `--window`.
    pub paused_ns: Nanos,
    /// What came of holding interrupts off, where the engine did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked: Option<MaskedReport>,
    /// Rounds of the loop, exact.
    pub iterations: u64,
    /// The smallest delta seen, exact: the floor of the loop.
    pub min_cycles: Cycles,
    /// The longest gap seen, of any cause, exact.
    pub max_ns: Nanos,
    /// The longest delta that is the platform's, above the threshold or not.
    pub max_platform_ns: Nanos,
    /// The longest delta in which the kernel ran.
    pub max_os_ns: Nanos,
    /// The SMI counter, or `null` with `smi_reason`.
    pub smi: Option<SmiCount>,
    /// Why `smi` is `null`, or what is to be known about it.
    pub smi_reason: Option<String>,
    /// Gaps above the threshold, exact.
    pub gaps_seen: u64,
    /// Gaps kept in this report: at most 100,000 a CPU, the longest.
    pub gaps_recorded: u64,
    /// Gaps whose record was lost because the ring was full.
    pub gaps_dropped: u64,
    /// Gaps above the threshold by cause, exact but for dropped ones.
    pub gaps_by_cause: CauseCounts,
    /// `fifo` with a priority, or `other`.
    pub scheduling: String,
    /// Why sampling on this CPU ended early, if it did.
    pub ended_early: Option<String>,
    /// All deltas above the trip level.
    pub histogram: HistogramReport,
    /// What the kernel did on this CPU, by its own records, the most costly
    /// first; `null` without records.
    #[serde(default)]
    pub os_sources: Option<Vec<OsSource>>,
    /// First and last reading of each shot, in cycles since `tsc.origin`: what
    /// was sampled, to the shot. Only where asked for, as it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shots: Option<Vec<[Cycles; 2]>>,
    /// What was counted of the CPU beside its gaps; `null` in reports of
    /// versions that did not.
    #[serde(default)]
    pub watched: Option<WatchedReport>,
}

/// One source of kernel activity on a CPU, over the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsSource {
    /// An interrupt vector, a handler, a softirq or a task.
    pub name: String,
    /// How often it had the CPU.
    pub count: u64,
    /// How long in all, nested activities taken off.
    pub total_ns: Nanos,
    /// How long at most at a time.
    pub max_ns: Nanos,
}

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

/// One CPU sampled with interrupts off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskedReport {
    /// Stretches sampled with interrupts off.
    pub shots: u64,
    /// The longest of them.
    pub longest_shot_ns: Nanos,
    /// Time between them: interrupts on, not sampled, not covered.
    pub between_ns: Nanos,
    /// NMIs that came in shots; where the program cannot read the kernel's
    /// count, NMIs between readings of /proc/interrupts.
    pub nmis: u64,
    /// Machine checks, counted in the same way.
    pub machine_checks: u64,
    /// Bound of the error of a gap's place on the TSC: the engine reads
    /// CLOCK_MONOTONIC, and each shot has a fit of its own.
    pub clock_error_ns: Nanos,
}

/// How many gaps have each cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseCounts {
    /// Proved or probable SMIs.
    pub smi: u64,
    /// SMI and kernel in one gap.
    #[serde(rename = "smi+os")]
    pub smi_os: u64,
    /// The CPU or platform, no SMI.
    pub cpu: u64,
    /// Not the kernel; no counter to tell firmware from CPU.
    #[serde(rename = "firmware-or-cpu")]
    pub firmware_or_cpu: u64,
    /// The hypervisor or what lies below it.
    pub hypervisor: u64,
    /// This kernel.
    pub os: u64,
    /// Not attributable.
    pub unknown: u64,
}

impl CauseCounts {
    /// Counts one gap.
    pub fn add(&mut self, cause: Cause) {
        *self.slot(cause) += 1;
    }

    /// The counts of both.
    #[must_use]
    pub fn and(mut self, other: CauseCounts) -> CauseCounts {
        for (cause, count) in other.each() {
            *self.slot(cause) += count;
        }
        self
    }

    /// Moves one gap from a cause to another.
    pub fn recast(&mut self, from: Cause, to: Cause) {
        *self.slot(from) -= 1;
        *self.slot(to) += 1;
    }

    /// How many gaps have this cause.
    pub fn count(&self, cause: Cause) -> u64 {
        let own = self.each().into_iter().find(|(other, _)| *other == cause);
        own.map_or(0, |(_, count)| count)
    }

    /// The causes with their counts, in the order in which they are shown.
    pub fn each(&self) -> [(Cause, u64); 7] {
        [
            (Cause::Smi, self.smi),
            (Cause::SmiOs, self.smi_os),
            (Cause::Cpu, self.cpu),
            (Cause::FirmwareOrCpu, self.firmware_or_cpu),
            (Cause::Hypervisor, self.hypervisor),
            (Cause::Os, self.os),
            (Cause::Unknown, self.unknown),
        ]
    }

    fn slot(&mut self, cause: Cause) -> &mut u64 {
        match cause {
            Cause::Smi => &mut self.smi,
            Cause::SmiOs => &mut self.smi_os,
            Cause::Cpu => &mut self.cpu,
            Cause::FirmwareOrCpu => &mut self.firmware_or_cpu,
            Cause::Hypervisor => &mut self.hypervisor,
            Cause::Os => &mut self.os,
            Cause::Unknown => &mut self.unknown,
        }
    }
}

/// Every delta above the trip level, in log-linear buckets (16 an octave, so
/// that a bucket is at most 6.25 % wide).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HistogramReport {
    /// Deltas at or below this length were not looked at.
    pub trip_ns: Nanos,
    /// The buckets that hold anything, shortest first.
    pub buckets: Vec<Bucket>,
}

/// One bucket of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Lower edge, inclusive.
    pub from_ns: Nanos,
    /// Upper edge, exclusive.
    pub to_ns: Nanos,
    /// Deltas in which this kernel did not run.
    pub kernel_absent: u64,
    /// Deltas in which it ran.
    pub kernel_ran: u64,
    /// Deltas for which that is not known.
    pub unknown: u64,
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

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Limits what the result means.
    Warning,
    /// Takes the result its meaning.
    Critical,
}

/// Something the reader should know or do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing of the platform above the limit was seen.
    Pass,
    /// Platform latency above the limit.
    Fail,
    /// The evidence allows neither.
    Inconclusive,
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The machine itself.
    Hardware,
    /// All that lies below a guest, of which the hardware is only a part.
    HypervisorAndBelow,
}

/// The judgement with its statistics.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Why this result, most important first.
    pub reasons: Vec<String>,
}
