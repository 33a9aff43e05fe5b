//! The seam between what samples and what judges.

use crate::evidence::pmu::PmuSetup;
use crate::evidence::watches::RegisterSources;
use crate::privileges::Keep;
use crate::quiet::CgroupThreadsFile;
use crate::sampler::engines::tracer::{Tracer, TracerError};
use crate::sampler::smi_counter::Readings;
use crate::units::{CpuId, Cycles, Fill, Hertz};

use super::calibrate::{Calibration, CalibrationError};
use super::gap::{CpuTotals, RawGap};
use super::offsets::MeasuredOffset;
use super::stop_handle::StopHandle;

/// When a CPU is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// All the time.
    Continuous,
    /// The first `width` of each `window`.
    Partial {
        /// Sampled part.
        width: Cycles,
        /// Whole length.
        window: Cycles,
    },
}

/// What an engine is to do.
#[derive(Clone, Debug)]
pub struct SamplingPlan {
    /// The CPUs, lowest first.
    pub cpus: Vec<CpuId>,
    /// Deltas above this become records.
    pub threshold: Cycles,
    /// Deltas above this are told apart in the histogram.
    pub limit: Cycles,
    /// What is sampled before and discarded.
    pub warm_up: Cycles,
    /// Length of the run.
    pub duration: Cycles,
    /// When to sample.
    pub window: Window,
    /// SCHED_FIFO priority to ask for.
    pub priority: u8,
    /// Where a sampler writes itself before it is pinned, to live on its CPU;
    /// `None` where it may live there as it is.
    pub threads_file: Option<CgroupThreadsFile>,
    /// The TSC's rate, for pauses.
    pub hz: Hertz,
    /// How often to read the SMI counter.
    pub smi_readings: Readings,
    /// Where registers can be read at both ends of the run.
    pub registers: RegisterSources,
    /// The rights that a sampler keeps once it samples.
    pub keep: Keep,
}

/// How a sampler is scheduled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// SCHED_FIFO at this priority.
    Fifo(u8),
    /// Ordinary scheduling, and why not FIFO.
    Ordinary(String),
    /// Not scheduled by Linux: a scripted clock.
    Scripted,
}

/// Where the SMI count of a CPU comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmiSetup {
    /// A counter that can be read, by name.
    Readable(String),
    /// None, and why.
    Unreadable(String),
}

/// What an engine found on one CPU before it began.
#[derive(Clone, Debug)]
pub struct CpuSetup {
    /// The CPU.
    pub cpu: CpuId,
    /// The sampler's thread (gettid(2)), where it is one of this kernel's.
    pub thread: Option<u32>,
    /// How its sampler is scheduled.
    pub scheduling: Scheduling,
    /// What the sampler measured of it.
    pub calibration: Calibration,
    /// Its SMI counter.
    pub smi: SmiSetup,
    /// Whether run delays can be read.
    pub schedstat: Result<(), String>,
    /// What its PMU counts.
    pub pmu: PmuSetup,
    /// Its TSC against the first CPU's; `None` for the first, and where the
    /// exchange did not come about.
    pub offset: Option<MeasuredOffset>,
}

/// A CPU's counts in mid-run, a moment old.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiveStatus {
    /// Gaps above the threshold so far.
    pub gaps_seen: u64,
    /// Its first reading; `None` before it.
    pub first: Option<Cycles>,
    /// Since then.
    pub elapsed: Cycles,
    /// Time that was not covered: the kernel's, the tool's own, pauses.
    pub uncovered: Cycles,
    /// Rises of the SMI counter so far; `None` where it cannot be read.
    pub smis: Option<u64>,
    /// Whether the sampler has ended.
    pub ended: bool,
}

/// A CPU's totals in mid-run.
#[derive(Debug)]
pub enum SoFar {
    /// Published since they were last asked for.
    Fresh(Box<CpuTotals>),
    /// Not published yet.
    Pending,
}

