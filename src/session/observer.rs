//! Who is told of a run while it goes on.

use crate::evidence::kernel_trace::Names;
use crate::model::CauseCounts;
use crate::privileges::Keep;
use crate::units::{CpuId, Cycles, Nanos};

use super::packed::PackedGap;
use super::snapshot::Snapshot;
use super::tally::Limits;
use super::timeline::Timeline;
use super::trigger::Trigger;

/// What a run tells while it goes on. All calls come on the collector's
/// thread, which gaps and records wait for: they must return at once.
pub trait Observer {
    /// The rights that threads of the run are to keep, where they give any up.
    fn keep(&self) -> Option<Keep> {
        None
    }

    /// All is open that takes rights, and all samplers have begun.
    fn ready(&mut self) {}

    /// A gap was judged.
    fn gap(&mut self, _gap: &JudgedNow<'_>) {}

    /// A gap asks for something to be done, by what is known of it by now: once,
    /// before it is judged or right after.
    fn act(&mut self, _gap: &JudgedNow<'_>) {}

    /// All gaps of this visit to the engine were told. `origin` is the earliest
    /// reading of all samplers, once all have begun.
    fn visited(&mut self, _origin: Option<Cycles>) {}

    /// Asked at each visit: whether a snapshot of the run is to be made.
    fn wants_snapshot(&mut self) -> bool {
        false
    }

    /// A snapshot that was wanted.
    fn snapshot(&mut self, _snapshot: Snapshot) {}

    /// Somebody asks how the run stands (SIGUSR1).
    fn asked(&mut self) {}

    /// Something that whoever watches the run has to know.
    fn tell(&mut self, _text: String) {}

    /// How the run stands, a few times a second.
    fn look(&mut self, _view: &View) {}

    /// Sampling is over, and all gaps are judged.
    fn end(&mut self, _view: &View) {}
}

/// Nobody is told.
pub struct Unobserved;

impl Observer for Unobserved {}

/// A gap at the moment of its judgement. What is learnt later, at the next
/// look at the clocks or from other CPUs, may still take it from its cause.
pub struct JudgedNow<'a> {
    /// The CPU's index in the plan.
    pub index: usize,
    /// The CPU.
    pub cpu: CpuId,
    /// The gap.
    pub gap: PackedGap,
    /// The platform's share of it, where it has one that is known.
    pub platform: Option<Cycles>,
    /// The clocks so far.
    pub timeline: &'a Timeline,
    /// The names in its account.
    pub names: Option<&'a Names>,
    /// What it was judged by.
    pub limits: &'a Limits,
}

impl JudgedNow<'_> {
    /// Whether something is to be done about it.
    pub(super) fn asks(&self) -> bool {
        let asks = |act: Trigger| act.asks(&self.gap, self.platform);
        self.limits.act.is_some_and(asks)
    }
}

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Since sampling began.
    pub elapsed: Nanos,
    /// Each sampled CPU.
    pub cpus: Vec<CpuView>,
}

/// How a CPU stands.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuView {
    /// The CPU.
    pub cpu: CpuId,
    /// Since its first sample.
    pub elapsed: Nanos,
    /// Time of it that was not covered.
    pub uncovered: Nanos,
    /// The longest platform gap, or share of one.
    pub max_platform: Nanos,
    /// Its gaps above the threshold, by cause.
    pub counts: CauseCounts,
    /// Gaps of which the platform's part is above the limit.
    pub above_limit: u64,
    /// Time of gaps that nobody was given.
    pub unknown: Nanos,
    /// Rises of the SMI counter; `None` where it cannot be read or is a virtual
    /// machine's own.
    pub smis: Option<u64>,
    /// Whether its sampler is still at work.
    pub sampling: Sampling,
}

/// Whether a CPU's sampler is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// It is.
    GoesOn,
    /// It has ended before the others.
    Ended,
}
