//! What the collector and one sampler share while a run goes on: a flag each
//! way, a few counts, and now and then all of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::units::Cycles;

use super::engine::LiveStatus;
use super::gap::{CpuTotals, EndedEarly};

/// The value of a count that is not known.
const UNKNOWN: u64 = u64::MAX;

/// On cache lines of its own: the sampler must not wait for somebody else's
/// writes.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shared {
    stop: AtomicBool,
    /// Set before `stop` where the collector has stalled and somebody else
    /// sets both. Looked at once, when sampling is over.
    stalled: AtomicBool,
    /// Set before `stop` where the sampler's CPU is occupied and it has been
    /// moved to another one to end.
    starved: AtomicBool,
    /// The sampler's thread; 0 before it has begun.
    thread: AtomicU32,
    /// Set by the collector, reset by the sampler once it has published.
    wanted: AtomicBool,
    first: AtomicU64,
    gaps_seen: AtomicU64,
    elapsed: AtomicU64,
    uncovered: AtomicU64,
    smis: AtomicU64,
    published: Mutex<Option<CpuTotals>>,
}

impl Shared {
    pub(super) fn new() -> Shared {
        Shared {
            stop: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            starved: AtomicBool::new(false),
            thread: AtomicU32::new(0),
            wanted: AtomicBool::new(false),
            first: AtomicU64::new(UNKNOWN),
            gaps_seen: AtomicU64::new(0),
            elapsed: AtomicU64::new(0),
            uncovered: AtomicU64::new(0),
            smis: AtomicU64::new(UNKNOWN),
            published: Mutex::new(None),
        }
    }

    /// Asks the sampler to end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Ends the sampler because the collector has stalled.
    pub(super) fn stop_stalled(&self) {
        self.stalled.store(true, Ordering::Relaxed);
        // After the reason, so that a sampler that sees this sees it too.
        self.stop.store(true, Ordering::Release);
    }

    /// Notes which thread the sampler is.
    pub(super) fn note_thread(&self, thread: u32) {
        self.thread.store(thread, Ordering::Relaxed);
    }

    /// The sampler's thread, once it has begun.
    pub(super) fn thread(&self) -> Option<u32> {
        match self.thread.load(Ordering::Relaxed) {
            0 => None,
            thread => Some(thread),
        }
    }

    /// Ends the sampler because its CPU is occupied. It is moved next.
    pub(super) fn stop_starved(&self) {
        self.starved.store(true, Ordering::Relaxed);
        self.stop.store(true, Ordering::Release);
    }

    /// Notes whether sampling is over because the collector has stalled, or
    /// because its CPU was occupied.
    pub(super) fn note_stall(&self, totals: &mut CpuTotals) {
        if self.stop.load(Ordering::Acquire) && self.starved.load(Ordering::Relaxed) {
            // That it was moved as well follows from it.
            totals.ended_early = Some(EndedEarly::Starved);
        }
        if self.stop.load(Ordering::Acquire) && self.stalled.load(Ordering::Relaxed) {
            totals
                .ended_early
                .get_or_insert(EndedEarly::CollectorStalled);
        }
    }

    /// Whether it is to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Asks the sampler to publish its totals.
    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Whether totals are asked for and not published yet.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Notes the first reading.
    pub(super) fn begin(&self, first: Cycles) {
        self.first.store(first.0, Ordering::Relaxed);
    }

    /// Notes where the sampler stands: a few plain stores. `between` is the
    /// time between the shots of an engine that samples in shots.
    pub(super) fn note(
        &self,
        totals: &CpuTotals,
        elapsed: Cycles,
        between: Cycles,
        smis: Option<u64>,
    ) {
        let uncovered = totals.blind.0 + totals.os.0 + totals.paused.0 + between.0;
        self.gaps_seen.store(totals.gaps_seen, Ordering::Relaxed);
        self.elapsed.store(elapsed.0, Ordering::Relaxed);
        self.uncovered.store(uncovered, Ordering::Relaxed);
        self.smis.store(smis.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    /// Where the sampler stood a moment ago.
    pub(super) fn status(&self) -> LiveStatus {
        let smis = self.smis.load(Ordering::Relaxed);
        let first = self.first.load(Ordering::Relaxed);
        LiveStatus {
            first: (first != UNKNOWN).then_some(Cycles(first)),
            gaps_seen: self.gaps_seen.load(Ordering::Relaxed),
            elapsed: Cycles(self.elapsed.load(Ordering::Relaxed)),
            uncovered: Cycles(self.uncovered.load(Ordering::Relaxed)),
            smis: (smis != UNKNOWN).then_some(smis),
            ended: false,
        }
    }

    /// Lays the totals out for the collector. The sampler never waits: where
    /// the collector holds the place, it is asked again at the next look.
    pub(super) fn publish(&self, totals: CpuTotals) {
        if let Ok(mut place) = self.published.try_lock() {
            *place = Some(totals);
            self.wanted.store(false, Ordering::Release);
        }
    }

    /// The latest totals, where any were published. Gaps that they count have
    /// been handed over before.
    pub(super) fn published(&self) -> Option<CpuTotals> {
        let place = self.published.lock();
        place.map_or(None, |totals| totals.clone())
    }
}
