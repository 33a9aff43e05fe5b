//! The collector: takes gaps from the engine, judges each at once, counts all
//! and keeps the longest. It runs on a CPU that is not sampled, if there is one.

use crate::attribution::{
    Attribution, Cause, ClockTrust, Setting, Throttling, attribute, looks_throttled,
};
use crate::report::model::{CauseCounts, EndedBy};
use crate::sampler::{CpuSetup, CpuTotals, Engine, EngineError, RawGap};
use crate::sys::clock::monotonic;
use crate::units::{Cycles, Hertz, Nanos};

use super::clock_watch::ClockWatch;
use super::progress::Progress;
use super::resolver::Resolver;
use super::retention::{RETAINED, Retention, StoredGap};
use super::timeline::Timeline;

/// Time between two visits to the engine: the ring holds much more.
const TURN_MS: u16 = 5;
/// Turns between two looks at the clocksource and two progress lines.
const LOOK_EVERY: u32 = 40;
/// Turns between two readings of all clocks together.
const MARK_EVERY: u32 = 200;

/// Something that can end a run early: signals, or nothing in a test.
pub trait Stopper {
    /// Waits for at most this long; true ends the run.
    fn wait(&self, milliseconds: u16) -> bool;
}

/// What the run is held against.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Platform gaps above this fail the run.
    pub hardlimit: Cycles,
    /// The cycles of a nanosecond, for what is compared with kernel counts.
    pub hz: Hertz,
    /// Whether the first platform gap ends the run.
    pub stop_on_gap: StopOnGap,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
    /// Bare metal or guest, clock good or bad.
    pub setting: Setting,
}

/// What the first platform gap does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOnGap {
    /// Nothing.
    No,
    /// Ends the run.
    Yes,
}

/// What was collected of one CPU.
pub struct CpuCollection {
    /// The gaps kept, in order of time.
    pub gaps: Vec<StoredGap>,
    /// All gaps by cause.
    pub counts: CauseCounts,
    /// Platform gaps above the limit, but for [`Cause::SmiOs`].
    pub platform_above_limit: u64,
    /// Gaps above the limit that hold an SMI and the kernel, in unknown shares.
    pub mixed_above_limit: u64,
    /// Gaps above the limit of unknown cause.
    pub unknown_above_limit: u64,
    /// The longest platform gap, but for [`Cause::SmiOs`].
    pub max_platform: Cycles,
    /// Gaps that are real-time throttling.
    pub throttled: u64,
    /// SMIs counted for gaps that became records.
    pub smis_in_gaps: u64,
}

/// What a run yielded.
pub struct Collected {
    /// What the engine found before it began.
    pub setups: Vec<CpuSetup>,
    /// Its exact counts.
    pub totals: Vec<CpuTotals>,
    /// The gaps, CPU by CPU.
    pub cpus: Vec<CpuCollection>,
    /// What ended the run.
    pub ended_by: EndedBy,
    /// The clocks.
    pub timeline: Timeline,
    /// The clocksource.
    pub clock: ClockWatch,
}

struct CpuState {
    resolver: Resolver,
    retention: Retention,
    collection: CpuCollection,
}

/// The collector before and during a run.
pub struct Collector {
    limits: Limits,
    cpus: Vec<CpuState>,
    gap_found: bool,
    worst: Cycles,
}

impl Collector {
    /// A collector for this many CPUs.
    pub fn new(limits: Limits, cpus: usize) -> Collector {
        let cpus = (0..cpus)
            .map(|_| CpuState {
                resolver: Resolver::default(),
                retention: Retention::new(RETAINED),
                collection: CpuCollection {
                    gaps: Vec::new(),
                    counts: CauseCounts::default(),
                    platform_above_limit: 0,
                    mixed_above_limit: 0,
                    unknown_above_limit: 0,
                    max_platform: Cycles(0),
                    throttled: 0,
                    smis_in_gaps: 0,
                },
            })
            .collect();
        Collector {
            limits,
            cpus,
            gap_found: false,
            worst: Cycles(0),
        }
    }

