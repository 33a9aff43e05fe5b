//! One sampled CPU, from the first reading to the last.

use std::sync::Arc;

use rtrb::Producer;

use crate::model::Footprint;
use crate::sampler::calibrate::{Calibration, FootprintTest};
use crate::sampler::ends::Ends;
use crate::sampler::engine::{SamplingPlan, Window};
use crate::sampler::engines::user::slow_path::Sampler;
use crate::sampler::engines::user::smi_watch::SmiWatch;
use crate::sampler::gap::{CpuTotals, RawGap};
use crate::sampler::machine::Machine;
use crate::sampler::shared::Shared;
use crate::sampler::spin::{Spin, spin};
use crate::units::{CpuId, Cycles, Nanos};

/// Rounds between two looks at the stop flag and the deadline: some tens of
/// microseconds.
pub(in crate::sampler) const BLOCK: u32 = 4096;

/// Longest sleep in a pause: the stop flag is to be seen soon after it is set,
/// however long the window is.
const NAP: Nanos = Nanos(50_000_000);

/// Samples until the plan's duration is over, the stop flag is set, or the
/// CPU is lost.
pub(in crate::sampler) fn sample<M: Machine>(
    mut machine: M,
    cpu: CpuId,
    plan: &SamplingPlan,
    calibration: Calibration,
    ring: Producer<RawGap>,
    shared: &Arc<Shared>,
) -> CpuTotals {
    let mut ends = Ends::begin(&mut machine);
    let smi = SmiWatch::begin(&mut machine, plan.smi_readings, &calibration, plan.hz);
    let totals = CpuTotals::begin(cpu, calibration.floor, plan.limit);
    let (threshold, hz) = (plan.threshold, plan.hz);
    let mut sampler = Sampler::new(machine, calibration, threshold, smi, hz, ring, totals);
    if plan.warm_up > Cycles(0) {
        sampler.warm_up(|sampler| {
            sampler.start();
            run(sampler, plan, plan.warm_up, shared, None);
        });
        ends = Ends::begin(&mut sampler.machine);
    }
    sampler.start();
    let first = sampler.last;
    shared.begin(Cycles(first));
    run(&mut sampler, plan, plan.duration, shared, Some(&ends));
    let Sampler {
        mut machine,
        smi,
        mut totals,
        last,
        ..
    } = sampler;
    shared.note_stall(&mut totals);
    totals.first = Cycles(first);
    totals.last = Cycles(last);
    totals.smi = smi.finish(&mut machine);
    ends.finish(&mut machine, &mut totals);
    // For a checkpoint, where this sampler ends long before the others.
    shared.publish(totals.clone());
    totals
}

/// Samples for this long. What there is so far is told by `ends`; of a warm-up
/// nothing is.
fn run<M: Machine>(
    sampler: &mut Sampler<M>,
    plan: &SamplingPlan,
    length: Cycles,
    shared: &Shared,
    ends: Option<&Ends>,
) {
    let first = sampler.last;
    let mut window_start = first;
    loop {
        block(sampler);
        let elapsed = sampler.last.wrapping_sub(first);
        if ends.is_some() {
            let smis = sampler.smi.so_far().map(|smi| smi.count.delta);
            shared.note(&sampler.totals, Cycles(elapsed), Cycles(0), smis);
        }
        if elapsed >= length.0 || sampler.totals.ended_early.is_some() || shared.is_stopped() {
            break;
        }
        let wanted = ends.filter(|_| shared.is_wanted());
        if let Some(ends) = wanted {
            publish(sampler, first, ends, shared);
        }
        if let Window::Partial { width, window } = plan.window
            && sampler.last.wrapping_sub(window_start) >= width.0
        {
            let left = Cycles(length.0 - elapsed);
            let over = sampler.last.wrapping_sub(window_start);
            pause(
                sampler,
                Cycles(window.0.saturating_sub(over)).min(left),
                plan.hz.to_cycles(NAP),
                &mut |sampler| {
                    let wanted = ends.filter(|_| shared.is_wanted());
                    if let Some(ends) = wanted {
                        lay_out(sampler, first, ends, shared);
                    }
                    shared.is_stopped()
                },
            );
            window_start = sampler.last;
        }
    }
}

/// Lays the totals out in the sampler's own time, which is counted as such. An
/// SMI meanwhile belongs to no gap.
fn publish<M: Machine>(sampler: &mut Sampler<M>, first: u64, ends: &Ends, shared: &Shared) {
    let begun = sampler.last;
    lay_out(sampler, first, ends, shared);
    sampler.check_cpu();
    sampler.settle(SmiWatch::after_own_work);
    sampler.count_blind(begun);
}

fn lay_out<M: Machine>(sampler: &mut Sampler<M>, first: u64, ends: &Ends, shared: &Shared) {
    let mut totals = CpuTotals {
        first: Cycles(first),
        last: Cycles(sampler.last),
        smi: sampler.smi.so_far(),
        ..sampler.totals.clone()
    };
    ends.so_far(&mut sampler.machine, &mut totals);
    shared.publish(totals);
}

/// One [`BLOCK`] of the loop, its trips, and the look at the mark that ends it.
pub(in crate::sampler) fn block<M: Machine>(sampler: &mut Sampler<M>) {
    let mut left = BLOCK;
    while left > 0 && sampler.totals.ended_early.is_none() {
        let floor = sampler.totals.floor.0;
        let span = sampler.calibration.trip.0.saturating_sub(floor);
        match spin(
            &mut sampler.machine,
            &mut sampler.last,
            &mut left,
            floor,
            span,
        ) {
            Spin::Quiet => break,
            Spin::Tripped { delta } => sampler.on_delta(delta),
        }
    }
    sampler.totals.iterations += u64::from(BLOCK - left);
    if sampler.calibration.footprint == FootprintTest::Passed
        && sampler.footprint() == Footprint::Cleared
    {
        sampler.on_silent_clear();
    }
}

/// Gives the CPU to others. `must_end` is asked after each nap.
fn pause<M: Machine>(
    sampler: &mut Sampler<M>,
    length: Cycles,
    nap: Cycles,
    must_end: &mut dyn FnMut(&mut Sampler<M>) -> bool,
) {
    let begun = sampler.last;
    loop {
        let left = length
            .0
            .saturating_sub(sampler.machine.tsc().wrapping_sub(begun));
        if left == 0 || must_end(sampler) {
            break;
        }
        sampler.machine.pause(nap.min(Cycles(left)));
    }
    // Before anything is read that would be another CPU's.
    sampler.check_cpu();
    sampler.settle(SmiWatch::after_pause);
    let paused = Cycles(sampler.last.wrapping_sub(begun));
    sampler.totals.paused = sampler.totals.paused.saturating_add(paused);
}
