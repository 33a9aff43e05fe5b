//! The engine that holds interrupts off: a BPF program samples the clock in
//! shots of bounded length on each CPU, back to back but for a pause in which
//! the kernel serves what waited.
//!
//! Within a shot this kernel cannot run, except by an NMI or a machine check,
//! and those are counted. It needs Linux 6.14, the kernel's type information
//! and CAP_BPF with CAP_PERFMON; nothing is pinned, so that the program goes
//! when the process does, and the verifier lets no program end with interrupts
//! off.

mod counters;
mod edges;
mod interruptions;
mod layout;
mod neighbours;
mod probe;
mod program;
mod shot;
mod smi_ledger;
#[cfg(test)]
mod tests;
mod trial;
mod worker;

use std::sync::Arc;

use crate::evidence::KernelReturn;
use crate::evidence::SmiSource;
use crate::evidence::pmu::PmuSources;
use crate::sys::bpf::EventSlot;
use crate::sys::perf::CpuCounter;
use crate::sys::sched;
use crate::units::{CpuId, Cycles, Nanos};

use crate::sampler::calibrate::{Calibration, CalibrationError, FootprintTest, calibrate};
use crate::sampler::engine::{CpuSetup, EngineError, SamplingPlan, SmiSetup};
use crate::sampler::engines::bpf::shot::{ArmError, Loaded, Order};
use crate::sampler::engines::bpf::worker::Task;
use crate::sampler::gap::CpuTotals;
use crate::sampler::gap::{CountSource, Ledger};
use crate::sampler::has_workers::HasWorkers;
use crate::sampler::live::LiveMachine;
use crate::sampler::pin::pin;
use crate::sampler::smi_counter::Readings;
use crate::sampler::smi_counter::sources_of;
use crate::sampler::workers::{Offsets, WorkerHandle, Workers};

pub use probe::{Ability, Missing, probe};
pub use trial::BpfTrial;

/// The shortest shot worth its edges.
pub const SHORTEST_SHOT: Nanos = Nanos(100_000);
/// The longest shot. Other CPUs that send this one an interrupt and wait
/// (smp_call_function) stand still for as long; the hard-lockup detector looks
/// every 10 s, RCU complains after 21 s or more, and the clocksource watchdog
/// looks every 0.5 s (kernel/watchdog.c, kernel/rcu/tree_stall.h,
/// kernel/time/clocksource.c).
pub const LONGEST_SHOT: Nanos = Nanos(100_000_000);
/// The shortest pause: some interrupts and a switch to a kernel thread.
pub const SHORTEST_PAUSE: Nanos = Nanos(20_000);
/// Shots by which a CPU is calibrated.
const CALIBRATION_SHOTS: usize = 10;
/// Their length.
const CALIBRATION_SHOT: Nanos = Nanos(500_000);
/// A shot of that kind, in which nothing is a gap.
const CALIBRATION: Order = Order {
    length: CALIBRATION_SHOT,
    trip: Nanos::SECOND,
    threshold: Nanos::SECOND,
    rounds: 100_000,
    look: Nanos::SECOND,
};
/// The trip level is this many times the mean delta: the next delta after a
/// record holds the writing of it.
const TRIP_FACTOR: u64 = 6;

/// How shots follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Length of a shot: interrupts are off for as long.
    pub shot: Nanos,
    /// Time given to the kernel and to other tasks after each.
    pub pause: Nanos,
    /// What is kept of each.
    pub ledger: Ledger,
}

/// The engine.
pub struct BpfEngine {
    plan: Arc<SamplingPlan>,
    pace: Pace,
    ability: Ability,
    smi_sources: Arc<Vec<Result<Vec<SmiSource>, String>>>,
    workers: Workers,
}

impl BpfEngine {
    /// An engine that has not started. `smi_sources` says for each CPU of the
    /// plan where its SMI count may come from, or why nowhere.
    pub fn new(
        plan: SamplingPlan,
        pace: Pace,
        ability: Ability,
        smi_sources: Vec<Result<Vec<SmiSource>, String>>,
    ) -> BpfEngine {
        BpfEngine {
            plan: Arc::new(plan),
            pace,
            ability,
            smi_sources: Arc::new(smi_sources),
            workers: Workers::default(),
        }
    }
}

impl HasWorkers for BpfEngine {
    fn workers(&self) -> &Workers {
        &self.workers
    }

    fn workers_mut(&mut self) -> &mut Workers {
        &mut self.workers
    }

    fn set_up(&mut self) -> Result<Vec<CpuSetup>, EngineError> {
        let (plan, pace, ability) = (self.plan.clone(), self.pace, self.ability);
        let sources = self.smi_sources.clone();
        self.workers.start(
            &self.plan.cpus,
            self.plan.priority,
            Offsets::Measure,
            move |index, cpu, worker_handle| {
                run(
                    sources_of(&sources, index),
                    cpu,
                    &plan,
                    pace,
                    ability,
                    worker_handle,
                )
            },
        )
    }
}

/// Why nothing is read of the PMU.
const INTERRUPTS_OFF: &str =
    "not needed: interrupts are off while the clock is sampled, and NMIs are counted";

