//! All that a run has collected so far, taken while it goes on.
//!
//! Whatever is done in one go keeps the collector from its work, so a snapshot
//! shares the gaps with the run. Putting them in order, reading files and
//! writing are left to whoever takes the snapshot.

use crate::model::EndedBy;
use crate::sampler::{CpuTotals, Engine, SoFar};

use super::collected::Collected;
use super::moments::Moments;
use super::retention::KeptThen;
use super::tally::CpuCollection;

/// All that was collected up to a moment.
pub struct Snapshot {
    /// Without the CPUs.
    collected: Collected,
    cpus: Vec<CpuCollection>,
    kept: KeptThen,
    /// Where they are needed.
    moments: Option<Moments>,
}

impl Snapshot {
    pub(super) fn new(
        collected: Collected,
        cpus: Vec<CpuCollection>,
        kept: KeptThen,
        moments: Option<Moments>,
    ) -> Snapshot {
        Snapshot {
            collected,
            cpus,
            kept,
            moments,
        }
    }

    /// The run as though it had ended here: gaps are put in order, and what is
    /// watched beside the run is read once more, which takes a while.
    pub fn into_collected(self) -> Collected {
        let Snapshot {
            mut collected,
            cpus,
            kept,
            moments,
        } = self;
        let (moment, now) = (collected.timeline.moment(), collected.timeline.now());
        collected.watches.end(moment, now);
        let totals = &collected.totals;
        collected.left_out = kept.left_out;
        collected.moments = moments.map(Moments::end);
        let gaps = kept.by_cpu(cpus.len());
        collected.cpus = (cpus.into_iter().zip(gaps).zip(totals))
            .map(|((cpu, gaps), totals)| cpu.finish(gaps, totals))
            .collect();
        collected
    }
}

/// A snapshot in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Making {
    /// None is wanted.
    Nothing,
    /// The samplers have been asked for their totals.
    Asked,
}

impl Making {
    /// Asks for totals, unless a snapshot is in the making already.
    pub(super) fn begin(&mut self, engine: &dyn Engine) {
        if *self == Making::Nothing {
            engine.want_totals();
            *self = Making::Asked;
        }
    }

    /// The totals that were asked for, once all of `count` CPUs have published
    /// theirs. A sampler that waits for its CPU delays the snapshot, and nothing
    /// else.
    pub(super) fn look(&mut self, engine: &dyn Engine, count: usize) -> Option<Vec<CpuTotals>> {
        if *self == Making::Nothing {
            return None;
        }
        let totals: Vec<CpuTotals> = (0..count)
            .map(|index| match engine.totals_so_far(index) {
                SoFar::Fresh(totals) => Some(*totals),
                SoFar::Pending => None,
            })
            .collect::<Option<_>>()?;
        *self = Making::Nothing;
        Some(totals)
    }
}

/// How a snapshot's run has ended: not.
pub(super) const ENDED_BY: EndedBy = EndedBy::Running;
