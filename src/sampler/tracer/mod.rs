//! The kernel's own tracers as engines: hwlat, which samples with interrupts
//! off and tells the longest gap of each window, and osnoise, which tells each
//! gap with what interfered.
//!
//! A tracer records into a trace instance of our own, which goes when the run
//! ends. What both share with the rest of the machine, the threshold and the
//! width above all, is changed for the run and put back after it. Beside each
//! of the kernel's threads one of ours reads the SMI counter.

mod attendant;
mod brackets;
mod cpu;
mod error;
mod found;
mod hwlat;
mod instance;
mod kind;
mod line;
mod osnoise;
mod pipe;
mod probe;
mod records;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod wall_clock;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

use crate::evidence::SmiSource;
use crate::sys::tsc;
use crate::units::{CpuId, Cycles, Fill, Nanos};

use super::bpf::{CountSource, Ledger};
use super::brake::Brake;
use super::crew::{Crew, Offsets};
use super::engine::{
    CpuSetup, Engine, EngineError, LiveStatus, SamplingPlan, SmiSetup, SoFar, Window,
};
use super::gap::{CpuTotals, MaskedTotals, RawGap, TracedTotals};
use super::smi_watch::Readings;
use super::user::sources_of;
use attendant::Duty;
use brackets::{Reading, Scale};
use cpu::{Counting, Sampled, TracedCpu, Track};
use hwlat::HwlatTrack;
use line::Line;
use osnoise::OsnoiseTrack;
use session::{OSNOISE_LEAST_US, Rhythm, Session};
use wall_clock::WallClock;

pub use error::TracerError;
pub use kind::Tracer;
pub use osnoise::Interrupts;
pub use probe::{TracerAbility, probe_tracer};

/// Between two readings of the SMI counter, of a window of 50 ms: short
/// beside the window, so that a rise has one place to belong.
const PACES_A_WIDTH: u64 = 100;
const SHORTEST_PACE: Nanos = Nanos(200_000);
const LONGEST_PACE: Nanos = Nanos(5_000_000);
/// The same where interrupts are on and each reading is itself a gap: a trade
/// between that and rises that several gaps share.
const OPEN_PACE: Nanos = Nanos(2_000_000);
/// How well a gap is placed: hwlat rounds its length to a microsecond, both
/// write their records some hundred nanoseconds after the gap, and the wall
/// clock is followed within as much.
const PLACED_WITHIN: Nanos = Nanos(5_000);

/// The engine.
pub struct TracerEngine {
    plan: Arc<SamplingPlan>,
    ability: TracerAbility,
    smi_sources: Arc<Vec<Result<Vec<SmiSource>, String>>>,
    ledger: Ledger,
    crew: Crew,
    live: Option<Live>,
    ready: VecDeque<(usize, RawGap)>,
    stop: AtomicBool,
}

/// The tracer at work.
struct Live {
    session: Session,
    rhythm: Rhythm,
    readings: Receiver<(usize, Reading)>,
    cpus: Vec<TracedCpu>,
    clock: WallClock,
    begun: Option<Cycles>,
    ended: Option<Cycles>,
}