/// The body of a sampler thread.
fn run(
    sources: Result<&[SmiSource], &str>,
    cpu: CpuId,
    plan: &SamplingPlan,
    pace: Pace,
    ability: Ability,
    worker_handle: WorkerHandle,
) -> Option<CpuTotals> {
    let scheduling = match pin(cpu, plan) {
        Ok(scheduling) => scheduling,
        Err(error) => return worker_handle.fail(error),
    };
    // The footprint is not asked: a shot is one system call.
    let uncounted = PmuSources::none(INTERRUPTS_OFF);
    let registers = plan.registers.clone().with_pmu(uncounted);
    let (mut machine, mut smi, schedstat, pmu) =
        LiveMachine::open(cpu, sources, &registers, KernelReturn::Iret, plan.hz);
    let mut loaded = match load(ability, sources.unwrap_or_default(), cpu, plan, &mut smi) {
        Ok(loaded) => loaded,
        Err(error) => {
            let cause = error.to_string();
            return worker_handle.fail(EngineError::Program { cpu, cause });
        }
    };
    let (calibration, look) = match calibrate(&mut machine, plan.threshold, plan.hz)
        .map_err(|cause| EngineError::Calibration { cpu, cause })
        .and_then(|machine| recalibrate(machine, &mut loaded, cpu, plan))
    {
        Ok(calibrated) => calibrated,
        Err(error) => return worker_handle.fail(error),
    };
    let setup = CpuSetup {
        cpu,
        thread: Some(sched::thread_id()),
        scheduling,
        calibration,
        smi,
        schedstat,
        pmu,
        offset: None,
    };
    let channel = worker_handle.wait(&mut machine, setup, &plan.keep)?;
    let source = match ability.counters {
        Some(_) => CountSource::Program,
        None => CountSource::File,
    };
    let task = Task {
        cpu,
        plan,
        pace,
        calibration,
        look,
        source,
    };
    Some(worker::sample(machine, loaded, channel, &task))
}

/// Loads the program; where perf can count SMIs on this CPU, with that event,
/// and `smi` then says so.
fn load(
    ability: Ability,
    sources: &[SmiSource],
    cpu: CpuId,
    plan: &SamplingPlan,
    smi: &mut SmiSetup,
) -> Result<Loaded, ArmError> {
    if plan.smi_readings == Readings::AfterGaps
        && let SmiSetup::Readable(name) = smi
        && let Some((slot, event)) = sources.iter().find_map(|source| event_slot(source, cpu))
        && let Ok(mut loaded) = Loaded::new(ability.functions, ability.counters, Some(slot))
        && loaded
            .fire(CALIBRATION)
            .is_ok_and(|shot| shot.smis_after.is_some())
    {
        *smi = SmiSetup::Readable(format!("{name}; by the program as {event}"));
        return Ok(loaded);
    }
    Loaded::new(ability.functions, ability.counters, None)
}

/// Opens a perf event for the program.
fn event_slot(source: &SmiSource, cpu: CpuId) -> Option<(EventSlot, &SmiSource)> {
    let SmiSource::Perf { kind, config, .. } = *source else {
        return None;
    };
    let counter = CpuCounter::open(kind, config, cpu).ok()?;
    Some((EventSlot::new(counter, "hwgap_smis").ok()?, source))
}

/// Replaces what was found out about the loop in user space by what holds for
/// the program's; and how long a look at the counters takes at least.
fn recalibrate(
    found: Calibration,
    loaded: &mut Loaded,
    cpu: CpuId,
    plan: &SamplingPlan,
) -> Result<(Calibration, Nanos), EngineError> {
    // Of several shots the quickest: what disturbs one only makes it slower.
    let (mut floor, mut mean, mut look) = (f64::MAX, f64::MAX, Nanos(u64::MAX));
    for _ in 0..CALIBRATION_SHOTS {
        let shot = loaded
            .fire(CALIBRATION)
            .map_err(|error| EngineError::Program {
                cpu,
                cause: error.to_string(),
            })?;
        look = look.min(shot.look);
        if let Some(Nanos(shortest)) = shot.shortest {
            let length = shot.last.saturating_sub(shot.first).0 as f64;
            floor = floor.min(shortest as f64);
            mean = mean.min(length / shot.rounds as f64);
        }
    }
    let calibration_failed = |cause| EngineError::Calibration { cpu, cause };
    if mean == f64::MAX || mean <= 0.0 {
        return Err(calibration_failed(CalibrationError::Stuck));
    }
    let cycles = |nanos: f64| Cycles((nanos * plan.hz.0 / 1e9).round() as u64);
    let (floor, median) = (cycles(floor), cycles(mean));
    let trip = Cycles(median.0 * TRIP_FACTOR);
    if plan.threshold < trip {
        return Err(calibration_failed(CalibrationError::ThresholdBelowFloor {
            hz: plan.hz,
            floor: floor.0,
            median: median.0,
            trip: trip.0,
        }));
    }
    let calibration = Calibration {
        floor,
        median,
        trip,
        footprint: FootprintTest::NotNeeded,
        ..found
    };
    Ok((calibration, look))
}
