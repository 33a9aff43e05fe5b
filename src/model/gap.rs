//! Gaps, and the stalls that they are part of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Cause, Confidence, EngineName, Evidence};
use crate::units::{CpuId, Cycles, Nanos};

/// Platform gaps that overlap in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The packages of which every sampled CPU saw it, as a list such as `0,1`;
    /// absent where CPUs of one package only are sampled, or the packages are not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<String>,
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

/// One recorded gap: what was derived, and in `raw` what it was derived from.
///
/// `os_ns`, `platform_ns` and `unknown_ns` add up to `duration_ns`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "WrittenGap")]
pub struct Gap {
    /// The engine that saw it, where two sampled in turn.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// Further gaps above the threshold that share this record of a tracer:
    /// none longer, at moments that are not known. The place of the gap is
    /// then the first one's, its length the longest one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub companions: Option<u32>,
    /// Who took the time, or the part that counts most.
    pub cause: Cause,
    /// How sure that is.
    pub confidence: Confidence,
    /// SMIs counted for this gap; `null` where none could be counted or the
    /// count cannot be given to one gap.
    pub smi_delta: Option<u32>,
    /// Whether this kernel ran in the gap; `null` where that is not known.
    pub kernel_ran: Option<bool>,
    /// The part that this kernel took, other tasks among that.
    pub os_ns: Nanos,
    /// The part of what lies below the kernel: it counts against the limit.
    pub platform_ns: Nanos,
    /// How sure that part is; `none` where there is none.
    pub platform_confidence: Confidence,
    /// Where the platform's part begins, from the begin of the gap.
    #[serde(skip_serializing_if = "is_zero")]
    pub platform_at_ns: Nanos,
    /// The part that the evidence gives to nobody.
    pub unknown_ns: Nanos,
    /// Why, where there is one.
    pub unknown_reason: Option<String>,
    /// What the kernel did not take: `duration_ns` less `os_ns`.
    pub residual_ns: Nanos,
    /// One phrase for a human.
    pub detail: String,
    /// What the kernel recorded of the gap; `null` without records.
    pub kernel: Option<KernelAccount>,
    /// The evidence as it was collected, so that a report can be judged again.
    pub raw: Evidence,
}

fn is_zero(nanos: &Nanos) -> bool {
    *nanos == Nanos(0)
}

fn is_none_counted(count: &u8) -> bool {
    *count == 0
}

impl Gap {
    /// How long the gap was for its cause: of a gap of the platform's the
    /// platform's part.
    pub fn counted_ns(&self) -> Nanos {
        match self.cause.is_platform() {
            true => self.platform_ns,
            false => self.duration_ns,
        }
    }
}

/// A gap as it stands in a file, which may be of a version that knew no parts.
#[derive(Deserialize, JsonSchema)]
struct WrittenGap {
    #[serde(default)]
    engine: Option<EngineName>,
    cpu: CpuId,
    start_cycles: Cycles,
    end_cycles: Cycles,
    start_utc: String,
    duration_ns: Nanos,
    #[serde(default)]
    companions: Option<u32>,
    cause: Cause,
    confidence: Confidence,
    smi_delta: Option<u32>,
    kernel_ran: Option<bool>,
    os_ns: Option<Nanos>,
    #[serde(default)]
    platform_ns: Option<Nanos>,
    #[serde(default)]
    platform_confidence: Option<Confidence>,
    #[serde(default)]
    platform_at_ns: Nanos,
    #[serde(default)]
    unknown_ns: Option<Nanos>,
    #[serde(default)]
    unknown_reason: Option<String>,
    residual_ns: Option<Nanos>,
    detail: String,
    #[serde(default)]
    kernel: Option<KernelAccount>,
    raw: Evidence,
}

impl WrittenGap {
    /// The platform's part and the unknown one by the rules of the version that
    /// wrote no parts: of a mixed gap the remainder, of others all or nothing.
    fn parts(&self) -> (Nanos, Nanos) {
        let all = self.duration_ns;
        match (self.cause, self.residual_ns) {
            (Cause::Os, _) => (Nanos(0), Nanos(0)),
            (Cause::Unknown, _) | (Cause::SmiOs, None) => (Nanos(0), all),
            (Cause::SmiOs, Some(residual)) => (residual.min(all), Nanos(0)),
            _ => (all, Nanos(0)),
        }
    }
}

impl From<WrittenGap> for Gap {
    fn from(written: WrittenGap) -> Gap {
        let (platform, unknown) = written.parts();
        let platform_ns = written.platform_ns.unwrap_or(platform);
        let unknown_ns = written.unknown_ns.unwrap_or(unknown);
        let rest = (written.duration_ns)
            .saturating_sub(platform_ns)
            .saturating_sub(unknown_ns);
        let os_ns = match (written.platform_ns, written.os_ns) {
            (Some(_), Some(os)) => os,
            _ => rest,
        };
        Gap {
            engine: written.engine,
            cpu: written.cpu,
            start_cycles: written.start_cycles,
            end_cycles: written.end_cycles,
            start_utc: written.start_utc,
            duration_ns: written.duration_ns,
            companions: written.companions,
            cause: written.cause,
            confidence: written.confidence,
            smi_delta: written.smi_delta,
            kernel_ran: written.kernel_ran,
            os_ns,
            platform_ns,
            platform_confidence: written.platform_confidence.unwrap_or(match platform_ns {
                Nanos(0) => Confidence::None,
                _ => written.confidence,
            }),
            platform_at_ns: written.platform_at_ns,
            unknown_ns,
            unknown_reason: (written.unknown_reason).or_else(|| {
                let silent = "the version that measured does not say why";
                (unknown_ns > Nanos(0)).then(|| silent.to_owned())
            }),
            residual_ns: written.duration_ns.saturating_sub(os_ns),
            detail: written.detail,
            kernel: written.kernel,
            raw: written.raw,
        }
    }
}

/// What the kernel's own records say of a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KernelAccount {
    /// What was recorded.
    pub standing: RecordStanding,
    /// The recorded intervals, and the ways into the kernel and back as far as
    /// they cost what they may.
    pub accounted_ns: Nanos,
    /// The records held against what the same takes in the rest of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// The activities that took most.
    pub by: Vec<NamedTime>,
}

/// A gap's records held against what the same activities, and the ways between
/// them, take in the rest of the run. What is 0 is left out of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Whether interrupts are recorded, or tasks only.
    pub interrupts_recorded: bool,
    /// What ways took beyond their bound, their typical time taken off.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub beyond_ways_ns: Nanos,
    /// How many such ways there were.
    #[serde(default, skip_serializing_if = "is_none_counted")]
    pub ways_beyond: u8,
    /// Whether all of them lead into the kernel.
    pub only_ways_in: bool,
    /// The same of handlers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub beyond_handlers_ns: Nanos,
    /// How many such handlers there were.
    #[serde(default, skip_serializing_if = "is_none_counted")]
    pub handlers_beyond: u8,
    /// How many of both stand far apart.
    #[serde(default, skip_serializing_if = "is_none_counted")]
    pub far_beyond: u8,
    /// The largest excess over a typical time, beyond a bound or not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub most_excess_ns: Nanos,
    /// All of them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub all_excess_ns: Nanos,
    /// Where the largest begins, from the begin of the gap.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub excess_at_ns: Nanos,
    /// Time of other tasks.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tasks_ns: Nanos,
    /// Time of what the run has seen too seldom.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unlearnt_ns: Nanos,
}

/// What was recorded in a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedTime {
    /// Who.
    pub name: String,
    /// How long.
    pub ns: Nanos,
}
