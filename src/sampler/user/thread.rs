//! The life of one sampler thread: pin, calibrate, wait, sample.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use rtrb::Producer;

use crate::cpulist::CpuList;
use crate::sys::{memory, sched, signals};
use crate::units::CpuId;

use super::super::calibrate::calibrate;
use super::super::engine::{CpuSetup, EngineError, SamplingPlan, Scheduling, SmiSetup};
use super::super::exercise::ExercisedMachine;
use super::super::gap::{CpuTotals, RawGap};
use super::super::live::LiveMachine;
use super::super::machine::Machine;
use super::super::scripted::ScriptedMachine;
use super::super::worker::{Shared, sample};
use super::{Command, MachineKind, Report};

/// The body of a sampler thread.
#[expect(
    clippy::too_many_arguments,
    reason = "all of it is moved in once, at the thread's start"
)]
pub(super) fn run(
    index: usize,
    cpu: CpuId,
    plan: &SamplingPlan,
    kind: MachineKind,
    ring: Producer<RawGap>,
    shared: &Arc<Shared>,
    inbox: &Receiver<Command>,
    outbox: &Sender<Report>,
) -> Option<CpuTotals> {
    signals::block_all();
    let prepared = match kind {
        MachineKind::Live {
            smi_sources,
            kernel_return,
        } => {
            let sources = smi_sources.get(index).map_or(Err("not asked"), |sources| {
                sources.as_ref().map(Vec::as_slice).map_err(String::as_str)
            });
            pin(cpu, plan.priority).map(|scheduling| {
                let (machine, smi, schedstat) =
                    LiveMachine::open(cpu, sources, &plan.registers, kernel_return, plan.hz);
                (AnyMachine::Live(machine), scheduling, smi, schedstat)
            })
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
            pin(cpu, plan.priority).and_then(|scheduling| {
                let (machine, smi, schedstat) =
                    LiveMachine::open(cpu, sources, &plan.registers, kernel_return, plan.hz);
                let machine = ExercisedMachine::open(machine, &exercise)
                    .map_err(|cause| EngineError::Exercise { cpu, cause })?;
                Ok((AnyMachine::Exercised(machine), scheduling, smi, schedstat))
            })
        }
        MachineKind::Scripted(script) => {
            let (machine, smi) = script.machine(cpu);
            Ok((
                AnyMachine::Scripted(machine),
                Scheduling::Scripted,
                smi,
                Ok(()),
            ))
        }
    };
    let (machine, scheduling, smi, schedstat) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let _ = outbox.send(Report::Failed(error));
            return None;
        }
    };
    let setup = Setup {
        cpu,
        scheduling,
        smi,
        schedstat,
    };
    match machine {
        AnyMachine::Live(machine) => serve(machine, setup, plan, ring, shared, inbox, outbox),
        AnyMachine::Exercised(machine) => serve(machine, setup, plan, ring, shared, inbox, outbox),
        AnyMachine::Scripted(machine) => serve(machine, setup, plan, ring, shared, inbox, outbox),
    }
}

enum AnyMachine {
    Live(LiveMachine),
    Exercised(ExercisedMachine),
    Scripted(ScriptedMachine),
}

struct Setup {
    cpu: CpuId,
    scheduling: Scheduling,
    smi: SmiSetup,
    schedstat: Result<(), String>,
}

/// Calibrates, reports, and does what it is told.
fn serve<M: Machine>(
    mut machine: M,
    setup: Setup,
    plan: &SamplingPlan,
    ring: Producer<RawGap>,
    shared: &Arc<Shared>,
    inbox: &Receiver<Command>,
    outbox: &Sender<Report>,
) -> Option<CpuTotals> {
    memory::prefault_stack();
    let Setup {
        cpu,
        scheduling,
        smi,
        schedstat,
    } = setup;
    let calibration = match calibrate(&mut machine, plan.threshold, plan.hz) {
        Ok(calibration) => calibration,
        Err(cause) => {
            let _ = outbox.send(Report::Failed(EngineError::Calibration { cpu, cause }));
            return None;
        }
    };
    let thread = match scheduling {
        Scheduling::Scripted => None,
        Scheduling::Fifo(_) | Scheduling::Ordinary(_) => Some(sched::thread_id()),
    };
    let setup = CpuSetup {
        cpu,
        thread,
        scheduling,
        calibration,
        smi,
        schedstat,
        offset: None,
    };
    let _ = outbox.send(Report::Ready(Box::new(setup)));
    loop {
        // A closed channel is the order to end.
        match inbox.recv().ok()? {
            Command::Lead(exchange) => {
                let offset = exchange.lead(&mut machine);
                let _ = outbox.send(Report::Exchanged(offset));
            }
            Command::Follow(exchange) => {
                exchange.follow(&mut machine);
                let _ = outbox.send(Report::Exchanged(None));
            }
            Command::Sample => {
                return Some(sample(machine, cpu, plan, calibration, ring, shared));
            }
        }
    }
}

/// Pins the calling thread and puts it on SCHED_FIFO, or says why not.
fn pin(cpu: CpuId, priority: u8) -> Result<Scheduling, EngineError> {
    let only: CpuList = [cpu].into_iter().collect();
    sched::set_affinity(&only).map_err(|cause| EngineError::Pin { cpu, cause })?;
    Ok(match sched::set_fifo(priority) {
        Ok(()) => Scheduling::Fifo(priority),
        Err(error) => Scheduling::Ordinary(error.to_string()),
    })
}
