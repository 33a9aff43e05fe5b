//! The sampled CPUs of a report, taken together.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::model::{CauseCounts, SmiCount, TscAdjust};
use crate::read::brief::limited::each;
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Nanos};

/// The most CPUs that Linux can be built for on x86 (arch/x86/Kconfig,
/// NR_CPUS_RANGE_END).
const MOST: usize = 8_192;

/// Sums and extremes over the sampled CPUs.
#[derive(Clone, Debug, Default)]
pub struct CpusInBrief {
    pub list: CpuList,
    pub count: u64,
    /// Time covered, over all of them.
    pub covered_ns: Nanos,
    /// Time elapsed, over all of them.
    pub elapsed_ns: Nanos,
    /// The least covered share of any CPU, 0 to 1.
    pub least_coverage: f64,
    pub smi_counted: u64,
    /// The largest count of any CPU: each SMI stops all of them.
    pub smi_delta: u64,
    /// The largest share of cycles in SMM, where that was counted.
    pub smm_share: Option<f64>,
    pub gaps_seen: u64,
    /// Gaps above the threshold by cause.
    pub causes: CauseCounts,
    pub ended_early: u64,
    /// Gaps whose records were lost.
    pub gaps_dropped: u64,
    /// Records that a tracer's buffer lost.
    pub records_lost: u64,
    pub tsc_adjusted: u64,
    pub longest_platform: Nanos,
    /// The longest part that is nobody's, as far as versions stored it.
    pub longest_unknown: Nanos,
    /// Covered shares, summed up.
    pub shares: f64,
    pub each: Vec<CpuInBrief>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct CpuInBrief {
    pub cpu: CpuId,
    /// From its first sample to its last.
    pub elapsed_ns: Nanos,
    /// Time in which a stall could not have been missed.
    pub covered_ns: Nanos,
    /// Time in the tool's own slow path.
    pub blind_ns: Nanos,
    /// Time that the kernel took.
    pub os_ns: Nanos,
    /// Time that is nobody's.
    #[serde(default)]
    pub unknown_ns: Nanos,
    /// Time not sampled because of `--width` and `--window`.
    pub paused_ns: Nanos,
    /// Time between shots with interrupts off.
    #[serde(default)]
    pub masked: Option<Masked>,
    /// A tracer's own counts.
    #[serde(default)]
    pub tracer: Option<Tracer>,
    pub max_ns: Nanos,
    pub max_platform_ns: Nanos,
    /// The longest part that is nobody's; 0 of a version that did not store it.
    #[serde(default)]
    pub max_unknown_ns: Nanos,
    pub smi: Option<SmiCount>,
    pub gaps_seen: u64,
    pub gaps_recorded: u64,
    /// Gaps whose record was lost.
    pub gaps_dropped: u64,
    pub gaps_by_cause: CauseCounts,
    ended_early: Option<IgnoredAny>,
    #[serde(default)]
    watched: Option<Watched>,
}

/// What is read of shots with interrupts off.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Masked {
    pub between_ns: Nanos,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Tracer {
    /// Gaps that share the record of another one.
    pub companions: u64,
    pub lost_records: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Watched {
    smm_share: Option<f64>,
    #[serde(default)]
    tsc_adjust: Option<TscAdjust>,
}

impl CpuInBrief {
    /// Gaps that share the record of another one.
    pub fn companions(&self) -> u64 {
        self.tracer.map_or(0, |tracer| tracer.companions)
    }

    /// The covered share of its time, 0 to 1.
    pub fn coverage(&self) -> f64 {
        match self.elapsed_ns.0 {
            0 => 0.0,
            elapsed => self.covered_ns.0 as f64 / elapsed as f64,
        }
    }
}

impl<'de> Deserialize<'de> for CpusInBrief {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut sums = CpusInBrief {
            least_coverage: 1.0,
            ..CpusInBrief::default()
        };
        let mut numbers = Vec::new();
        each(deserializer, MOST, |cpu: CpuInBrief| {
            numbers.push(cpu.cpu);
            sums.add(&cpu);
            sums.each.push(cpu);
        })?;
        sums.list = numbers.into_iter().collect();
        Ok(sums)
    }
}

impl CpusInBrief {
    fn add(&mut self, cpu: &CpuInBrief) {
        self.count += 1;
        self.covered_ns = self.covered_ns.saturating_add(cpu.covered_ns);
        self.elapsed_ns = self.elapsed_ns.saturating_add(cpu.elapsed_ns);
        self.shares += cpu.coverage();
        self.least_coverage = self.least_coverage.min(cpu.coverage());
        self.longest_platform = self.longest_platform.max(cpu.max_platform_ns);
        self.longest_unknown = self.longest_unknown.max(cpu.max_unknown_ns);
        self.gaps_dropped = self.gaps_dropped.saturating_add(cpu.gaps_dropped);
        if let Some(tracer) = cpu.tracer {
            self.records_lost = self.records_lost.saturating_add(tracer.lost_records);
        }
        let adjust = cpu.watched.as_ref().and_then(|watched| watched.tsc_adjust);
        let moved = adjust.is_some_and(|adjust| adjust.before != adjust.after);
        self.tsc_adjusted += u64::from(moved);
        if let Some(smi) = cpu.smi {
            self.smi_counted += 1;
            self.smi_delta = self.smi_delta.max(smi.delta);
        }
        let smm_share = cpu.watched.as_ref().and_then(|watched| watched.smm_share);
        self.smm_share = match (self.smm_share, smm_share) {
            (Some(a), Some(b)) => Some(f64::max(a, b)),
            (a, b) => a.or(b),
        };
        self.gaps_seen = self.gaps_seen.saturating_add(cpu.gaps_seen);
        self.causes = self.causes.and(cpu.gaps_by_cause);
        self.ended_early += u64::from(cpu.ended_early.is_some());
    }

    /// Covered time of the machine, in hours: the mean over CPUs.
    pub fn mean_covered_hours(&self) -> f64 {
        self.mean(self.covered_ns)
    }

    pub fn mean_elapsed_hours(&self) -> f64 {
        self.mean(self.elapsed_ns)
    }

    fn mean(&self, sum: Nanos) -> f64 {
        match self.count {
            0 => 0.0,
            count => sum.as_hours_f64() / count as f64,
        }
    }

    /// SMIs counted; `None` where a CPU's counter was not read.
    pub fn smis(&self) -> Option<u64> {
        (self.count > 0 && self.smi_counted == self.count).then_some(self.smi_delta)
    }
}
