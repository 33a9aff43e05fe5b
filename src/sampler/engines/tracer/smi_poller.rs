//! A thread of our own on each sampled CPU, beside the kernel's: it reads the
//! SMI counter between windows, and registers at both ends. It sleeps
//! otherwise, and where the tracer holds interrupts off it wakes after them.

use std::sync::mpsc::Sender;

use crate::evidence::pmu::PmuSources;
use crate::evidence::{KernelReturn, SmiSource};
use crate::model::SmiCount;
use crate::sampler::calibrate::{Calibration, FootprintTest, calibrate};
use crate::sampler::ends::Ends;
use crate::sampler::engine::{CpuSetup, EngineError, SamplingPlan};
use crate::sampler::engines::tracer::brackets::Reading;
use crate::sampler::gap::{CpuTotals, SmiTotals};
use crate::sampler::live::LiveMachine;
use crate::sampler::machine::Machine;
use crate::sampler::pin::pin;
use crate::sampler::smi_counter::Readings;
use crate::sampler::workers::WorkerHandle;
use crate::units::{CpuId, Cycles, Nanos};

/// Between two looks at the stop flag, where nothing is read.
const NAP: Nanos = Nanos(20_000_000);

/// What an SMI poller is to do.
#[derive(Clone)]
pub(super) struct Duty {
    /// Time between two readings.
    pub(super) pace: Nanos,
    /// Gaps from this length on are looked at.
    pub(super) trip: Cycles,
    /// Where readings go, with the index of the CPU.
    pub(super) readings: Sender<(usize, Reading)>,
}

/// Why what belongs to a thread of ours is not read.
const KERNEL_SAMPLES: &str = "a thread of the kernel's samples, not one of ours";

/// The body of the thread.
pub(super) fn attend(
    index: usize,
    cpu: CpuId,
    plan: &SamplingPlan,
    sources: Result<&[SmiSource], &str>,
    duty: &Duty,
    worker_handle: WorkerHandle,
) -> Option<CpuTotals> {
    let scheduling = match pin(cpu, plan) {
        Ok(scheduling) => scheduling,
        Err(error) => return worker_handle.fail(error),
    };
    // The footprint is not asked: no code of ours samples.
    let uncounted = PmuSources::none(KERNEL_SAMPLES);
    let registers = plan.registers.clone().with_pmu(uncounted);
    let (mut machine, smi, _, pmu) =
        LiveMachine::open(cpu, sources, &registers, KernelReturn::Iret, plan.hz);
    let calibration = match calibrate(&mut machine, plan.threshold, plan.hz) {
        Ok(found) => Calibration {
            trip: duty.trip,
            footprint: FootprintTest::NotNeeded,
            ..found
        },
        Err(cause) => return worker_handle.fail(EngineError::Calibration { cpu, cause }),
    };
    let setup = CpuSetup {
        cpu,
        // The kernel's thread, once it has one.
        thread: None,
        scheduling,
        calibration,
        smi,
        schedstat: Err(String::from(KERNEL_SAMPLES)),
        pmu,
        offset: None,
    };
    let channel = worker_handle.wait(&mut machine, setup, &plan.keep)?;
    let begun = machine.tsc();
    let nap = plan.hz.to_cycles(NAP);
    while !channel.shared.is_stopped() && machine.tsc().wrapping_sub(begun) < plan.warm_up.0 {
        machine.pause(nap.min(plan.warm_up));
    }
    let ends = Ends::begin(&mut machine);
    let mut counter = Counter::begin(&mut machine, index, plan.smi_readings, duty);
    while !channel.shared.is_stopped() {
        machine.pause(plan.hz.to_cycles(counter.pace()));
        counter.read(&mut machine);
        if channel.shared.is_wanted() {
            let mut totals = CpuTotals::begin(cpu, Cycles(0), plan.limit);
            totals.smi = counter.so_far();
            ends.so_far(&mut machine, &mut totals);
            totals.run_delay = None;
            channel.shared.publish(totals);
        }
    }
    let mut totals = CpuTotals::begin(cpu, Cycles(0), plan.limit);
    totals.smi = counter.finish(&mut machine);
    ends.finish(&mut machine, &mut totals);
    // How long this thread waited says nothing of the one that sampled.
    totals.run_delay = None;
    channel.shared.publish(totals.clone());
    Some(totals)
}

/// The CPU's counter, while it can be read.
struct Counter<'a> {
    index: usize,
    readings: Readings,
    duty: &'a Duty,
    first_and_latest: Option<(u32, u32)>,
    rises: u64,
}

impl<'a> Counter<'a> {
    fn begin<M: Machine>(
        machine: &mut M,
        index: usize,
        readings: Readings,
        duty: &'a Duty,
    ) -> Counter<'a> {
        let mut counter = Counter {
            index,
            readings,
            duty,
            first_and_latest: machine.smi_count().map(|first| (first, first)),
            rises: 0,
        };
        counter.read(machine);
        counter
    }

    fn pace(&self) -> Nanos {
        match (self.readings, self.first_and_latest) {
            (Readings::AfterGaps, Some(_)) => self.duty.pace,
            _ => NAP,
        }
    }

    /// Reads it and passes the reading on, unless a guest's: nothing of a gap
    /// would follow from it.
    fn read<M: Machine>(&mut self, machine: &mut M) {
        if self.readings == Readings::AfterGaps {
            self.advance(machine);
        }
    }

    fn advance<M: Machine>(&mut self, machine: &mut M) {
        let Some((first, latest)) = self.first_and_latest else {
            return;
        };
        let count = machine.smi_count();
        self.first_and_latest = count.map(|now| (first, now));
        if let Some(count) = count {
            self.rises += u64::from(count.wrapping_sub(latest));
            let at = Cycles(machine.tsc());
            // The engine outlives its workers.
            let _ = self.duty.readings.send((self.index, Reading { at, count }));
        }
    }

    fn finish<M: Machine>(mut self, machine: &mut M) -> Option<SmiTotals> {
        self.advance(machine);
        self.so_far()
    }

    /// The account by the latest reading.
    fn so_far(&self) -> Option<SmiTotals> {
        let (first, latest) = self.first_and_latest?;
        Some(SmiTotals {
            count: SmiCount {
                before: u64::from(first),
                after: u64::from(latest),
                delta: self.rises,
            },
            ..SmiTotals::default()
        })
    }
}
