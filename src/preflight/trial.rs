//! Trying what a run would do first: pin a thread to each CPU, give it its
//! priority, calibrate its TSC, test the footprint, open the SMI counter and
//! the ring of kernel records. It takes some hundredths of a second a CPU, and
//! nothing of it stays.

use crate::changes::LiveAccess;
use crate::evidence::MachineFacts;
use crate::evidence::kernel_trace::{KernelTrace, TraceSetup};
use crate::evidence::pmu::PmuSources;
use crate::evidence::watches::{FreezeRequest, RegisterSources, freeze_on_smi};
use crate::host::Host;
use crate::host::root::Root;
use crate::model::EngineName;
use crate::privileges::Keep;
use crate::sampler::{
    CpuSetup, Engine, EngineError, Interrupts, MachineKind, Readings, SamplingPlan, Tracer,
    UserEngine, Window, probe, probe_tracer,
};
use crate::session::Preparation;
use crate::units::{CpuId, Cycles, Hertz};

use super::plan::{PreflightPlan, THRESHOLD};

pub enum Trial {
    Done(Box<Tried>),
    /// They could not: of each CPU at fault, why.
    Failed(Vec<EngineError>),
    /// Files of another machine were read, or there is no CPU to try.
    NotMade,
}

pub struct Tried {
    pub setups: Vec<CpuSetup>,
    /// Of the kernel's records.
    pub records: TraceSetup,
    /// Of memory and idle states.
    pub preparation: Preparation,
    /// Of the engines in the kernel: how each samples, or what is missing.
    pub engines: Vec<(EngineName, Result<String, String>)>,
}

/// Sets the samplers of the plan up and takes them down again.
pub fn try_out(
    plan: &PreflightPlan,
    host: &Host,
    machine: &MachineFacts,
    root: &Root,
    preparation: Preparation,
    hz: Hertz,
) -> Trial {
    let cpus: Vec<CpuId> = plan.cpus.iter().collect();
    if cpus.is_empty() {
        return Trial::NotMade;
    }
    // As it stands: a trial sets nothing.
    let frozen = freeze_on_smi::<LiveAccess>(root, FreezeRequest::LeaveAlone, None);
    let pmu = PmuSources::new(root, frozen);
    let engine = |cpus: &[CpuId]| {
        let kind = MachineKind::Live {
            smi_sources: (cpus.iter())
                .map(|&cpu| machine.smi_sources(root, host, cpu))
                .collect(),
            kernel_return: machine.kernel_return,
        };
        let sampling = sampling_plan(cpus, plan.priority, hz, pmu.clone());
        UserEngine::new(sampling, kind)
    };
    let mut all = engine(&cpus);
    match all.start() {
        Ok(setups) => {
            let threads: Vec<(CpuId, u32)> = (setups.iter())
                .filter_map(|setup| Some((setup.cpu, setup.thread?)))
                .collect();
            let (_, records) = KernelTrace::open(&threads, root);
            Trial::Done(Box::new(Tried {
                setups,
                records,
                preparation,
                engines: kernel_engines(host, root),
            }))
        }
        // The first failure ends a run; here each CPU is asked.
        Err(first) => {
            drop(all);
            let errors: Vec<EngineError> = (cpus.iter())
                .filter_map(|&cpu| engine(&[cpu]).start().err())
                .collect();
            Trial::Failed(if errors.is_empty() {
                vec![first]
            } else {
                errors
            })
        }
    }
}

/// Looks which engines in the kernel a run could take.
fn kernel_engines(host: &Host, root: &Root) -> Vec<(EngineName, Result<String, String>)> {
    let masks = "samples with interrupts off";
    let bpf = probe(root, host).map(|_| masks.to_owned());
    let traced = |tracer| {
        let ability = probe_tracer(tracer, root, host);
        let how = ability.map(|ability| match ability.interrupts() {
            Interrupts::Off => masks.to_owned(),
            Interrupts::On => String::from("samples with interrupts on, and counts them"),
        });
        how.map_err(|missing| missing.to_string())
    };
    vec![
        (EngineName::Bpf, bpf.map_err(|missing| missing.to_string())),
        (EngineName::Hwlat, traced(Tracer::Hwlat)),
        (EngineName::Osnoise, traced(Tracer::Osnoise)),
    ]
}

/// The samplers are never released, so that the length does not matter.
fn sampling_plan(cpus: &[CpuId], priority: u8, hz: Hertz, pmu: PmuSources) -> SamplingPlan {
    SamplingPlan {
        cpus: cpus.to_vec(),
        threshold: hz.to_cycles(THRESHOLD),
        limit: hz.to_cycles(THRESHOLD),
        warm_up: Cycles(0),
        duration: Cycles(0),
        window: Window::Continuous,
        priority,
        threads_file: None,
        hz,
        smi_readings: Readings::StartAndEnd,
        registers: RegisterSources::none("a trial reads none").with_pmu(pmu),
        keep: Keep::All("it is over soon"),
    }
}