    /// Runs the engine to its end.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn run(
        mut self,
        engine: &mut dyn Engine,
        mut timeline: Timeline,
        mut clock: ClockWatch,
        stopper: &dyn Stopper,
        progress: &mut dyn Progress,
    ) -> Result<Collected, EngineError> {
        let setups = engine.start()?;
        timeline.mark();
        let begun = monotonic();
        let mut ended_by = EndedBy::Duration;
        let mut turn = 0u32;
        while !engine.is_finished() {
            if stopper.wait(TURN_MS) && ended_by == EndedBy::Duration {
                ended_by = EndedBy::Signal;
                engine.stop();
            }
            self.drain(engine);
            if self.gap_found
                && self.limits.stop_on_gap == StopOnGap::Yes
                && ended_by == EndedBy::Duration
            {
                ended_by = EndedBy::Gap;
                engine.stop();
            }
            turn = turn.wrapping_add(1);
            if turn.is_multiple_of(MARK_EVERY) {
                timeline.mark();
            }
            if turn.is_multiple_of(LOOK_EVERY) {
                clock.look(timeline.now());
                self.distrust(&clock);
                let gaps = engine.status().iter().map(|status| status.gaps_seen).sum();
                let worst = self.limits.hz.to_nanos(self.worst);
                progress.show(monotonic().saturating_sub(begun), worst, gaps);
            }
        }
        progress.end();
        let totals = engine.finish()?;
        timeline.mark();
        clock.look(timeline.now());
        self.drain(engine);
        if totals.iter().any(|cpu| cpu.ended_early.is_some()) {
            ended_by = EndedBy::Error;
        }
        let cpus = self.finish();
        Ok(Collected {
            setups,
            totals,
            cpus,
            ended_by,
            timeline,
            clock,
        })
    }

    fn drain(&mut self, engine: &mut dyn Engine) {
        let (limits, cpus) = (self.limits, &mut self.cpus);
        let (worst, gap_found) = (&mut self.worst, &mut self.gap_found);
        engine.drain(&mut |index, gap| {
            let CpuState {
                resolver,
                retention,
                collection,
            } = &mut cpus[index];
            resolver.push(gap, &mut |gap| {
                let decided = judge(gap, limits, retention, collection);
                *worst = (*worst).max(collection.max_platform);
                *gap_found |= decided.cause.is_platform();
            });
        });
    }

    /// From the moment at which the kernel gives the TSC up, no gap can be
    /// attributed.
    fn distrust(&mut self, clock: &ClockWatch) {
        if clock.tsc_dropped_in_run() {
            self.limits.setting.clock = ClockTrust::Broken;
        }
    }

    fn finish(self) -> Vec<CpuCollection> {
        let limits = self.limits;
        self.cpus
            .into_iter()
            .map(
                |CpuState {
                     mut resolver,
                     mut retention,
                     mut collection,
                 }| {
                    resolver.flush(&mut |gap| {
                        judge(gap, limits, &mut retention, &mut collection);
                    });
                    CpuCollection {
                        gaps: retention.into_gaps(),
                        ..collection
                    }
                },
            )
            .collect()
    }
}

fn judge(
    raw: RawGap,
    limits: Limits,
    retention: &mut Retention,
    collection: &mut CpuCollection,
) -> Attribution {
    let decided = attribute(&raw.evidence, limits.setting);
    let Attribution {
        cause, confidence, ..
    } = decided;
    let length = raw.length();
    collection.counts.add(cause);
    if cause.is_platform() && cause != Cause::SmiOs {
        collection.max_platform = collection.max_platform.max(length);
    }
    if length > limits.hardlimit {
        match cause {
            Cause::Os => {}
            Cause::Unknown => collection.unknown_above_limit += 1,
            Cause::SmiOs => collection.mixed_above_limit += 1,
            _ => collection.platform_above_limit += 1,
        }
    }
    if let crate::attribution::SmiEvidence::Own { delta } = raw.evidence.smi {
        collection.smis_in_gaps += u64::from(delta);
    }
    let nanos: Nanos = limits.hz.to_nanos(length);
    if looks_throttled(&raw.evidence, nanos, limits.throttling) {
        collection.throttled += 1;
    }
    retention.keep(StoredGap {
        raw,
        cause,
        confidence,
    });
    decided
}
