//! How long the sampler's own work takes here: what is longer was hit by
//! something.

use rtrb::RingBuffer;

use crate::evidence::LEAST_SMI;
use crate::model::{Evidence, SmiEvidence};
use crate::sampler::calibrate::Calibration;
use crate::sampler::gap::{RawGap, TripKind};
use crate::sampler::histogram::{Histogram, Presence};
use crate::sampler::machine::Machine;
use crate::sampler::span::Chain;
use crate::units::{Cycles, Hertz};

/// Rehearsals.
const ROUNDS: usize = 32;
/// Those of them that may be hit by something.
const HIT: usize = 4;
/// A cache that has gone cold makes the work this many times as long.
const COLD: u64 = 4;

/// The cost of the work between two readings of the clock.
#[derive(Clone, Copy, Debug)]
pub(in crate::sampler) struct OwnWork(u64);

impl OwnWork {
    /// Rehearses what is done behind a trip: a new span is begun, the trip is
    /// counted and handed over.
    pub(in crate::sampler) fn measure<M: Machine>(machine: &mut M, chain: &mut Chain) -> OwnWork {
        let (mut into, mut out) = RingBuffer::new(1);
        let mut histogram = Box::<Histogram>::default();
        let mut costs = [0u64; ROUNDS];
        for cost in &mut costs {
            let before = machine.tsc();
            let passed = chain.renew(machine);
            histogram.record(Cycles(passed.until), Presence::Absent);
            let gap = RawGap {
                kind: TripKind::Lesson,
                start: Cycles(before),
                end: Cycles(passed.until),
                smi_reading: 0,
                own: Cycles(0),
                companions: 0,
                evidence: Evidence::new(passed.seen.footprint, SmiEvidence::Unreadable),
            };
            let _ = into.push(gap);
            let after = machine.tsc();
            let _ = out.pop();
            *cost = after.wrapping_sub(before);
        }
        costs.sort_unstable();
        OwnWork(costs[ROUNDS - 1 - HIT])
    }

    /// What it takes at most unless something hit it. Half of the shortest SMI
    /// is left for what was not rehearsed.
    pub(in crate::sampler) fn limit(self, calibration: &Calibration, hz: Hertz) -> u64 {
        let least = 8 * calibration.trip.0 + 4 * calibration.pmu_read.0;
        least.max(COLD * self.0) + hz.to_cycles(LEAST_SMI).0 / 2
    }
}
