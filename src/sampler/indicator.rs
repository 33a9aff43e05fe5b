//! What a sampler saw of the kernel by itself: the mark in ES, and what the PMU
//! counted since the loop went on.

use crate::evidence::pmu::PmuReading;
use crate::model::{Footprint, RingZero, SmiEvidence};
use crate::units::{Hertz, Nanos};

use super::histogram::Presence;
use super::machine::Machine;

/// The indicators at one moment; the PMU's speak of all since the loop went on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Indicator {
    pub(super) footprint: Footprint,
    pub(super) ring_zero: Option<RingZero>,
    pub(super) smm: Option<Nanos>,
}

impl Indicator {
    /// Whether this kernel ran; `smi` is what is known of SMIs, which may have
    /// retired instructions of ring 0 as well.
    pub(super) fn presence(&self, smi: SmiEvidence) -> Presence {
        let counted = |ring_zero: RingZero| ring_zero.kernel_ran(smi.excludes_smis());
        let by_footprint = self.footprint.kernel_ran();
        by_footprint
            .or_else(|| self.ring_zero.and_then(counted))
            .into()
    }
}

/// The PMU's counts, followed from one gap to the next.
#[derive(Debug)]
pub(super) struct PmuWatch {
    hz: Hertz,
    base: Option<PmuReading>,
}

impl PmuWatch {
    /// A watch that has read nothing yet.
    pub(super) fn new(hz: Hertz) -> PmuWatch {
        PmuWatch { hz, base: None }
    }

    /// Takes the counts from which the next gap's are told.
    #[inline]
    pub(super) fn begin<M: Machine>(&mut self, machine: &mut M) {
        self.base = machine.pmu();
    }

    /// What was counted since [`PmuWatch::begin`]: instructions of ring 0, and
    /// the time for which the counters stood still.
    pub(super) fn since_begin<M: Machine>(
        &self,
        machine: &mut M,
    ) -> (Option<RingZero>, Option<Nanos>) {
        let Some((base, now)) = self.base.and_then(|base| Some((base, machine.pmu()?))) else {
            return (None, None);
        };
        let stood_still = now.stood_still_since(base);
        let smm = stood_still.map(|cycles| self.hz.to_nanos(cycles));
        (Some(now.ring_zero_since(base)), smm)
    }
}
