//! A report in brief: what a policy judges and a fleet keeps of it. Gaps are
//! passed over as they are read, so that a report of a million gaps takes no
//! more memory than one of none. Texts are borrowed from the report where it is
//! in memory: most are looked at once, and a fleet has millions.

mod actions;
mod cpus;
mod gaps;
pub(super) mod guard;
mod lengths;
mod limited;
mod parts;
mod read;
mod stalls;
mod text;
mod times;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::model::selftest::SelfTest;
use crate::model::{PeriodicSeries, Report, Verdict};
use crate::units::Nanos;

pub use actions::{ActionInBrief, ActionRunInBrief, ActionsInBrief, CommandInBrief};
pub use cpus::{CpuInBrief as SampledCpu, CpusInBrief};
pub use gaps::{CpuGaps, GapsInBrief};
pub use lengths::Lengths;
pub use limited::Limited;
pub use parts::{
    BiosInBrief, ClockInBrief, CpuInBrief, EvidenceInBrief, FindingInBrief, HostInBrief,
    KernelInBrief, RunInBrief, SystemInBrief,
};
pub(in crate::read) use read::parsed;
pub use read::{from_large, from_report, from_slice};
pub use stalls::{StallInBrief, StallsInBrief};
pub use text::Text;
pub use times::{Time, Times};

/// A report without its gaps, histograms and inventory.
#[derive(Clone, Debug, Deserialize)]
pub struct Brief<'a> {
    /// Always [`crate::model::SCHEMA`].
    #[serde(borrow)]
    pub schema: Text<'a>,
    pub schema_version: u32,
    /// Passed over, but it must be there.
    #[serde(rename = "tool")]
    _tool: IgnoredAny,
    pub run: RunInBrief<'a>,
    pub host: HostInBrief<'a>,
    pub tsc: ClockInBrief<'a>,
    pub evidence: Limited<EvidenceInBrief<'a>, 1_000>,
    /// The sampled CPUs, taken together.
    pub cpus: CpusInBrief,
    /// What is left of the gaps; `None` of a report that is not in a file yet.
    pub gaps: Option<GapsInBrief>,
    /// What the reader should know, by name.
    pub findings: Limited<FindingInBrief<'a>, 10_000>,
    pub verdict: Verdict,
    /// The longest stalls; `None` in reports of versions that did not list
    /// them.
    #[serde(default)]
    pub stalls: Option<StallsInBrief<'a>>,
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
    pub seed: u64,
    /// What it is, for whoever opens the file.
    pub note: String,
}

impl Brief<'_> {
    /// Covered machine time: the mean over CPUs, as rates are per machine.
    pub fn covered_hours(&self) -> f64 {
        self.cpus.mean_covered_hours()
    }

    /// Whether a source of evidence was usable; `None` where it is not listed.
    pub fn evidence(&self, source: &str) -> Option<&EvidenceInBrief<'_>> {
        self.evidence.iter().find(|entry| *entry.source == *source)
    }

    /// The longest part of a gap that is nobody's: it may be the platform's.
    pub fn longest_unknown(&self) -> Nanos {
        let listed = self.gaps.as_ref().map(|gaps| gaps.longest_unknown);
        (self.cpus.longest_unknown).max(listed.unwrap_or_default())
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
    Exactly(T),
    /// There is more that the report does not list.
    AtLeast(T),
}

impl<G> Report<G> {
    /// The report as a reader of its file would see it in brief.
    ///
    /// # Errors
    /// Where the report is none that its own readers would take.
    pub fn in_brief(&self) -> Result<Brief<'static>, crate::read::saved::Problem> {
        from_report(&self.without_gaps())
    }
}
