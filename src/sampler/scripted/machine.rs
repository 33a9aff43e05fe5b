//! The CPU itself, in virtual time.

use super::super::calibrate::FootprintTest;
use super::super::machine::{FullRing, Machine, UsageReading};
use super::pmu::ScriptedPmu;
use super::registers::ScriptedRegisters;
use super::{ScriptedFootprint, ScriptedWork};
use crate::evidence::pmu::PmuReading;
use crate::evidence::watches::RegisterReading;
use crate::sampler::span::Permit;
use crate::units::Cycles;

/// Something that is to happen yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) at: u64,
    pub(super) every: Option<u64>,
    pub(super) until: u64,
    pub(super) length: u64,
    pub(super) what: ScriptedWork,
    pub(super) smi: u32,
    pub(super) tsc_adjust: i64,
    pub(super) hidden: u64,
}

/// A CPU in virtual time.
#[derive(Debug)]
pub(in crate::sampler) struct ScriptedMachine {
    pub(super) now: u64,
    pub(super) step: u64,
    pub(super) next: u64,
    pub(super) queue: Vec<Pending>,
    pub(super) armed: bool,
    pub(super) home: u32,
    pub(super) smi: Option<u32>,
    pub(super) registers: ScriptedRegisters,
    pub(super) pmu: Option<ScriptedPmu>,
    pub(super) footprint: ScriptedFootprint,
    pub(super) switches: u16,
    pub(super) full_ring: FullRing,
}

impl ScriptedMachine {
    /// Begins there: what is due before has happened, and took its time.
    pub(super) fn skip_to(&mut self, begin: u64) {
        self.now = begin;
        while self.take_due().is_some() {}
        self.find_next();
    }

    /// An event whose time has come, with its SMIs and what it did to the
    /// registers counted.
    fn take_due(&mut self) -> Option<Pending> {
        let index = self.queue.iter().position(|event| event.at <= self.now)?;
        let event = self.queue[index];
        match event.every.map(|every| event.at + every) {
            Some(again) if again <= event.until => self.queue[index].at = again,
            _ => drop(self.queue.swap_remove(index)),
        }
        self.smi = self.smi.map(|count| count.wrapping_add(event.smi));
        self.registers.hide(event.tsc_adjust, event.hidden);
        if let (1.., Some(pmu)) = (event.smi, &mut self.pmu) {
            pmu.enter_smm(event.length);
        }
        Some(event)
    }

    /// Lets time pass, as every operation does, and happen what is due.
    fn pass(&mut self, cycles: u64) {
        self.now += cycles;
        if self.now >= self.next {
            self.happen();
        }
    }

    fn happen(&mut self) {
        while let Some(event) = self.take_due() {
            match event.what {
                ScriptedWork::Stall => self.now += event.length,
                ScriptedWork::Kernel => {
                    self.now += event.length;
                    self.enter_kernel();
                }
                ScriptedWork::Interrupt => {
                    self.now += event.length;
                    self.interrupt();
                }
                ScriptedWork::Migration => {
                    self.now += event.length;
                    self.enter_kernel();
                    self.home = self.home.wrapping_add(1);
                }
                ScriptedWork::MigrationBack => {
                    self.now = self.now.saturating_sub(event.length);
                    self.enter_kernel();
                    self.home = self.home.wrapping_add(1);
                }
                ScriptedWork::Backwards => self.now = self.now.saturating_sub(event.length),
            }
        }
        self.find_next();
    }

    fn find_next(&mut self) {
        self.next = self
            .queue
            .iter()
            .map(|event| event.at)
            .min()
            .unwrap_or(u64::MAX);
    }

    fn enter_kernel(&mut self) {
        self.switches = self.switches.saturating_add(1);
        self.interrupt();
    }

    fn interrupt(&mut self) {
        self.armed = false;
        if let Some(pmu) = &mut self.pmu {
            pmu.enter_kernel();
        }
    }
}

impl Machine for ScriptedMachine {
    fn tsc(&mut self) -> u64 {
        self.pass(self.step);
        self.now
    }

    fn cpu_mark(&mut self) -> Option<u32> {
        Some(self.home)
    }

    fn arm(&mut self, _: Permit) {
        self.armed = true;
    }

    fn armed(&mut self) -> bool {
        self.armed
    }

    fn test_footprint(&mut self) -> FootprintTest {
        match self.footprint {
            ScriptedFootprint::Works => FootprintTest::Passed,
            ScriptedFootprint::Fred => FootprintTest::Fred,
            ScriptedFootprint::Fails => FootprintTest::FaultsKeptIt(200),
        }
    }

    fn smi_count(&mut self) -> Option<u32> {
        self.pass(self.smi.map_or(0, |_| 20 * self.step));
        self.smi
    }

    fn pmu(&mut self) -> Option<PmuReading> {
        self.pmu.as_ref()?;
        self.pass(self.step);
        let now = self.now;
        Some(self.pmu.as_ref()?.read(now))
    }

    fn usage(&mut self) -> UsageReading {
        self.pass(10 * self.step);
        UsageReading {
            involuntary_switches: std::mem::take(&mut self.switches),
            voluntary_switches: 0,
            page_faults: 0,
            run_delay: None,
        }
    }

    fn registers(&mut self) -> RegisterReading {
        self.registers.read(self.now)
    }

    fn on_full_ring(&mut self) -> FullRing {
        self.full_ring
    }

    fn pause(&mut self, length: Cycles) {
        self.now += length.0;
        self.happen();
        self.armed = false;
    }
}