/// Why an engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A thread could not be started.
    #[error("no thread could be started for CPU {cpu}: {cause}")]
    Thread {
        /// The CPU.
        cpu: CpuId,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// The thread could not be moved to where its CPU is.
    #[error("the sampler of CPU {cpu} cannot be moved into the isolated partition: {cause}")]
    CgroupThreadsFile {
        /// The CPU.
        cpu: CpuId,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// The thread could not be pinned.
    #[error(
        "CPU {cpu} cannot be used: {cause} (it went offline, or this process's cpuset excludes it)"
    )]
    Pin {
        /// The CPU.
        cpu: CpuId,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// The CPU's clock does not serve.
    #[error("CPU {cpu}: {cause}")]
    Calibration {
        /// The CPU.
        cpu: CpuId,
        /// What is wrong.
        cause: CalibrationError,
    },
    /// The BPF program could not be loaded or run.
    #[error("CPU {cpu}: {cause}")]
    Program {
        /// The CPU.
        cpu: CpuId,
        /// What the kernel said.
        cause: String,
    },
    /// A tracer of the kernel's cannot sample.
    #[error("the {tracer} engine cannot be used: {cause}")]
    Tracer {
        /// Which one.
        tracer: Tracer,
        /// What keeps it from it, and what helps.
        cause: TracerError,
    },
    /// Stalls of a self-test could not be raised.
    #[error("CPU {cpu}: the stalls of the self-test cannot be raised: {cause}")]
    Exercise {
        /// The CPU.
        cpu: CpuId,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// Something else has the CPU.
    #[error(
        "CPU {cpu} could not be had for {seconds} s: {by}; end that, sample other CPUs, or raise \
         --priority"
    )]
    Occupied {
        /// The CPU.
        cpu: CpuId,
        /// What has it.
        by: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A signal came before sampling began.
    #[error("ended by a signal before sampling began; nothing was measured")]
    Interrupted,
    /// A sampler died.
    #[error("the sampler of CPU {0} ended without a result; this is a defect of hwgap")]
    Lost(CpuId),
}

/// What came of [`Engine::rescue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rescued {
    /// Samplers that had not ended were moved.
    Tried,
    /// The engine's samplers are no threads of this process.
    NotHere,
}

/// Gaps of a CPU that are handed over at once: with hundreds of CPUs, all that
/// their rings hold would take as much memory again.
pub const AT_ONCE: usize = 128;

/// Something that samples CPUs for gaps.
///
/// The collector calls [`Engine::start`] and [`Engine::release`] once, then
/// [`Engine::drain`] again and again until [`Engine::is_finished`], then
/// [`Engine::finish`].
pub trait Engine {
    /// Sets everything up and calibrates. The samplers then wait.
    ///
    /// # Errors
    /// Where a CPU cannot be sampled; nothing is left running then.
    fn start(&mut self) -> Result<Vec<CpuSetup>, EngineError>;

    /// Lets the samplers go.
    fn release(&mut self);

    /// How many gaps wait to be handed over, of the CPU with most of them.
    fn waiting(&self) -> usize {
        0
    }

    /// Hands over the gaps that have come in, of a CPU whose gaps can be counted
    /// at most [`AT_ONCE`], with the index of their CPU in the plan; the gaps of
    /// one CPU come in order. Says how full the fullest ring was; `None` where
    /// that cannot be known.
    fn drain(&mut self, sink: &mut dyn FnMut(usize, RawGap)) -> Option<Fill>;

    /// The latest counts, in the order of the plan.
    fn status(&self) -> Vec<LiveStatus>;

    /// Asks all samplers to publish their totals, which they do within some
    /// tens of microseconds, or 50 ms in a pause.
    fn want_totals(&self);

    /// The published totals of the CPU with this index of the plan. Gaps that
    /// they count can be drained from then on.
    fn totals_so_far(&self, index: usize) -> SoFar;

    /// Asks all samplers to end soon.
    fn stop(&self);

    /// Frees samplers that cannot end because something else occupies their
    /// CPUs. Asked again where it did not help.
    fn rescue(&self) -> Rescued {
        Rescued::NotHere
    }

    /// What ends all samplers where the collector no longer can. Called once
    /// they are set up.
    fn stop_handle(&self) -> StopHandle {
        StopHandle::default()
    }

    /// Whether all samplers have ended.
    fn is_finished(&self) -> bool;

    /// Waits for the samplers and returns their totals, in the order of the
    /// plan. [`Engine::drain`] must be called once more afterwards.
    ///
    /// # Errors
    /// [`EngineError::Lost`] where a sampler died.
    fn finish(&mut self) -> Result<Vec<CpuTotals>, EngineError>;
}
