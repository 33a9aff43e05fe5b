//! What holds a real-time task back, and whose timers and pages it serves.
//!
//! Ordinary threads that are bound to a sampled CPU (its kworkers, ksoftirqd)
//! run only in the time that RT throttling or the fair server takes from the
//! sampler. Without any, work that other CPUs wait for would stand still for
//! the length of the run, and the kernel's hung-task detector would speak. So
//! a thousandth is left to them, unless the host may starve.
//!
//! Source: Documentation/scheduler/sched-rt-group.rst, kernel/sched/debug.c
//! (fair server), Documentation/admin-guide/sysctl/kernel.rst.

use crate::changes::{Format, Place};

use super::intent::Intent;
use super::step::Step;
use super::{Starve, View};

const RUNTIME: &str = "proc/sys/kernel/sched_rt_runtime_us";
const PERIOD: &str = "proc/sys/kernel/sched_rt_period_us";
const ALL_SAMPLED: &str = "every CPU is sampled: without it nothing else would run on this host, \
                           no shell and no network; --starve-host takes that";
/// The share of each period that is left to ordinary tasks: 1 / this.
const LEFT: u64 = 1_000;

/// Whether the bounds on real-time tasks must stay as they are.
fn must_stay(view: &View<'_>) -> bool {
    !view.has_rest() && view.plan.starve == Starve::Nobody
}

pub(super) fn rt_throttling(view: &View<'_>) -> Vec<Intent> {
    const STEP: Step = Step::RtThrottling;
    let place = Place::root(RUNTIME);
    let old = match view.value(&place) {
        Ok(old) => old,
        Err(reason) => return vec![Intent::skip(STEP, place, None, reason)],
    };
    if must_stay(view) {
        return vec![Intent::skip(STEP, place, Some(&old), ALL_SAMPLED)];
    }
    let period = view.root.read_number::<u64>(PERIOD);
    let intent = match (old.parse::<i64>(), period, view.plan.starve) {
        (Ok(-1), ..) => Intent::already(STEP, &place, &old),
        (Ok(_), _, Starve::Host) => Intent::set(STEP, place, Format::Text, &old, "-1"),
        (Ok(runtime), Ok(period), Starve::Nobody) => {
            let most = period - period / LEFT;
            match u64::try_from(runtime) {
                Ok(runtime) if runtime >= most => Intent::already(STEP, &place, &old),
                _ => Intent::set(STEP, place, Format::Text, &old, &most.to_string()),
            }
        }
        (Ok(_), Err(error), _) => Intent::skip(STEP, place, Some(&old), error.to_string()),
        (Err(_), ..) => Intent::skip(STEP, place, Some(&old), "it holds no number"),
    };
    vec![intent]
}

pub(super) fn fair_server(view: &View<'_>) -> Vec<Intent> {
    const STEP: Step = Step::FairServer;
    let server = |cpu| Place::debugfs(format!("sched/fair_server/cpu{cpu}"));
    let mut all = Vec::new();
    for cpu in view.plan.sampled.iter() {
        let place = server(cpu).join("runtime");
        let old = match view.value(&place) {
            Ok(old) => old,
            // One kernel for all CPUs: the first speaks for them.
            Err(reason) => {
                all.push(Intent::skip(STEP, place, None, reason));
                break;
            }
        };
        if must_stay(view) {
            all.push(Intent::skip(STEP, place, Some(&old), ALL_SAMPLED));
            break;
        }
        let period = view.value(&server(cpu).join("period"));
        let period = period.ok().and_then(|text| text.parse::<u64>().ok());
        all.push(match (old.parse::<u64>(), period, view.plan.starve) {
            (Ok(0), ..) => Intent::already(STEP, &place, &old),
            (Ok(_), _, Starve::Host) => Intent::set(STEP, place, Format::Text, &old, "0"),
            (Ok(runtime), Some(period), Starve::Nobody) => {
                let least = period / LEFT;
                match runtime <= least {
                    true => Intent::already(STEP, &place, &old),
                    false => Intent::set(STEP, place, Format::Text, &old, &least.to_string()),
                }
            }
            _ => Intent::skip(STEP, place, Some(&old), "it holds no number"),
        });
    }
    all
}

/// A busy CPU is where the timers of idle ones go, and the sampled ones are
/// busy.
pub(super) fn timer_migration(view: &View<'_>) -> Vec<Intent> {
    off(
        view,
        Step::TimerMigration,
        "proc/sys/kernel/timer_migration",
    )
}

pub(super) fn numa_balancing(view: &View<'_>) -> Vec<Intent> {
    off(view, Step::NumaBalancing, "proc/sys/kernel/numa_balancing")
}

/// A switch that is to be 0.
pub(super) fn off(view: &View<'_>, step: Step, file: &str) -> Vec<Intent> {
    let place = Place::root(file);
    vec![match view.value(&place) {
        Ok(old) => Intent::set(step, place, Format::Text, &old, "0"),
        Err(reason) => Intent::skip(step, place, None, reason),
    }]
}
