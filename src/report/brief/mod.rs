//! A report in brief: what a policy judges and a fleet keeps of it. Gaps are
//! passed over as they are read, so that a report of a million gaps takes no
//! more memory than one of none.

mod cpus;
mod guard;
mod limited;
mod read;
mod stalls;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::selftest::SelfTest;
use crate::units::Nanos;

use super::model::{EvidenceSource, HostIdentity, PeriodicSeries, Report, Run, Tool, Verdict};

pub use cpus::CpusInBrief;
pub use limited::Limited;
pub use read::{from_large, from_report, from_slice};
pub use stalls::{StallInBrief, StallsInBrief};

/// A report without its gaps, histograms and inventory.
#[derive(Clone, Debug, Deserialize)]
pub struct Brief {
    /// Always [`super::model::SCHEMA`].
    pub schema: String,
    /// The version of the schema.
    pub schema_version: u32,
    /// The program that wrote the report.
    pub tool: Tool,
    /// What was asked for and how the run went.
    pub run: Run,
    /// The machine.
    pub host: HostIdentity,
    /// The clock.
    pub tsc: ClockInBrief,
    /// Every source of evidence, usable or not.
    pub evidence: Limited<EvidenceSource, 1_000>,
    /// The sampled CPUs, taken together.
    pub cpus: CpusInBrief,
    /// Passed over, but it must be there.
    #[serde(rename = "gaps")]
    _gaps: IgnoredAny,
    /// The judgement of the run.
    pub verdict: Verdict,
    /// The longest stalls; `None` in reports of versions that did not list
    /// them.
    #[serde(default)]
    pub stalls: Option<StallsInBrief>,
    /// The self-test of the host.
    #[serde(default)]
    pub selftest: Option<SelfTest>,
    /// Regular series among the stalls; `None` where none were looked for.
    #[serde(default)]
    pub periodicity: Option<Limited<PeriodicSeries, 1_000>>,
    /// Set where no machine was measured: a generator wrote the report.
    #[serde(default)]
    pub synthetic: Option<Synthetic>,
}

/// The mark of a report that a generator wrote.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Synthetic {
    /// The seed of its fleet.
    pub seed: u64,
    /// What it is, for whoever opens the file.
    pub note: String,
}

/// The clock of a run, in brief.
#[derive(Clone, Debug, Deserialize)]
pub struct ClockInBrief {
    /// The TSC at the start, a decimal string: it tells runs apart.
    pub origin: String,
    /// Cycles a second.
    pub hz: f64,
    /// CPUID 80000007h EDX\[8\].
    pub invariant: Option<bool>,
    /// The clocksource at the start.
    pub clocksource_start: Option<String>,
    /// The clocksource at the end.
    pub clocksource_end: Option<String>,
    /// Changes in between.
    pub clocksource_changes: Limited<IgnoredAny, 10_000>,
    /// Moments at which the clocks went apart.
    #[serde(default)]
    pub steps: Limited<IgnoredAny, 10_000>,
}

impl Brief {
    /// What a run was, told apart from all others.
    pub fn is_same_run(&self, other: &Brief) -> bool {
        self.tsc.origin == other.tsc.origin
            && self.run.started_utc == other.run.started_utc
            && self.host.hostname == other.host.hostname
    }

    /// Covered machine time: the mean over CPUs, as rates are per machine.
    pub fn covered_hours(&self) -> f64 {
        self.cpus.mean_covered_hours()
    }

    /// Whether a source of evidence was usable; `None` where it is not listed.
    pub fn evidence(&self, source: &str) -> Option<&EvidenceSource> {
        self.evidence.iter().find(|entry| entry.source == source)
    }

    /// Stalls above a length, as far as the report shows them.
    pub fn stalls_above(&self, length: Nanos) -> Option<Seen<u64>> {
        if length == self.run.hardlimit_ns {
            return Some(Seen::Exactly(self.verdict.platform_stalls));
        }
        let stalls = self.stalls.as_ref()?;
        let longer = stalls.longer_than(length).count() as u64;
        Some(
            match stalls.is_complete_above(length) && length >= self.run.threshold_ns {
                true => Seen::Exactly(longer),
                false => Seen::AtLeast(longer),
            },
        )
    }

    /// Time in stalls above a length.
    pub fn time_above(&self, length: Nanos) -> Option<Seen<Nanos>> {
        let stalls = self.stalls.as_ref()?;
        let sum = stalls
            .longer_than(length)
            .fold(Nanos(0), |sum, stall| sum.saturating_add(stall.duration_ns));
        Some(
            match stalls.is_complete_above(length) && length >= self.run.threshold_ns {
                true => Seen::Exactly(sum),
                false => Seen::AtLeast(sum),
            },
        )
    }
}

/// A figure that a report may show in part only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// All of it.
    Exactly(T),
    /// There is more that the report does not list.
    AtLeast(T),
}

impl<G> Report<G> {
    /// The report as a reader of its file would see it in brief.
    ///
    /// # Errors
    /// Where the report is none that its own readers would take.
    pub fn in_brief(&self) -> Result<Brief, super::read::Problem> {
        from_report(&self.without_gaps())
    }
}
