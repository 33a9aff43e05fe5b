//! The loop on the calling thread, without engine and collector: what a bench
//! holds against a bare loop. It is the code of a worker, not a copy of it.

use rtrb::{Consumer, RingBuffer};

use crate::evidence::KernelReturn;
use crate::evidence::pmu::PmuSources;
use crate::evidence::watches::RegisterSources;
use crate::host::root::Root;
use crate::sampler::calibrate::{Calibration, CalibrationError, calibrate};
use crate::sampler::engines::user::slow_path::Sampler;
use crate::sampler::engines::user::smi_watch::SmiWatch;
use crate::sampler::engines::user::worker::{BLOCK, block};
use crate::sampler::gap::{CpuTotals, RawGap};
use crate::sampler::live::LiveMachine;
use crate::sampler::smi_counter::Readings;
use crate::units::{CpuId, Cycles, Hertz};

/// Records that the ring holds: more than one block can bring forth.
const RING: usize = Trial::ROUNDS as usize;

/// A sampler on the CPU of the calling thread, without an SMI counter: the
/// cost of reading that is the interface's, not the loop's.
pub struct Trial {
    sampler: Sampler<LiveMachine>,
    gaps: Consumer<RawGap>,
}

impl Trial {
    /// Rounds of a block.
    pub const ROUNDS: u32 = BLOCK;

    /// Calibrates. The calling thread must be pinned to `cpu`.
    ///
    /// # Errors
    /// Where the clock does not serve or the threshold is below its floor.
    pub fn begin(
        cpu: CpuId,
        kernel_return: KernelReturn,
        hz: Hertz,
        threshold: Cycles,
    ) -> Result<Trial, CalibrationError> {
        let none = "a trial reads none";
        // Counts that a run reads in its slow path are part of what it costs.
        let pmu = PmuSources::new(&Root::live(), Err(String::from(none)));
        let registers = RegisterSources::none(none).with_pmu(pmu);
        let (mut machine, ..) = LiveMachine::open(cpu, Err(none), &registers, kernel_return, hz);
        let calibration = calibrate(&mut machine, threshold, hz)?;
        let smi = SmiWatch::begin(&mut machine, Readings::StartAndEnd, &calibration, hz);
        let (producer, gaps) = RingBuffer::new(RING);
        let totals = CpuTotals::begin(cpu, calibration.floor, Cycles(0));
        let sampler = Sampler::new(machine, calibration, threshold, smi, hz, producer, totals);
        Ok(Trial { sampler, gaps })
    }

    /// Runs one block of the loop, from the latest reading on.
    pub fn block(&mut self) {
        block(&mut self.sampler);
        while self.gaps.pop().is_ok() {}
    }

    /// The time since the latest reading passes for no gap.
    pub fn resume(&mut self) {
        self.sampler.settle(|_, _| ());
    }

    /// What was found out of the CPU.
    pub fn calibration(&self) -> &Calibration {
        &self.sampler.calibration
    }

    /// What was counted so far.
    pub fn totals(&self) -> &CpuTotals {
        &self.sampler.totals
    }
}
