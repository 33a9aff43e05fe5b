//! What a sampler needs from the CPU that it runs on.

use serde::Deserialize;

use crate::evidence::pmu::PmuReading;
use crate::evidence::watches::RegisterReading;
use crate::sampler::span::Permit;
use crate::units::{Cycles, Nanos};

use super::calibrate::FootprintTest;

/// Scheduling counts since the previous reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageReading {
    /// Involuntary context switches.
    pub involuntary_switches: u16,
    /// Voluntary ones: the thread waited for something.
    pub voluntary_switches: u16,
    /// Page faults.
    pub page_faults: u16,
    /// Time runnable but not running, where the kernel keeps it.
    pub run_delay: Option<Nanos>,
}

impl UsageReading {
    /// Whether the thread had the CPU all the time. Then it was never runnable
    /// without running (kernel/sched/stats.h, `sched_info_arrive`).
    pub(super) fn kept_cpu(self) -> bool {
        self.involuntary_switches == 0 && self.voluntary_switches == 0
    }

    /// Two readings in a row as one.
    pub(super) fn and(self, more: UsageReading) -> UsageReading {
        UsageReading {
            involuntary_switches: (self.involuntary_switches)
                .saturating_add(more.involuntary_switches),
            voluntary_switches: (self.voluntary_switches).saturating_add(more.voluntary_switches),
            page_faults: self.page_faults.saturating_add(more.page_faults),
            run_delay: (self.run_delay.zip(more.run_delay)).map(|(a, b)| a.saturating_add(b)),
        }
    }
}

/// What to do with a record for which the ring has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FullRing {
    /// Wait for the collector. Virtual time stands still meanwhile, so that a
    /// script yields the same gaps at every run.
    #[default]
    Wait,
    /// Count it and go on: real time does not wait.
    Drop,
}

/// A CPU, real or scripted. The loop is generic over it, so that the live
/// machine compiles to bare instructions and a scripted one needs no root and
/// no time.
pub trait Machine {
    /// The TSC.
    fn tsc(&mut self) -> u64;

    /// A number that changes when the thread moves to another CPU; `None`
    /// where the hardware has no way to tell.
    fn cpu_mark(&mut self) -> Option<u32>;

    /// Sets the footprint's mark.
    fn arm(&mut self, permit: Permit);

    /// Whether the mark still stands.
    fn armed(&mut self) -> bool;

    /// Raises known kernel entries and plain accesses, and says whether the
    /// mark tells them apart.
    fn test_footprint(&mut self) -> FootprintTest;

    /// The SMI counter's low 32 bits, `None` where it cannot be read.
    fn smi_count(&mut self) -> Option<u32>;

    /// The PMU's counts; `None` where nothing is counted.
    fn pmu(&mut self) -> Option<PmuReading> {
        None
    }

    /// Scheduling counts since the previous call. The time runnable but not
    /// running is 0 where there was no switch, and else still to be read.
    fn usage(&mut self) -> UsageReading;

    /// Time runnable but not running since the previous call, where the kernel
    /// keeps it.
    fn held_back(&mut self) -> Option<Nanos> {
        None
    }

    /// Registers of the CPU, read before the first sample and after the last.
    fn registers(&mut self) -> RegisterReading {
        RegisterReading::unknown("this clock has no such registers")
    }

    /// Time in which the thread was runnable but did not run, since it began;
    /// `None` where the kernel does not keep it.
    fn run_delay(&mut self) -> Option<Nanos> {
        None
    }

    /// What to do when the collector cannot keep up.
    fn on_full_ring(&mut self) -> FullRing {
        FullRing::Drop
    }

    /// Gives the CPU to others for this long.
    fn pause(&mut self, length: Cycles);
}
