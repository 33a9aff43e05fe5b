//! The PMU of a scripted CPU.

use crate::evidence::pmu::PmuReading;
use crate::model::InSmm;
use crate::units::Cycles;

/// Instructions of an interrupt, and of a handler in SMM.
const INTERRUPT: u64 = 900;
const HANDLER: u64 = 4_000;

/// What the PMU has counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScriptedPmu {
    in_smm: InSmm,
    instructions: u64,
    /// Cycles for which the reference cycles stood still.
    stood_still: u64,
}

impl ScriptedPmu {
    /// One that has counted nothing yet.
    pub(super) fn new(in_smm: InSmm) -> ScriptedPmu {
        ScriptedPmu {
            in_smm,
            instructions: 0,
            stood_still: 0,
        }
    }

    /// The kernel ran.
    pub(super) fn enter_kernel(&mut self) {
        self.instructions += INTERRUPT;
    }

    /// The firmware ran for so many cycles.
    pub(super) fn enter_smm(&mut self, length: u64) {
        match self.in_smm {
            InSmm::Stopped => self.stood_still += length,
            InSmm::Counting => self.instructions += HANDLER,
        }
    }

    /// The counts when the TSC is at `now`.
    pub(super) fn read(&self, now: u64) -> PmuReading {
        PmuReading {
            instructions: self.instructions,
            in_smm: self.in_smm,
            reference: match self.in_smm {
                InSmm::Stopped => Some((now.wrapping_sub(self.stood_still), Cycles(now))),
                InSmm::Counting => None,
            },
        }
    }
}
