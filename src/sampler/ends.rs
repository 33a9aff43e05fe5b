//! What a sampler reads before its first sample and after its last, whatever
//! the engine: registers of its CPU, and how long the kernel let it wait.

use crate::evidence::watches::{RegisterReading, RegisterSpan};
use crate::units::Nanos;

use super::gap::CpuTotals;
use super::machine::Machine;

/// The readings before the first sample.
pub(super) struct Ends {
    registers: RegisterReading,
    run_delay: Option<Nanos>,
}

impl Ends {
    /// Reads before the first sample.
    pub(super) fn begin<M: Machine>(machine: &mut M) -> Ends {
        Ends {
            registers: machine.registers(),
            run_delay: machine.run_delay(),
        }
    }

    /// What can be said in mid-run: the registers are read at the end only.
    pub(super) fn so_far<M: Machine>(&self, machine: &mut M, totals: &mut CpuTotals) {
        totals.run_delay = self.run_delay(machine);
        totals.registers = RegisterSpan {
            before: self.registers.clone(),
            after: RegisterReading::unknown("they are read when the run ends"),
        };
    }

    /// Reads after the last sample.
    pub(super) fn finish<M: Machine>(self, machine: &mut M, totals: &mut CpuTotals) {
        totals.run_delay = self.run_delay(machine);
        totals.registers = RegisterSpan {
            before: self.registers,
            after: machine.registers(),
        };
    }

    fn run_delay<M: Machine>(&self, machine: &mut M) -> Option<Nanos> {
        let both = machine.run_delay().zip(self.run_delay);
        both.map(|(after, before)| after.saturating_sub(before))
    }
}
