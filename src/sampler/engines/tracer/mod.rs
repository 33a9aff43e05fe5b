//! The kernel's own tracers as engines: hwlat, which samples with interrupts
//! off and tells the longest gap of each window, and osnoise, which tells each
//! gap with what interfered.
//!
//! A tracer records into a trace instance of our own, which goes when the run
//! ends. What both share with the rest of the machine, the threshold and the
//! width above all, is changed for the run and put back after it. Beside each
//! of the kernel's threads one of ours reads the SMI counter.

mod brackets;
mod cpu;
mod error;
mod found;
mod hwlat;
mod instance;
mod kind;
mod line;
mod live;
mod osnoise;
mod pipe;
mod probe;
mod records;
mod session;
mod settings;
mod smi_poller;
#[cfg(test)]
mod tests;
mod totals;
mod wall_clock;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use crate::changes::SharedChanges;
use crate::evidence::SmiSource;
use crate::sys::tsc;
use crate::units::{Cycles, Fill, Nanos};

use crate::sampler::engine::{
    CpuSetup, Engine, EngineError, LiveStatus, SamplingPlan, SmiSetup, SoFar,
};
use crate::sampler::engines::tracer::brackets::Scale;
use crate::sampler::engines::tracer::cpu::{Counting, TracedCpu, Track};
use crate::sampler::engines::tracer::hwlat::HwlatTrack;
use crate::sampler::engines::tracer::live::{Live, Step};
use crate::sampler::engines::tracer::osnoise::OsnoiseTrack;
use crate::sampler::engines::tracer::session::{OSNOISE_LEAST_US, Rhythm, Session};
use crate::sampler::engines::tracer::smi_poller::Duty;
use crate::sampler::gap::Ledger;
use crate::sampler::gap::{CpuTotals, RawGap};
use crate::sampler::smi_counter::Readings;
use crate::sampler::smi_counter::sources_of;
use crate::sampler::stop_handle::StopHandle;
use crate::sampler::workers::{Offsets, Workers};

pub use error::TracerError;
pub use kind::Tracer;
pub use osnoise::Interrupts;
pub use probe::{TracerAbility, probe_tracer};

/// Between two readings of the SMI counter, as a part of the window: so short
/// that what passes between a reading and a window hides next to nothing, and a
/// rise has one place to belong.
const PACES_PER_WIDTH: u64 = 200;
const SHORTEST_PACE: Nanos = Nanos(50_000);
const LONGEST_PACE: Nanos = Nanos(5_000_000);
/// The same where interrupts are on and each reading is itself a gap: a trade
/// between that and rises that several gaps share.
const OPEN_PACE: Nanos = Nanos(2_000_000);
/// The engine.
pub struct TracerEngine {
    plan: Arc<SamplingPlan>,
    ability: TracerAbility,
    smi_sources: Arc<Vec<Result<Vec<SmiSource>, String>>>,
    ledger: Ledger,
    changes: Option<SharedChanges>,
    workers: Workers,
    live: Option<Live>,
    ready: VecDeque<(usize, RawGap)>,
    stop: AtomicBool,
}

impl TracerEngine {
    /// An engine that has not started. `smi_sources` says for each CPU of the
    /// plan where its SMI count may come from, or why nowhere; the settings of
    /// the kernel's are changed among the `changes` of the run.
    pub fn new(
        plan: SamplingPlan,
        ability: TracerAbility,
        ledger: Ledger,
        smi_sources: Vec<Result<Vec<SmiSource>, String>>,
        changes: Option<SharedChanges>,
    ) -> TracerEngine {
        TracerEngine {
            plan: Arc::new(plan),
            ability,
            smi_sources: Arc::new(smi_sources),
            ledger,
            changes,
            workers: Workers::default(),
            live: None,
            ready: VecDeque::new(),
            stop: AtomicBool::new(false),
        }
    }

    fn failure(&self, cause: TracerError) -> EngineError {
        EngineError::Tracer {
            tracer: self.ability.tracer,
            cause,
        }
    }

    fn pace(&self, rhythm: Rhythm) -> Nanos {
        match self.ability.interrupts {
            Interrupts::On => OPEN_PACE,
            Interrupts::Off => {
                let part = rhythm.width.0 / PACES_PER_WIDTH;
                Nanos(part.clamp(SHORTEST_PACE.0, LONGEST_PACE.0))
            }
        }
    }

    /// Deltas that the tracer tells of.
    fn trip(&self) -> Cycles {
        match self.ability.tracer {
            Tracer::Hwlat => self.plan.threshold,
            Tracer::Osnoise => self.plan.hz.to_cycles(Nanos(OSNOISE_LEAST_US * 1_000)),
        }
    }

    fn traced_cpu(&self, setup: &CpuSetup, rhythm: Rhythm) -> TracedCpu {
        let SamplingPlan {
            threshold,
            limit,
            hz,
            ..
        } = *self.plan;
        let track = match self.ability.tracer {
            Tracer::Hwlat => Track::Hwlat(HwlatTrack::new(setup.cpu, rhythm.width, threshold, hz)),
            Tracer::Osnoise => {
                Track::Osnoise(OsnoiseTrack::new(setup.cpu, self.ability.interrupts, hz))
            }
        };
        let counting = match (&setup.smi, self.plan.smi_readings) {
            (SmiSetup::Readable(_), Readings::AfterGaps) => Counting::Beside,
            _ => Counting::None,
        };
        TracedCpu::new(
            setup.cpu,
            track,
            counting,
            Scale {
                threshold,
                limit,
                hz,
            },
            self.ledger,
        )
    }

