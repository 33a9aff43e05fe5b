//! The collector: takes gaps from the engine and records from the kernel,
//! brings the two together, and watches the clock meanwhile. It runs on a CPU
//! that is not sampled, if there is one.

mod elsewhere;
mod judging;
mod standing;
mod starved;

use crate::evidence::kernel_trace::{KernelTrace, TraceSetup};
use crate::evidence::watches::{ClockRecord, ClockStart, Watches};
use crate::host::root::Root;
use crate::model::{ClockTrust, EndedBy};
use crate::sampler::{AT_ONCE, CpuSetup, CpuTotals, Engine, EngineError, RawGap, Rescued};
use crate::sys::clock::monotonic;
use crate::units::{CpuId, Cycles, Fill, Nanos};

use super::clock_watch::ClockWatch;
use super::collected::{Collected, KernelRecords};
use super::moments::Moments;
use super::observer::Observer;
use super::requests::{Request, Requests};
use super::resolver::Resolver;
use super::retention::Retention;
use super::rhythm::Rhythm;
use super::snapshot::Making;
use super::tally::{CpuCollection, Limits, Tally};
use super::timeline::{Rate, Timeline};
use super::watchdog::Watchdog;
use elsewhere::Elsewhere;
use judging::{Haste, Waiting};
use starved::{Rescue, Starvation};

struct CpuState {
    cpu: CpuId,
    resolver: Resolver,
    waiting: Waiting,
    tally: Tally,
}

/// The collector before and during a run.
pub struct Collector<'a> {
    limits: Limits,
    cpus: Vec<CpuState>,
    trace: Option<KernelTrace>,
    trace_setup: TraceSetup,
    timeline: Timeline,
    clock: ClockWatch,
    earlier: Option<ClockRecord>,
    warm_up: Nanos,
    duration: Nanos,
    requests: &'a dyn Requests,
    observer: &'a mut dyn Observer,
    making: Making,
    retention: Retention,
    moments: Moments,
    elsewhere: Elsewhere,
    /// Gaps that have come in and not yet met the kernel's records.
    pending: Vec<(usize, RawGap)>,
    stop: Stop,
    /// Whether gaps that wait grow older by this visit.
    ages: bool,
}

/// Whether the observer knows that all samplers have begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Awaited,
    RunNotes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    NotYet,
    Asked,
}

/// The earliest reading of all samplers, once all have begun.
fn origin(engine: &dyn Engine) -> Option<Cycles> {
    let first = engine.status().into_iter().map(|status| status.first);
    first.min().flatten()
}

/// The latest of the first readings, once each sampler has one.
fn last_first(engine: &dyn Engine) -> Option<Cycles> {
    let first: Option<Vec<Cycles>> = (engine.status().iter())
        .map(|status| status.first)
        .collect();
    first?.into_iter().max()
}

/// A sampler that begins later than this after it was released has waited for
/// its CPU, or warmed up. Neither is part of the run that the watches watch.
const LATE: Nanos = Nanos(100_000_000);

