//! The real CPU under the calling thread.

use crate::evidence::pmu::{PmuCounters, PmuReading, PmuSetup};
use crate::evidence::watches::{RegisterReading, RegisterSources, Registers};
use crate::evidence::{KernelReturn, SmiCounter, SmiSource};
use crate::sampler::calibrate::FootprintTest;
use crate::sampler::engine::SmiSetup;
use crate::sampler::machine::{Machine, UsageReading};
use crate::sampler::span::Permit;
use crate::sys::memory::FaultPage;
use crate::sys::usage::{Schedstat, ThreadUsage, thread_usage};
use crate::sys::{selector, tsc};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

/// Forced page faults, and plain accesses, of the footprint's self-test.
const TEST_ROUNDS: u32 = 200;
/// Plain accesses may lose the mark to an interrupt this often.
const TEST_TOLERANCE: u32 = 10;

/// The CPU that the calling thread is pinned to.
pub(in crate::sampler) struct LiveMachine {
    rdtscp: Option<tsc::Rdtscp>,
    kernel_return: KernelReturn,
    smi: Option<SmiCounter>,
    pmu: Option<PmuCounters>,
    registers: Registers,
    schedstat: Option<Schedstat>,
    usage_base: ThreadUsage,
    delay_base: Option<Nanos>,
    hz: Hertz,
}

impl LiveMachine {
    /// Opens what the calling thread may use; says what it may not.
    pub(in crate::sampler) fn open(
        cpu: CpuId,
        sources: Result<&[SmiSource], &str>,
        registers: &RegisterSources,
        kernel_return: KernelReturn,
        hz: Hertz,
    ) -> (LiveMachine, SmiSetup, Result<(), String>, PmuSetup) {
        let opened = match sources {
            Ok(sources) => SmiCounter::open(sources, cpu),
            Err(reason) => Err(String::from(reason)),
        };
        let (smi, setup) = match opened {
            Ok((counter, name)) => (Some(counter), SmiSetup::Readable(name)),
            Err(reason) => (None, SmiSetup::Unreadable(reason)),
        };
        let (schedstat, schedstat_setup) = match Schedstat::open() {
            Ok(file) => (Some(file), Ok(())),
            Err(error) => (None, Err(format!("/proc/thread-self/schedstat: {error}"))),
        };
        let (pmu, pmu_setup) = registers.pmu().open(cpu);
        let machine = LiveMachine {
            rdtscp: tsc::Rdtscp::detect(),
            kernel_return,
            smi,
            pmu,
            registers: Registers::open(registers, cpu),
            usage_base: thread_usage(),
            delay_base: schedstat.as_ref().and_then(Schedstat::run_delay),
            schedstat,
            hz,
        };
        (machine, setup, schedstat_setup, pmu_setup)
    }
}

impl Machine for LiveMachine {
    #[inline(always)]
    fn tsc(&mut self) -> u64 {
        tsc::read()
    }

    fn cpu_mark(&mut self) -> Option<u32> {
        self.rdtscp.map(tsc::Rdtscp::aux)
    }

    #[inline(always)]
    fn arm(&mut self, _: Permit) {
        selector::arm();
    }

    #[inline(always)]
    fn armed(&mut self) -> bool {
        selector::is_armed()
    }

    fn test_footprint(&mut self) -> FootprintTest {
        if self.kernel_return == KernelReturn::Fred {
            return FootprintTest::Fred;
        }
        let Ok(page) = FaultPage::map() else {
            return FootprintTest::NotTested;
        };
        let (mut kept, mut lost) = (0, 0);
        for _ in 0..TEST_ROUNDS {
            if page.drop_page().is_err() {
                return FootprintTest::NotTested;
            }
            selector::arm();
            page.touch();
            kept += u32::from(selector::is_armed());
            selector::arm();
            page.touch();
            lost += u32::from(!selector::is_armed());
        }
        match (kept, lost) {
            (1.., _) => FootprintTest::FaultsKeptIt(kept),
            (0, TEST_TOLERANCE..) => FootprintTest::TouchesLostIt(lost),
            (0, _) => FootprintTest::Passed,
        }
    }

    fn smi_count(&mut self) -> Option<u32> {
        self.smi.as_ref()?.read().ok()
    }

    #[inline(always)]
    fn pmu(&mut self) -> Option<PmuReading> {
        self.pmu.as_ref()?.read()
    }

    fn usage(&mut self) -> UsageReading {
        let now = thread_usage();
        let then = std::mem::replace(&mut self.usage_base, now);
        UsageReading {
            involuntary_switches: difference(now.involuntary_switches, then.involuntary_switches),
            voluntary_switches: difference(now.voluntary_switches, then.voluntary_switches),
            page_faults: difference(now.page_faults, then.page_faults),
            run_delay: self.delay_base.map(|_| Nanos(0)),
        }
    }

    fn held_back(&mut self) -> Option<Nanos> {
        let delay = self.run_delay();
        let before = std::mem::replace(&mut self.delay_base, delay);
        Some(delay?.saturating_sub(before?))
    }

    fn registers(&mut self) -> RegisterReading {
        self.registers.read()
    }

    fn run_delay(&mut self) -> Option<Nanos> {
        self.schedstat.as_ref().and_then(Schedstat::run_delay)
    }

    fn pause(&mut self, length: Cycles) {
        std::thread::sleep(self.hz.to_nanos(length).as_duration());
    }
}

/// Tests the footprint on the CPU under the calling thread.
pub fn test_footprint(kernel_return: KernelReturn) -> FootprintTest {
    let none = "a test reads none";
    let registers = RegisterSources::none(none);
    let (mut machine, ..) =
        LiveMachine::open(CpuId(0), Err(none), &registers, kernel_return, Hertz(1e9));
    machine.test_footprint()
}

fn difference(now: u64, then: u64) -> u16 {
    u16::try_from(now.saturating_sub(then)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use crate::sampler::live::*;

    #[test]
    fn a_thread_that_waited_did_not_keep_its_cpu() {
        let none = "not asked";
        let (mut machine, ..) = LiveMachine::open(
            CpuId(0),
            Err(none),
            &RegisterSources::none(none),
            KernelReturn::Iret,
            Hertz(1e9),
        );
        machine.usage();
        machine.pause(Cycles(1_000_000));
        let usage = machine.usage();
        assert!(usage.voluntary_switches > 0 && !usage.kept_cpu());
        assert_eq!(machine.held_back().is_some(), machine.run_delay().is_some());
    }

    #[test]
    fn the_footprint_self_test_gives_a_verdict_on_this_cpu() {
        let (mut machine, ..) = LiveMachine::open(
            CpuId(0),
            Err("not asked"),
            &RegisterSources::none("not asked"),
            KernelReturn::Iret,
            Hertz(1e9),
        );
        // Any verdict but one that blames the page: this host has memory.
        assert_ne!(machine.test_footprint(), FootprintTest::NotTested);
        assert!(matches!(
            machine.test_footprint(),
            FootprintTest::Passed
                | FootprintTest::FaultsKeptIt(_)
                | FootprintTest::TouchesLostIt(_)
        ));
    }
}
