//! Engines whose samplers are threads of this process: they differ in what a
//! thread does, and in nothing that is asked of them while it does.

use crate::units::Fill;

use super::brake::Brake;
use super::crew::Crew;
use super::engine::{CpuSetup, Engine, EngineError, LiveStatus, Rescued, SoFar};
use super::gap::{CpuTotals, RawGap};

/// Such an engine.
pub(super) trait Crewed {
    /// Its threads.
    fn crew(&self) -> &Crew;

    /// The same, to be steered.
    fn crew_mut(&mut self) -> &mut Crew;

    /// Starts the threads, see [`Engine::start`].
    fn set_up(&mut self) -> Result<Vec<CpuSetup>, EngineError>;
}

impl<T: Crewed> Engine for T {
    fn start(&mut self) -> Result<Vec<CpuSetup>, EngineError> {
        self.set_up()
    }

    fn release(&mut self) {
        self.crew_mut().release();
    }

    fn drain(&mut self, sink: &mut dyn FnMut(usize, RawGap)) -> Option<Fill> {
        Some(self.crew_mut().drain(sink))
    }

    fn status(&self) -> Vec<LiveStatus> {
        self.crew().status()
    }

    fn want_totals(&self) {
        self.crew().want_totals();
    }

    fn totals_so_far(&self, index: usize) -> SoFar {
        self.crew().totals_so_far(index)
    }

    fn stop(&self) {
        self.crew().stop();
    }

    fn rescue(&self) -> Rescued {
        self.crew().rescue();
        Rescued::Tried
    }

    fn brake(&self) -> Brake {
        self.crew().brake()
    }

    fn is_finished(&self) -> bool {
        self.crew().is_finished()
    }

    fn finish(&mut self) -> Result<Vec<CpuTotals>, EngineError> {
        self.crew_mut().finish()
    }
}
