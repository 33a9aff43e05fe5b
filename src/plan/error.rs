//! Why there is no plan: what is wrong with the command line or the machine.

use crate::host::root::ReadError;
use crate::host::usable::UnusableCpu;
use crate::quiet::StepError;
use crate::units::cpulist::{CpuList, CpuListError};
use crate::units::{CpuId, Nanos};

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// `--cpus` is not a list.
    #[error("--cpus: {0}; write for example 1-3,5, all or isolated")]
    BadList(#[from] CpuListError),
    #[error("--cpus names no CPU; write for example 1-3,5, all or isolated")]
    EmptyList,
    /// `--cpus isolated` on a machine without such CPUs.
    #[error(
        "--cpus isolated: no CPU is isolated here; boot with isolcpus= or make an isolated \
         cpuset partition, or name the CPUs"
    )]
    NoneIsolated,
    #[error("--cpus isolated: CPUs {isolated} are isolated, and this process may use none{why}")]
    IsolatedClosed {
        isolated: CpuList,
        /// Why the first cannot be used.
        why: String,
    },
    /// `--housekeeping` is not a list.
    #[error("--housekeeping: {0}; write for example 0 or 0,4")]
    BadHousekeeping(CpuListError),
    #[error("--housekeeping: CPU {0} is not among those that this process may use")]
    HousekeepingClosed(CpuId),
    /// `--housekeeping` names a CPU that is to be sampled.
    #[error("--housekeeping: CPU {0} is to be sampled; name it in --cpus or here, not in both")]
    HousekeepingSampled(CpuId),
    #[error("--housekeeping must name some CPUs, and leave some to sample; write for example 0")]
    NothingToSample,
    #[error("--cpus: {0}")]
    Unusable(#[from] UnusableCpu),
    #[error("the CPUs of this machine cannot be found out: {0}")]
    UnknownCpus(#[from] ReadError),
    #[error("this process may not use any CPU that is online")]
    NoCpus,
    #[error("--{0} is zero; write for example {1}")]
    Zero(&'static str, &'static str),
    /// Checkpoints that would be half of the work.
    #[error("--checkpoint {0} is shorter than 100 ms; write for example 60s, or 0 for none")]
    CheckpointTooOften(Nanos),
    /// Gaps that no record is made of.
    #[error("--on-gap-above {0} is below --threshold {1}; lower the threshold as well")]
    ActionBelowThreshold(Nanos, Nanos),
    #[error("--on-gap continue and a stop at the first gap exclude each other")]
    StopAndContinue,
    #[error("--on-end takes mark, trace, signal and shell only: the run has ended then")]
    StopAtTheEnd,
    #[error("--trace-{0} {1} is longer than a second")]
    TraceTooLong(&'static str, Nanos),
    #[error("--load-on-sampled needs a COMMAND after -- or --stress")]
    NoLoad,
    #[error(
        "no CPU is left for the load: leave some out with --cpus, or let it run on the sampled \
         ones with --load-on-sampled"
    )]
    NoCpuForLoad,
    #[error("{0:?} is no program that can be started")]
    NoProgram(std::path::PathBuf),
    #[error("--stress: stress-ng is not installed; install it, or name a COMMAND after --")]
    NoStress,
    #[error("engines that take {0} turns each need --duration beside a COMMAND")]
    TurnsWithoutDuration(usize),
    /// A length beyond reason.
    #[error("--{0} {1} is longer than {2}")]
    TooLong(&'static str, Nanos, &'static str),
    /// A limit that could not be checked.
    #[error(
        "--hardlimit {hardlimit} is below --threshold {threshold}: gaps between the two would go \
         unseen; lower the threshold as well"
    )]
    LimitBelowThreshold { hardlimit: Nanos, threshold: Nanos },
    #[error("--width {width} is longer than --window {window}; make the window at least as long")]
    WidthAboveWindow { width: Nanos, window: Nanos },
    /// A width without a window, or the reverse.
    #[error("--{given} needs --{missing} beside it, for example --width 500ms --window 1s")]
    HalfAWindow {
        given: &'static str,
        missing: &'static str,
    },
    /// A window that cannot hold a gap.
    #[error("--width {width} is not longer than --threshold {threshold}: no gap would fit")]
    WidthBelowThreshold { width: Nanos, threshold: Nanos },
    /// Shots without the engine that takes them.
    #[error("--{0} is for the BPF engine only; write --engine bpf, or leave --{0} away")]
    NoShots(&'static str),
    /// A run too short for several engines.
    #[error("with several engines --engine takes turns and needs --duration {0} or more")]
    TooShortForTurns(Nanos),
    /// A choice beside what it would choose from.
    #[error(
        "--engine auto chooses one engine and stands alone; name the ones that are to take turns"
    )]
    AutoAmongOthers,
    /// An engine that would take turns with itself.
    #[error("--engine names {0} twice")]
    EngineTwice(&'static str),
    /// An interrupts-off window or pause that is too short or too long.
    #[error("--{option} {length} is not between {least} and {most}")]
    OutOfRange {
        option: &'static str,
        length: Nanos,
        least: Nanos,
        most: Nanos,
    },
    /// A shot that cannot hold a gap.
    #[error("--irqs-off {shot} is not longer than --threshold {threshold}: no gap would fit")]
    ShotBelowThreshold { shot: Nanos, threshold: Nanos },
    #[error("--quiet-host: {0}")]
    BadSteps(StepError),
    /// Two results for one place.
    #[error("{0} both go to standard output; send one of them to a file")]
    StdoutTwice(String),
}
