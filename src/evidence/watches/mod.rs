//! Evidence that belongs to no single gap: counts read at the start and the
//! end of a run, and clocks and logs looked at beside it.
//!
//! Nothing here touches a sampled CPU while it samples. What can only be read
//! on that CPU itself (its registers) is read by its sampler, before the first
//! sample and after the last.

mod clock_steps;
mod freeze;
mod kernel_log;
mod over_run;
mod register_span;
mod registers;
mod steal;
mod throttle;
mod vectors;

pub use clock_steps::{ClockStart, ClockStep, ClockSteps, StepKind};
pub use freeze::{FreezeRequest, freeze_on_smi};
pub use kernel_log::{KernelLog, LogEvent, Said};
pub use register_span::RegisterSpan;
pub use registers::{CoreClocks, RegisterReading, RegisterSources, Registers};
pub use steal::StealWatch;
pub use throttle::{ThrottleCounts, ThrottleRise, ThrottleWatch};
pub use vectors::{HARDWARE_VECTORS, HardwareVector, Notable, VectorCounts, VectorWatch};

use crate::host::root::Root;
use crate::sys::clock::Moment;
use crate::units::{CpuId, UtcNanos};

/// All that is watched beside a run.
#[derive(Clone, Debug)]
pub struct Watches {
    /// Thermal throttling.
    pub throttle: ThrottleWatch,
    /// Vectors by which hardware reports trouble.
    pub vectors: VectorWatch,
    /// Time that the hypervisor says it took.
    pub steal: StealWatch,
    /// What the kernel logs about the TSC.
    pub log: KernelLog,
    /// Suspends and steps of the TSC; `None` under a scripted clock.
    pub steps: Option<ClockSteps>,
}

/// What was watched of the clocks: it goes on where a run has several slices.
#[derive(Clone, Debug)]
pub struct ClockRecord {
    log: KernelLog,
    steps: Option<ClockSteps>,
}

impl Watches {
    /// Takes the first readings for these CPUs. `clock` is how this
    /// machine's clocks stand, unless the clock is a script; `earlier` what
    /// the slice before knew of them.
    pub fn begin(
        root: &Root,
        cpus: &[CpuId],
        clock: Option<ClockStart>,
        earlier: Option<ClockRecord>,
    ) -> Watches {
        let record = earlier.unwrap_or_else(|| ClockRecord {
            log: KernelLog::begin(root),
            steps: clock.map(ClockSteps::begin),
        });
        Watches {
            throttle: ThrottleWatch::begin(root, cpus, clock.map(|start| start.moment.tsc)),
            vectors: VectorWatch::begin(root, cpus),
            steal: StealWatch::begin(root, cpus),
            log: record.log,
            steps: record.steps,
        }
    }

    /// Takes the first readings of what is counted once more: the samplers begin
    /// only now. What is known of the clocks stays.
    pub fn begin_anew(&mut self, root: &Root, cpus: &[CpuId], clock: Option<Moment>) {
        self.throttle = ThrottleWatch::begin(root, cpus, clock.map(|moment| moment.tsc));
        self.vectors = VectorWatch::begin(root, cpus);
        self.steal = StealWatch::begin(root, cpus);
    }

    /// What is known of the clocks.
    pub fn clock_record(&self) -> ClockRecord {
        ClockRecord {
            log: self.log.clone(),
            steps: self.steps.clone(),
        }
    }

    /// Takes what a later slice knows: it bears on this one as well.
    pub fn adopt(&mut self, later: ClockRecord) {
        self.log = later.log;
        self.steps = later.steps;
    }

    /// Looks again; `clock` is the moment of the look, unless the clock is a
    /// script, and `utc` its time of day.
    pub fn look(&mut self, clock: Option<Moment>, utc: UtcNanos) {
        if let Some(moment) = clock {
            self.throttle.look(moment.tsc);
            if let Some(steps) = &mut self.steps {
                steps.look(moment);
            }
        }
        self.log.look(utc);
    }

    /// What happened to the clocks, in order of time.
    pub fn clock_steps(&self) -> &[ClockStep] {
        self.steps.as_ref().map_or(&[], ClockSteps::steps)
    }

    /// Whether the rate of the TSC changed: lengths after that are wrong.
    pub fn tsc_rate_changed(&self) -> bool {
        self.steps.as_ref().is_some_and(ClockSteps::rate_changed)
    }

    /// Takes the last readings.
    pub fn end(&mut self, clock: Option<Moment>, utc: UtcNanos) {
        self.look(clock, utc);
        self.throttle.end(clock.map(|moment| moment.tsc));
        self.vectors.end();
        self.steal.end();
    }
}
