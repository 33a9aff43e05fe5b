//! What a tracer found on a CPU, in the terms that all engines share.

use crate::sampler::engine::Window;
use crate::sampler::engines::tracer::TracerEngine;
use crate::sampler::engines::tracer::cpu::Sampled;
use crate::sampler::engines::tracer::osnoise::Interrupts;
use crate::sampler::engines::tracer::session::Rhythm;
use crate::sampler::gap::{CountSource, CpuTotals, MaskedTotals, TracedTotals};
use crate::units::{Cycles, Nanos};

/// How well a gap is placed: hwlat rounds its length to a microsecond, both
/// write their records some hundred nanoseconds after the gap, and the wall
/// clock is followed within as much.
const PLACED_WITHIN: Nanos = Nanos(5_000);

impl TracerEngine {
    /// The totals of one CPU.
    pub(super) fn totals(
        &self,
        sampled: &Sampled,
        totals: &CpuTotals,
        rhythm: Rhythm,
        unrestored: &[String],
    ) -> CpuTotals {
        let elapsed = totals.last.since(totals.first);
        let unsampled = elapsed.saturating_sub(sampled.time);
        let masked = self.ability.interrupts == Interrupts::Off;
        let paused = match self.plan.window {
            Window::Continuous => Cycles(0),
            Window::Partial { .. } => unsampled,
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
