//! How the indicators of the kernel agree, over all gaps of a CPU.

use crate::evidence::kernel_trace::Standing;
use crate::model::{Evidence, Footprint};

/// How the two indicators of the kernel agree: the footprint and its own
/// records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Both say that it ran.
    pub both: u64,
    /// Both say that it did not.
    pub neither: u64,
    /// The footprint says that it ran, and nothing was recorded: an entry
    /// without a tracepoint.
    pub footprint_only: u64,
    /// Something was recorded, and the footprint stands: a contradiction.
    pub records_only: u64,
    /// Records were lost.
    pub lost: u64,
}

impl Agreement {
    /// Adds another CPU's.
    pub fn add(&mut self, other: &Agreement) {
        self.both += other.both;
        self.neither += other.neither;
        self.footprint_only += other.footprint_only;
        self.records_only += other.records_only;
        self.lost += other.lost;
    }

    /// Gaps on which both say the same.
    pub fn agreed(&self) -> u64 {
        self.both + self.neither
    }

    /// Gaps of which both say something.
    pub fn compared(&self) -> u64 {
        self.agreed() + self.footprint_only + self.records_only
    }

    pub(super) fn note(&mut self, footprint: Footprint, standing: Option<Standing>) {
        let slot = match (footprint.kernel_ran(), standing) {
            (None, _) | (_, None) => return,
            (_, Some(Standing::Lost)) => &mut self.lost,
            (Some(true), Some(Standing::Nothing)) => &mut self.footprint_only,
            (Some(true), Some(_)) => &mut self.both,
            (Some(false), Some(Standing::Nothing)) => &mut self.neither,
            (Some(false), Some(_)) => &mut self.records_only,
        };
        *slot += 1;
    }
}

/// How the footprint and the instructions of ring 0 agree, in gaps of which
/// both say something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingZeroAgreement {
    /// Both say the same.
    pub agreed: u64,
    /// They contradict each other.
    pub contradicted: u64,
}

impl RingZeroAgreement {
    /// Adds another CPU's.
    pub fn add(&mut self, other: &RingZeroAgreement) {
        self.agreed += other.agreed;
        self.contradicted += other.contradicted;
    }

    pub(super) fn note(&mut self, evidence: &Evidence) {
        if evidence.is_contradicted() {
            self.contradicted += 1;
        } else if evidence.footprint.kernel_ran().is_some() && evidence.by_ring_zero().is_some() {
            self.agreed += 1;
        }
    }
}
