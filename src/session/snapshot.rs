//! A copy of all that a run has collected so far, made while it goes on.
//!
//! What is copied in one go keeps the collector from its work, so one CPU is
//! copied at each visit to the engine: some 2 ms where it has kept the most gaps
//! that are kept. Sorting, reading files and writing are left to whoever takes
//! the snapshot.

use crate::report::model::EndedBy;
use crate::sampler::{CpuTotals, Engine, SoFar};

use super::collector::Collected;
use super::tally::CpuCollection;

/// All that was collected up to a moment.
#[derive(Debug)]
pub struct Snapshot {
    collected: Collected,
}

impl Snapshot {
    pub(super) fn new(collected: Collected) -> Snapshot {
        Snapshot { collected }
    }

    /// The run as though it had ended here: gaps are put in order, and what is
    /// watched beside the run is read once more, which takes a while.
    pub fn into_collected(mut self) -> Collected {
        let collected = &mut self.collected;
        let (moment, now) = (collected.timeline.moment(), collected.timeline.now());
        collected.watches.end(moment, now);
        collected
            .cpus
            .iter_mut()
            .for_each(CpuCollection::put_in_order);
        self.collected
    }
}

/// A snapshot in the making.
pub(super) enum Making {
    /// None is wanted.
    Nothing,
    /// The samplers have been asked for their totals.
    Asked,
    /// They have published them, and what they counted has been handed over.
    Copying {
        totals: Vec<CpuTotals>,
        cpus: Vec<CpuCollection>,
    },
}

impl Making {
    /// Asks for totals, unless a snapshot is in the making already.
    pub(super) fn begin(&mut self, engine: &dyn Engine) {
        if matches!(self, Making::Nothing) {
            engine.want_totals();
            *self = Making::Asked;
        }
    }

    /// Begins to copy where all of `count` CPUs have published. A sampler that
    /// waits for its CPU delays the snapshot, and nothing else.
    pub(super) fn look(&mut self, engine: &dyn Engine, count: usize) {
        if !matches!(self, Making::Asked) {
            return;
        }
        let totals: Option<Vec<CpuTotals>> = (0..count)
            .map(|index| match engine.totals_so_far(index) {
                SoFar::Fresh(totals) => Some(*totals),
                SoFar::Pending => None,
            })
            .collect();
        if let Some(totals) = totals {
            let cpus = Vec::with_capacity(count);
            *self = Making::Copying { totals, cpus };
        }
    }

    /// The copies, once each CPU has one.
    pub(super) fn take_copies(&mut self, count: usize) -> Option<Copies> {
        match std::mem::replace(self, Making::Nothing) {
            Making::Copying { totals, cpus } if cpus.len() == count => {
                Some(Copies { totals, cpus })
            }
            unfinished => {
                *self = unfinished;
                None
            }
        }
    }
}

/// Totals and gaps of all CPUs.
pub(super) struct Copies {
    pub(super) totals: Vec<CpuTotals>,
    pub(super) cpus: Vec<CpuCollection>,
}

/// How a snapshot's run has ended: not.
pub(super) const ENDED_BY: EndedBy = EndedBy::Running;
