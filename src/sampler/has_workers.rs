//! Engines whose samplers are threads of this process: they differ in what a
//! thread does, and in nothing that is asked of them while it does.

use crate::units::Fill;

use super::engine::{CpuSetup, Engine, EngineError, LiveStatus, Rescued, SoFar};
use super::gap::{CpuTotals, RawGap};
use super::stop_handle::StopHandle;
use super::workers::Workers;

/// Such an engine.
pub(super) trait HasWorkers {
    /// Its threads.
    fn workers(&self) -> &Workers;

    /// The same, to be steered.
    fn workers_mut(&mut self) -> &mut Workers;

    /// Starts the threads, see [`Engine::start`].
    fn set_up(&mut self) -> Result<Vec<CpuSetup>, EngineError>;
}

impl<T: HasWorkers> Engine for T {
    fn start(&mut self) -> Result<Vec<CpuSetup>, EngineError> {
        self.set_up()
    }

    fn release(&mut self) {
        self.workers_mut().release();
    }

    fn waiting(&self) -> usize {
        self.workers().waiting()
    }

    fn drain(&mut self, sink: &mut dyn FnMut(usize, RawGap)) -> Option<Fill> {
        Some(self.workers_mut().drain(sink))
    }

    fn status(&self) -> Vec<LiveStatus> {
        self.workers().status()
    }

    fn want_totals(&self) {
        self.workers().want_totals();
    }

    fn totals_so_far(&self, index: usize) -> SoFar {
        self.workers().totals_so_far(index)
    }

    fn stop(&self) {
        self.workers().stop();
    }

    fn rescue(&self) -> Rescued {
        self.workers().rescue();
        Rescued::Tried
    }

    fn stop_handle(&self) -> StopHandle {
        self.workers().stop_handle()
    }

    fn is_finished(&self) -> bool {
        self.workers().is_finished()
    }

    fn finish(&mut self) -> Result<Vec<CpuTotals>, EngineError> {
        self.workers_mut().finish()
    }
}
