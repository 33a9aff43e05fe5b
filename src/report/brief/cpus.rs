//! The sampled CPUs of a report, taken together.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::cpulist::CpuList;
use crate::report::model::{CauseCounts, SmiCount};
use crate::units::{CpuId, Nanos};

use super::limited::each;

/// The most CPUs that Linux can be built for on x86 (arch/x86/Kconfig,
/// NR_CPUS_RANGE_END).
const MOST: usize = 8_192;

/// Sums and extremes over the sampled CPUs.
#[derive(Clone, Debug, Default)]
pub struct CpusInBrief {
    /// Which they are.
    pub list: CpuList,
    /// How many there are.
    pub count: u64,
    /// Time covered, over all of them.
    pub covered_ns: Nanos,
    /// Time elapsed, over all of them.
    pub elapsed_ns: Nanos,
    /// The least covered share of any CPU, 0 to 1.
    pub least_coverage: f64,
    /// CPUs whose SMI counter was read.
    pub smi_counted: u64,
    /// The largest count of any CPU: each SMI stops all of them.
    pub smi_delta: u64,
    /// The largest share of cycles in SMM, where that was counted.
    pub smm_share: Option<f64>,
    /// Gaps above the threshold.
    pub gaps_seen: u64,
    /// Gaps above the threshold by cause.
    pub causes: CauseCounts,
    /// CPUs on which sampling ended early.
    pub ended_early: u64,
}

/// What is read of one CPU.
#[derive(Deserialize)]
struct Entry {
    cpu: CpuId,
    elapsed_ns: Nanos,
    covered_ns: Nanos,
    smi: Option<SmiCount>,
    gaps_seen: u64,
    gaps_by_cause: CauseCounts,
    ended_early: Option<IgnoredAny>,
    #[serde(default)]
    watched: Option<Watched>,
}

#[derive(Deserialize)]
struct Watched {
    smm_share: Option<f64>,
}

impl<'de> Deserialize<'de> for CpusInBrief {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut sums = CpusInBrief {
            least_coverage: 1.0,
            ..CpusInBrief::default()
        };
        let mut numbers = Vec::new();
        each(deserializer, MOST, |cpu: Entry| {
            numbers.push(cpu.cpu);
            sums.add(&cpu);
        })?;
        sums.list = numbers.into_iter().collect();
        Ok(sums)
    }
}

impl CpusInBrief {
    fn add(&mut self, cpu: &Entry) {
        self.count += 1;
        self.covered_ns = self.covered_ns.saturating_add(cpu.covered_ns);
        self.elapsed_ns = self.elapsed_ns.saturating_add(cpu.elapsed_ns);
        let share = match cpu.elapsed_ns.0 {
            0 => 0.0,
            elapsed => cpu.covered_ns.0 as f64 / elapsed as f64,
        };
        self.least_coverage = self.least_coverage.min(share);
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

    /// Elapsed time of the machine, in hours.
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
