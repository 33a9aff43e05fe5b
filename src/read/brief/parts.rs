//! The parts of a report that are read field by field: what a policy or a fleet
//! asks for, and no more.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::model::{EndedBy, EngineName, UtcPoint, cut_short};
use crate::read::brief::actions::{ActionsInBrief, CommandInBrief};
use crate::read::brief::limited::{Limited, each};
use crate::read::brief::text::Text;
use crate::read::brief::times::Times;
use crate::units::{Cycles, Nanos};

/// Points of the course of the time of day; a run keeps a tenth of this.
const MOST_POINTS: usize = 50_000;

/// What was asked for and how the run went.
#[derive(Clone, Debug, Deserialize)]
pub struct RunInBrief<'a> {
    pub engine: EngineName,
    #[serde(borrow)]
    pub label: Option<Text<'a>>,
    /// RFC 3339, UTC.
    pub started_utc: Text<'a>,
    /// RFC 3339, UTC.
    pub ended_utc: Text<'a>,
    /// Wall time.
    pub elapsed_ns: Nanos,
    /// The duration that was asked for; `None` in reports of versions that did
    /// not store it.
    #[serde(default)]
    pub planned_ns: Option<Nanos>,
    pub ended_by: EndedBy,
    /// Gaps above this were recorded.
    pub threshold_ns: Nanos,
    /// Platform gaps above this fail the run.
    pub hardlimit_ns: Nanos,
    /// CPUs that the process might have used and that were not sampled.
    pub cpus_not_sampled: Text<'a>,
    #[serde(default)]
    pub actions: Option<ActionsInBrief>,
    #[serde(default)]
    pub command: Option<CommandInBrief<'a>>,
    /// Whether the clock was a script: no machine was measured.
    #[serde(default)]
    pub scripted: bool,
}

impl RunInBrief<'_> {
    /// Why the run is not the whole that was asked for, if so.
    pub fn cut_short(&self) -> Option<String> {
        cut_short(self.ended_by, self.elapsed_ns, self.planned_ns)
    }
}

/// The machine. `None` is "not readable".
#[derive(Clone, Debug, Deserialize)]
pub struct HostInBrief<'a> {
    #[serde(borrow)]
    pub hostname: Option<Text<'a>>,
    #[serde(default)]
    pub machine_id_hash: Option<Text<'a>>,
    pub system: SystemInBrief<'a>,
    pub bios: BiosInBrief<'a>,
    pub cpu: CpuInBrief<'a>,
    pub kernel: KernelInBrief<'a>,
    /// The hypervisor's name, `None` on bare metal.
    pub hypervisor: Option<Text<'a>>,
}

/// Vendor and product, from the firmware's DMI tables.
#[derive(Clone, Debug, Deserialize)]
pub struct SystemInBrief<'a> {
    #[serde(borrow)]
    pub vendor: Option<Text<'a>>,
    pub product: Option<Text<'a>>,
    #[serde(default)]
    pub board: Option<Text<'a>>,
}

/// The firmware, from DMI.
#[derive(Clone, Debug, Deserialize)]
pub struct BiosInBrief<'a> {
    #[serde(borrow)]
    pub version: Option<Text<'a>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct CpuInBrief<'a> {
    /// Marketing name.
    #[serde(borrow)]
    pub model_name: Option<Text<'a>>,
    /// Microcode revision as the kernel prints it.
    pub microcode: Option<Text<'a>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct KernelInBrief<'a> {
    /// `uname -r`.
    #[serde(borrow)]
    pub release: Option<Text<'a>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ClockInBrief<'a> {
    /// The TSC at the start, a decimal string: it tells runs apart.
    #[serde(borrow)]
    pub origin: Text<'a>,
    /// Cycles a second.
    pub hz: f64,
    /// CPUID 80000007h EDX\[8\].
    pub invariant: Option<bool>,
    pub clocksource_start: Option<Text<'a>>,
    pub clocksource_end: Option<Text<'a>>,
    pub clocksource_changes: Limited<IgnoredAny, 10_000>,
    /// Where the course of the time of day against the TSC begins and ends.
    #[serde(default)]
    pub utc_points: UtcCourse,
    /// Moments at which the clocks went apart; `None` in reports of versions that
    /// did not look for them.
    #[serde(default)]
    pub steps: Option<Limited<IgnoredAny, 10_000>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct EvidenceInBrief<'a> {
    #[serde(borrow)]
    pub source: Text<'a>,
    /// Whether the run could rely on it.
    pub usable: bool,
    /// How it was verified, or why it is not usable.
    pub reason: Text<'a>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct FindingInBrief<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
}

/// The time of day against the TSC, in brief.
#[derive(Clone, Debug, Default)]
pub struct UtcCourse {
    pub first: Option<UtcPoint>,
    pub last: Option<UtcPoint>,
    pub times: Times,
}

impl<'de> Deserialize<'de> for UtcCourse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Entry<'a> {
            cycles: Cycles,
            #[serde(borrow)]
            utc: Text<'a>,
        }
        let mut course = UtcCourse::default();
        each(deserializer, MOST_POINTS, |point: Entry<'de>| {
            course.times.add(&point.utc);
            let point = UtcPoint {
                cycles: point.cycles,
                utc: (*point.utc).to_owned(),
            };
            course.first.get_or_insert_with(|| point.clone());
            course.last = Some(point);
        })?;
        Ok(course)
    }
}