    fn collect(&mut self) {
        if let Some(live) = &mut self.live {
            live.collect();
            for (index, cpu) in live.cpus.iter_mut().enumerate() {
                cpu.settle();
                self.ready.extend(cpu.ready().map(|gap| (index, gap)));
            }
        }
    }
}

impl Engine for TracerEngine {
    fn start(&mut self) -> Result<Vec<CpuSetup>, EngineError> {
        let rhythm = Rhythm::of(&self.plan, &self.ability).map_err(|cause| self.failure(cause))?;
        let (sender, readings) = channel();
        let duty = Duty {
            pace: self.pace(rhythm),
            trip: self.trip(),
            readings: sender,
        };
        let (plan, sources) = (self.plan.clone(), self.smi_sources.clone());
        let mut setups = self.workers.start(
            &self.plan.cpus,
            self.plan.priority,
            Offsets::Measure,
            move |index, cpu, worker_handle| {
                let sources = sources_of(&sources, index);
                smi_poller::attend(index, cpu, &plan, sources, &duty, worker_handle)
            },
        )?;
        let changes = (self.changes.clone()).ok_or_else(|| self.failure(TracerError::NoJournal))?;
        let session = Session::set_up(&self.ability, &self.plan, rhythm, changes)
            .map_err(|cause| self.failure(cause))?;
        // The threads exist only while the tracer samples, and the kernel's
        // records of them need their numbers: what is found before the release
        // does not count.
        let threads = session
            .switch_on(&self.plan.cpus)
            .map_err(|cause| self.failure(cause))?;
        for (setup, thread) in setups.iter_mut().zip(threads) {
            setup.thread = thread;
        }
        let cpus = setups.iter().map(|setup| self.traced_cpu(setup, rhythm));
        self.live = Some(Live::new(session, rhythm, readings, cpus.collect()));
        Ok(setups)
    }

    fn release(&mut self) {
        if let Some(live) = &mut self.live {
            live.release(Cycles(tsc::read()));
        }
        self.workers.release();
    }

    fn drain(&mut self, sink: &mut dyn FnMut(usize, RawGap)) -> Option<Fill> {
        let now = Cycles(tsc::read());
        self.collect();
        let stopped = self.stop.load(Ordering::Relaxed);
        if let Some(live) = &mut self.live
            && live.proceed(now, stopped, &self.plan) == Step::Ended
        {
            self.workers.stop();
        }
        for (index, gap) in self.ready.drain(..) {
            sink(index, gap);
        }
        // The kernel's buffers are read through a pipe.
        None
    }

    fn status(&self) -> Vec<LiveStatus> {
        let cpus = self.live.iter().flat_map(|live| &live.cpus);
        let begun = self.live.as_ref().and_then(Live::begun);
        let ended = self.live.as_ref().is_some_and(Live::has_ended);
        let attended = self.workers.status();
        cpus.zip(attended)
            .map(|(cpu, attended)| {
                let elapsed = cpu.totals.last.since(cpu.totals.first);
                LiveStatus {
                    gaps_seen: cpu.totals.gaps_seen,
                    first: begun,
                    elapsed,
                    uncovered: elapsed.saturating_sub(cpu.sampled()),
                    smis: attended.smis,
                    ended,
                }
            })
            .collect()
    }

    fn want_totals(&self) {
        self.workers.want_totals();
    }

    fn totals_so_far(&self, index: usize) -> SoFar {
        let (Some(live), SoFar::Fresh(attended)) = (&self.live, self.workers.totals_so_far(index))
        else {
            return SoFar::Pending;
        };
        let (totals, sampled) = live.cpus[index].tell(*attended);
        SoFar::Fresh(Box::new(self.totals(&sampled, &totals, live.rhythm, &[])))
    }

    fn stop_handle(&self) -> StopHandle {
        self.workers.stop_handle()
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn is_finished(&self) -> bool {
        self.live.as_ref().is_none_or(Live::has_ended) && self.workers.is_finished()
    }

    fn finish(&mut self) -> Result<Vec<CpuTotals>, EngineError> {
        let attended = self.workers.finish()?;
        self.collect();
        let Some(mut live) = self.live.take() else {
            return Ok(attended);
        };
        for (index, cpu) in live.cpus.iter_mut().enumerate() {
            cpu.end();
            cpu.settle();
            self.ready.extend(cpu.ready().map(|gap| (index, gap)));
        }
        let overruns: Vec<u64> = (live.cpus.iter())
            .map(|cpu| live.session.overruns(cpu.cpu))
            .collect();
        let mut unrestored = live.session.take_down();
        let mut all = Vec::with_capacity(attended.len());
        for ((cpu, attended), overrun) in live.cpus.into_iter().zip(attended).zip(overruns) {
            let (totals, mut sampled) = cpu.tell(attended);
            sampled.lost = sampled.lost.max(overrun);
            all.push(self.totals(&sampled, &totals, live.rhythm, &unrestored));
            unrestored.clear();
        }
        Ok(all)
    }
}