impl<'a> Collector<'a> {
    /// A collector for these CPUs, in the order of the plan.
    pub fn new(
        limits: Limits,
        cpus: &[CpuId],
        timeline: Timeline,
        clock: ClockWatch,
        requests: &'a dyn Requests,
        observer: &'a mut dyn Observer,
    ) -> Collector<'a> {
        let state = |&cpu| CpuState {
            cpu,
            resolver: Resolver::default(),
            waiting: Waiting::default(),
            tally: Tally::begin(&limits),
        };
        Collector {
            limits,
            cpus: cpus.iter().map(state).collect(),
            trace: None,
            trace_setup: TraceSetup::Nothing(String::from("a scripted clock has no kernel")),
            timeline,
            clock,
            earlier: None,
            warm_up: Nanos(0),
            duration: Nanos(u64::MAX),
            requests,
            observer,
            making: Making::Nothing,
            retention: Retention::new(limits.keep),
            moments: Moments::new(&[], limits.hz),
            elsewhere: Elsewhere::default(),
            pending: Vec::new(),
            stop: Stop::NotYet,
            ages: true,
        }
    }

    /// Goes on from what the slice before knew of the clocks.
    pub fn after(self, earlier: Option<ClockRecord>) -> Collector<'a> {
        Collector { earlier, ..self }
    }

    /// Expects the samplers to begin this long after they are let go.
    pub fn warming_up(self, warm_up: Nanos) -> Collector<'a> {
        Collector { warm_up, ..self }
    }

    /// Expects the samplers to end by themselves after this time.
    pub fn lasting(self, duration: Nanos) -> Collector<'a> {
        Collector { duration, ..self }
    }

    /// Runs the engine to its end; `root` is where tracefs may be found.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn run(mut self, engine: &mut dyn Engine, root: &Root) -> Result<Collected, EngineError> {
        let setups = engine.start()?;
        let threads: Option<Vec<(CpuId, u32)>> = setups
            .iter()
            .map(|setup| Some((setup.cpu, setup.thread?)))
            .collect();
        if let Some(threads) = threads {
            (self.trace, self.trace_setup) = KernelTrace::open(&threads, root);
        }
        self.timeline.mark();
        self.moments = Moments::new(&setups, self.limits.hz);
        let cpus: Vec<CpuId> = setups.iter().map(|setup| setup.cpu).collect();
        let Rate { hz, error_ppm } = self.timeline.rate();
        let clock = self.timeline.moment().map(|moment| ClockStart {
            moment,
            hz,
            error_ppm,
        });
        let mut watches = Watches::begin(root, &cpus, clock, self.earlier.take());
        self.distrust(&watches);
        if let Some(trace) = &mut self.trace {
            trace.begin();
        }
        let watchdog = Watchdog::begin(engine.stop_handle(), self.observer.keep());
        engine.release();
        let mut ended_by = self.follow(engine, (&setups, root), &mut watches, &watchdog);
        let statuses = engine.status();
        let totals = engine.finish()?;
        drop(watchdog);
        self.timeline.mark();
        self.clock.look(self.timeline.now());
        watches.end(self.timeline.moment(), self.timeline.now());
        self.collect(engine);
        // The gap may have come in after the last look at a running engine.
        if self.must_stop() && ended_by == EndedBy::Duration {
            ended_by = EndedBy::Gap;
        }
        if totals.iter().any(|cpu| cpu.ended_early.is_some()) {
            ended_by = EndedBy::Error;
        }
        self.judge_the_rest();
        let spans = totals.iter().map(|cpu| cpu.last.since(cpu.first));
        let elapsed = self.limits.hz.to_nanos(spans.max().unwrap_or_default());
        let view = self.view(&statuses, &setups, elapsed);
        self.observer.end(&view);
        Ok(self.finish(setups, totals, ended_by, watches))
    }

    /// Whether a gap has been seen that is to end the run.
    fn must_stop(&self) -> bool {
        self.stop == Stop::Asked
    }

    /// Collects until the samplers have ended.
    fn follow(
        &mut self,
        engine: &mut dyn Engine,
        (setups, root): (&[CpuSetup], &Root),
        watches: &mut Watches,
        watchdog: &Watchdog,
    ) -> EndedBy {
        let begun = monotonic().saturating_add(self.warm_up);
        let mut waiting = self.timeline.moment();
        let mut ended_by = EndedBy::Duration;
        let mut readiness = Readiness::Awaited;
        let mut starvation = Starvation::begin(setups);
        let mut rescue = Rescue::after(begun.saturating_add(self.duration), setups);
        let mut rhythm = Rhythm::begin(self.limits.pace, begun.saturating_add(self.duration));
        while !engine.is_finished() {
            let request = self.requests.wait(match self.making {
                Making::Nothing => rhythm.wait(),
                Making::Asked => rhythm.wait_shortly(),
            });
            // Published first, drained then: what totals count is handed over.
            let totals = self.making.look(engine, setups.len());
            self.ages = rhythm.is_whole_turn();
            let fill = self.collect(engine);
            rhythm.visited(match (self.limits.stop, self.limits.act) {
                (None, None) => fill,
                // The next gap is waited for.
                _ => None,
            });
            let origin = origin(engine);
            self.observer.visited(origin);
            if let Some(released) = waiting
                && let Some(last) = last_first(engine)
            {
                // What came before the samplers is none of theirs.
                if self.limits.hz.to_nanos(last.since(released.tsc)) > LATE {
                    let cpus: Vec<CpuId> = setups.iter().map(|setup| setup.cpu).collect();
                    watches.begin_anew(root, &cpus, self.timeline.moment());
                }
                waiting = None;
            }
            // Samplers give up their rights as they begin. Until then this
            // thread must have as many, or it could not free one whose CPU is
            // occupied (security/commoncap.c, cap_safe_nice).
            if origin.is_some() && readiness == Readiness::Awaited {
                self.observer.ready();
                readiness = Readiness::RunNotes;
            }
            let end = match request {
                Request::End => Some(EndedBy::Signal),
                Request::Done => Some(EndedBy::Command),
                Request::GoOn | Request::Tell => self.must_stop().then_some(EndedBy::Gap),
            };
            if let Some(end) = end.filter(|_| ended_by == EndedBy::Duration) {
                ended_by = end;
                engine.stop();
                rescue = Rescue::after(monotonic(), setups);
                rhythm.ends_now();
            }
            watchdog.breathe();
            for text in starvation.look(engine, root) {
                self.observer.tell(text);
            }
            if rescue.is_due() && engine.rescue() == Rescued::NotHere {
                rescue.give_up();
            }
            if rescue.is_hopeless() {
                // Whoever waits for them now says so.
                break;
            }
            if request == Request::Tell {
                self.observer.asked();
            }
            if let Some(totals) = totals {
                self.pass_snapshot(setups, totals, watches);
            }
            if self.observer.wants_snapshot() {
                self.making.begin(engine);
            }
            if rhythm.is_look_due() {
                let moment = self.timeline.mark();
                let now = moment.map_or_else(|| self.timeline.now(), |moment| moment.utc);
                self.clock.look(now);
                watches.look(moment, now);
                self.distrust(watches);
                let view = self.view(&engine.status(), setups, monotonic().saturating_sub(begun));
                self.observer.look(&view);
            }
        }
        if readiness == Readiness::Awaited {
            self.observer.ready();
        }
        ended_by
    }

    /// Takes what has come in, in portions, so that it takes little memory beside
    /// the rings; what comes in meanwhile is left to the next visit. Says how full
    /// the fullest ring was, where that is known.
    fn collect(&mut self, engine: &mut dyn Engine) -> Option<Fill> {
        let portions = engine.waiting().div_ceil(AT_ONCE);
        let fill = self.collect_portion(engine);
        for _ in 1..portions {
            // What waits does so for visits, not for portions.
            self.ages = false;
            self.collect_portion(engine);
        }
        fill
    }

    /// The gaps are taken first and the kernel's records after them: whatever ran
    /// in a gap was recorded before it ended.
    fn collect_portion(&mut self, engine: &mut dyn Engine) -> Option<Fill> {
        let (pending, cpus) = (&mut self.pending, &mut self.cpus);
        let gaps = engine.drain(&mut |index, gap| {
            cpus[index]
                .resolver
                .push(gap, &mut |gap| pending.push((index, gap)));
        });
        if let Some(trace) = self.trace.as_mut().filter(|trace| trace.awaits_samples()) {
            for (index, status) in engine.status().iter().enumerate() {
                if let Some(first) = status.first {
                    trace.begins(index, self.timeline.raw(first));
                }
            }
        }
        let records = self.trace.as_mut().map_or(Fill(0.0), KernelTrace::poll);
        self.take_pending();
        self.judge(Haste::Patient);
        gaps.map(|gaps| gaps.max(records))
    }

    /// From the moment at which the kernel gives the TSC up or its rate
    /// changes, no gap can be attributed.
    fn distrust(&mut self, watches: &Watches) {
        if self.clock.tsc_dropped_in_run() || watches.tsc_rate_changed() {
            self.limits.setting.clock = ClockTrust::Broken;
        }
    }

    /// No more gaps and records come.
    fn judge_the_rest(&mut self) {
        for (index, cpu) in self.cpus.iter_mut().enumerate() {
            let pending = &mut self.pending;
            cpu.resolver.flush(&mut |gap| pending.push((index, gap)));
        }
        self.take_pending();
        // First what needs nobody else: it may be what others wait for.
        self.judge(Haste::Patient);
        self.judge(Haste::Now);
    }

    fn finish(
        self,
        setups: Vec<CpuSetup>,
        totals: Vec<CpuTotals>,
        ended_by: EndedBy,
        watches: Watches,
    ) -> Collected {
        let mut trace = self.trace;
        let kernel_totals = trace.as_mut().map(|trace| {
            let of_cpu = |(index, cpu): (usize, &CpuTotals)| {
                trace.begins(index, self.timeline.raw(cpu.first));
                trace.totals(index, self.timeline.raw(cpu.last))
            };
            totals.iter().enumerate().map(of_cpu).collect()
        });
        let ways = |index| trace.as_ref().map_or(Vec::new(), |trace| trace.ways(index));
        let kept = self.retention.so_far();
        drop(self.retention);
        let left_out = kept.left_out;
        let gaps = kept.by_cpu(totals.len());
        let cpus = (self.cpus.into_iter().zip(gaps).zip(&totals).enumerate())
            .map(|(index, ((cpu, gaps), totals))| CpuCollection {
                ways: ways(index),
                ..cpu.tally.finish(gaps, totals)
            })
            .collect();
        Collected {
            setups,
            totals,
            cpus,
            budget: self.limits.keep,
            left_out,
            moments: (left_out.open > 0).then(|| self.moments.end()),
            ended_by,
            timeline: self.timeline,
            clock: self.clock,
            kernel: KernelRecords {
                setup: self.trace_setup,
                names: trace.map(KernelTrace::into_names),
                totals: kernel_totals.unwrap_or_default(),
            },
            watches,
        }
    }
}