impl TracerEngine {
    /// An engine that has not started. `smi_sources` says for each CPU of the
    /// plan where its SMI count may come from, or why nowhere.
    pub fn new(
        plan: SamplingPlan,
        ability: TracerAbility,
        ledger: Ledger,
        smi_sources: Vec<Result<Vec<SmiSource>, String>>,
    ) -> TracerEngine {
        TracerEngine {
            plan: Arc::new(plan),
            ability,
            smi_sources: Arc::new(smi_sources),
            ledger,
            crew: Crew::default(),
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
                let part = rhythm.width.0 / PACES_A_WIDTH;
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
        let (threshold, hz) = (self.plan.threshold, self.plan.hz);
        let track = match self.ability.tracer {
            Tracer::Hwlat => Track::Hwlat(HwlatTrack::new(setup.cpu, rhythm.width, threshold, hz)),
            Tracer::Osnoise => Track::Osnoise(OsnoiseTrack::new(self.ability.interrupts, hz)),
        };
        let counting = match (&setup.smi, self.plan.smi_readings) {
            (SmiSetup::Readable(_), Readings::AfterGaps) => Counting::Beside,
            _ => Counting::None,
        };
        TracedCpu::new(
            setup.cpu,
            track,
            counting,
            Scale { threshold, hz },
            self.ledger,
        )
    }

    /// Ends the sampling once its time has come.
    fn end_if_due(&mut self) {
        let stopped = self.stop.load(Ordering::Relaxed);
        let Some(Live {
            session,
            begun: Some(begun),
            ended: ended @ None,
            ..
        }) = &mut self.live
        else {
            return;
        };
        let now = Cycles(tsc::read());
        if stopped || now.since(*begun) >= self.plan.duration {
            *ended = Some(now);
            // Where that fails the instance is removed all the same.
            let _ = session.switch_off();
            self.crew.stop();
        }
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

    fn totals(
        &self,
        sampled: &Sampled,
        totals: &CpuTotals,
        rhythm: Rhythm,
        unrestored: &[String],
    ) -> CpuTotals {
        let elapsed = totals.last.since(totals.first);
        let unsampled = elapsed.saturating_sub(sampled.time);
        let masked = self.ability.interrupts == Interrupts::Off;
        let paused = match (masked, self.plan.window) {
            (_, Window::Continuous) => Cycles(0),
            (_, Window::Partial { .. }) => unsampled,
        };
        let rest = unsampled.saturating_sub(paused);
        CpuTotals {
            paused,
            blind: match masked {
                true => Cycles(0),
                false => rest,
            },
            masked: masked.then(|| MaskedTotals {
                shots: sampled.windows,
                longest_shot: sampled.longest,
                between: rest,
                nmis: sampled.nmis,
                clock_error: PLACED_WITHIN,
                ..MaskedTotals::begin(CountSource::Tracer)
            }),
            traced: Some(TracedTotals {
                tracer: self.ability.tracer,
                interrupts: self.ability.interrupts,
                windows: sampled.windows,
                width: rhythm.width,
                companions: sampled.companions,
                lost_records: sampled.lost,
                unrestored: unrestored.to_vec(),
            }),
            ..totals.clone()
        }
    }
}

impl Live {
    /// Takes what has come. Readings first: what was recorded before one of
    /// them is in the pipe by then.
    fn collect(&mut self) {
        self.clock.mark();
        while let Ok((index, reading)) = self.readings.try_recv() {
            if let Some(cpu) = self.cpus.get_mut(index) {
                cpu.read(reading);
            }
        }
        let (cpus, clock) = (&mut self.cpus, &self.clock);
        let place = |cpus: &[TracedCpu], cpu: CpuId| cpus.iter().position(|own| own.cpu == cpu);
        self.session.drain(&mut |line| match Line::parse(line) {
            Some(Line::Record { cpu, at, text }) => {
                if let Some(index) = place(cpus, cpu) {
                    cpus[index].take(at, &text, clock);
                }
            }
            Some(Line::Lost { cpu, records }) => {
                if let Some(index) = place(cpus, cpu) {
                    cpus[index].lose(records);
                }
            }
            None => {}
        });
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
        let mut setups = self.crew.start(
            &self.plan.cpus,
            Offsets::Measure,
            move |index, cpu, station| {
                let sources = sources_of(&sources, index);
                attendant::attend(index, cpu, &plan, sources, &duty, station)
            },
        )?;
        let session = Session::set_up(&self.ability, &self.plan, rhythm)
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
        self.live = Some(Live {
            session,
            rhythm,
            readings,
            cpus: cpus.collect(),
            clock: WallClock::default(),
            begun: None,
            ended: None,
        });
        Ok(setups)
    }

    fn release(&mut self) {
        if let Some(live) = &mut self.live {
            live.collect();
            let now = Cycles(tsc::read());
            live.begun = Some(now);
            live.cpus.iter_mut().for_each(|cpu| cpu.begin(now));
        }
        self.crew.release();
    }

    fn drain(&mut self, sink: &mut dyn FnMut(usize, RawGap)) -> Option<Fill> {
        self.end_if_due();
        self.collect();
        for (index, gap) in self.ready.drain(..) {
            sink(index, gap);
        }
        // The kernel's buffers are read through a pipe.
        None
    }

    fn status(&self) -> Vec<LiveStatus> {
        let cpus = self.live.iter().flat_map(|live| &live.cpus);
        let begun = self.live.as_ref().and_then(|live| live.begun);
        let ended = self.live.as_ref().is_some_and(|live| live.ended.is_some());
        let attended = self.crew.status();
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
        self.crew.want_totals();
    }

    fn totals_so_far(&self, index: usize) -> SoFar {
        let (Some(live), SoFar::Fresh(attended)) = (&self.live, self.crew.totals_so_far(index))
        else {
            return SoFar::Pending;
        };
        let (totals, sampled) = live.cpus[index].tell(*attended);
        SoFar::Fresh(Box::new(self.totals(&sampled, &totals, live.rhythm, &[])))
    }

    fn brake(&self) -> Brake {
        self.crew.brake()
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn is_finished(&self) -> bool {
        let ended = (self.live.as_ref()).is_none_or(|live| live.ended.is_some());
        ended && self.crew.is_finished()
    }

    fn finish(&mut self) -> Result<Vec<CpuTotals>, EngineError> {
        let attended = self.crew.finish()?;
        self.collect();
        let Some(mut live) = self.live.take() else {
            return Ok(attended);
        };
        let ended = live.ended.unwrap_or_else(|| Cycles(tsc::read()));
        for (index, cpu) in live.cpus.iter_mut().enumerate() {
            cpu.end(ended);
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
