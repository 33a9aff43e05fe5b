//! The user-space engine: one pinned thread for each CPU.

mod close;
#[cfg(test)]
mod interleavings;
mod lessons;
mod own_work;
mod slow_path;
mod smi_watch;
pub mod trial;
mod usage_watch;
mod worker;
use std::sync::Arc;

use crate::evidence::pmu::PmuSetup;
use crate::evidence::{KernelReturn, SmiSource};
use crate::sampler::smi_counter::sources_of;
use crate::sys::sched;
use crate::units::CpuId;

use crate::sampler::calibrate::calibrate;
use crate::sampler::engine::{CpuSetup, EngineError, SamplingPlan, Scheduling, SmiSetup};
use crate::sampler::engines::user::worker::sample;
use crate::sampler::exercise::{Exercise, ExercisedMachine};
use crate::sampler::gap::CpuTotals;
use crate::sampler::has_workers::HasWorkers;
use crate::sampler::live::LiveMachine;
use crate::sampler::machine::Machine;
use crate::sampler::pin::pin;
use crate::sampler::scripted::Script;
use crate::sampler::workers::{Offsets, WorkerHandle, Workers};

/// What the threads sample.
#[derive(Clone, Debug)]
pub enum MachineKind {
    /// This machine.
    Live {
        /// For each CPU of the plan, where its SMI count may come from, or why
        /// nowhere.
        smi_sources: Vec<Result<Vec<SmiSource>, String>>,
        /// How this kernel returns to user space.
        kernel_return: KernelReturn,
    },
    /// This machine, with stalls that it raises on itself: a test of the
    /// instrument.
    Exercised {
        /// Where the SMI count of the CPU may come from, or why nowhere.
        smi_sources: Result<Vec<SmiSource>, String>,
        /// How this kernel returns to user space.
        kernel_return: KernelReturn,
        /// The stalls.
        exercise: Exercise,
    },
    /// A script: a test of the program.
    Scripted(Arc<Script>),
}

/// The engine.
pub struct UserEngine {
    plan: Arc<SamplingPlan>,
    kind: MachineKind,
    workers: Workers,
}

impl UserEngine {
    /// An engine that has not started.
    pub fn new(plan: SamplingPlan, kind: MachineKind) -> UserEngine {
        UserEngine {
            plan: Arc::new(plan),
            kind,
            workers: Workers::default(),
        }
    }
}

impl HasWorkers for UserEngine {
    fn workers(&self) -> &Workers {
        &self.workers
    }

    fn workers_mut(&mut self) -> &mut Workers {
        &mut self.workers
    }

    fn set_up(&mut self) -> Result<Vec<CpuSetup>, EngineError> {
        let (plan, kind) = (self.plan.clone(), self.kind.clone());
        let offsets = match kind {
            MachineKind::Live { .. } | MachineKind::Exercised { .. } => Offsets::Measure,
            MachineKind::Scripted(_) => Offsets::Skip,
        };
        self.workers.start(
            &self.plan.cpus,
            self.plan.priority,
            offsets,
            move |index, cpu, worker_handle| run(index, cpu, &plan, &kind, worker_handle),
        )
    }
}

/// The body of a sampler thread.
fn run(
    index: usize,
    cpu: CpuId,
    plan: &SamplingPlan,
    kind: &MachineKind,
    worker_handle: WorkerHandle,
) -> Option<CpuTotals> {
    match kind {
        MachineKind::Live {
            smi_sources,
            kernel_return,
        } => {
            let sources = sources_of(smi_sources, index);
            match live(cpu, plan, sources, *kernel_return) {
                Ok((machine, setup)) => serve(machine, setup, plan, worker_handle),
                Err(error) => worker_handle.fail(error),
            }
        }
        MachineKind::Exercised {
            smi_sources,
            kernel_return,
            exercise,
        } => {
            let sources = smi_sources
                .as_ref()
                .map(Vec::as_slice)
                .map_err(String::as_str);
            let opened = live(cpu, plan, sources, *kernel_return).and_then(|(machine, setup)| {
                ExercisedMachine::open(machine, exercise)
                    .map(|machine| (machine, setup))
                    .map_err(|cause| EngineError::Exercise { cpu, cause })
            });
            match opened {
                Ok((machine, setup)) => serve(machine, setup, plan, worker_handle),
                Err(error) => worker_handle.fail(error),
            }
        }
        MachineKind::Scripted(script) => {
            let (machine, smi) = script.machine(cpu);
            let setup = Setup {
                cpu,
                scheduling: Scheduling::Scripted,
                smi,
                schedstat: Ok(()),
                pmu: script.pmu_setup(),
            };
            serve(machine, setup, plan, worker_handle)
        }
    }
}

/// Pins the calling thread and opens what it may use of its CPU.
fn live(
    cpu: CpuId,
    plan: &SamplingPlan,
    sources: Result<&[SmiSource], &str>,
    kernel_return: KernelReturn,
) -> Result<(LiveMachine, Setup), EngineError> {
    let scheduling = pin(cpu, plan)?;
    let (machine, smi, schedstat, pmu) =
        LiveMachine::open(cpu, sources, &plan.registers, kernel_return, plan.hz);
    let setup = Setup {
        cpu,
        scheduling,
        smi,
        schedstat,
        pmu,
    };
    Ok((machine, setup))
}

struct Setup {
    cpu: CpuId,
    scheduling: Scheduling,
    smi: SmiSetup,
    schedstat: Result<(), String>,
    pmu: PmuSetup,
}

/// Calibrates, reports, and samples when told to.
fn serve<M: Machine>(
    mut machine: M,
    setup: Setup,
    plan: &SamplingPlan,
    worker_handle: WorkerHandle,
) -> Option<CpuTotals> {
    let cpu = setup.cpu;
    let calibration = match calibrate(&mut machine, plan.threshold, plan.hz) {
        Ok(calibration) => calibration,
        Err(cause) => return worker_handle.fail(EngineError::Calibration { cpu, cause }),
    };
    let thread = match setup.scheduling {
        Scheduling::Scripted => None,
        Scheduling::Fifo(_) | Scheduling::Ordinary(_) => Some(sched::thread_id()),
    };
    let setup = CpuSetup {
        cpu,
        thread,
        scheduling: setup.scheduling,
        calibration,
        smi: setup.smi,
        schedstat: setup.schedstat,
        pmu: setup.pmu,
        offset: None,
    };
    let channel = worker_handle.wait(&mut machine, setup, &plan.keep)?;
    let totals = sample(
        machine,
        cpu,
        plan,
        calibration,
        channel.ring,
        &channel.shared,
    );
    Some(totals)
}
