//! What holds a real-time sampler back, and whose timers it serves.
//!
//! Source: Documentation/scheduler/sched-rt-group.rst, kernel/sched/debug.c
//! (fair server), Documentation/admin-guide/sysctl/kernel.rst.

use crate::host::realtime::{Throttling, fair_server};
use crate::host::root::ReadError;
use crate::preflight::model::Effect;
use crate::units::CpuId;

use super::View;
use super::found::Found;
use super::look::{Switch, look, observed, switch, why};
use super::permissions::no_realtime;

const RUNTIME: &str = "proc/sys/kernel/sched_rt_runtime_us";
const PERIOD: &str = "proc/sys/kernel/sched_rt_period_us";
const MIGRATION: &str = "proc/sys/kernel/timer_migration";
/// The first kernel with a fair server, which took over from RT throttling.
const FIRST_WITH_FAIR_SERVER: (u32, u32) = (6, 12);

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    let mut all = Vec::new();
    if no_realtime(view).is_some() {
        let text = "Samplers get no real-time priority, so that its bounds do not matter.";
        all.push(Found::new("rt-throttling", Effect::None, text).seen([view.look(RUNTIME)]));
    } else {
        all.push(throttling(view));
        all.extend(server(view));
    }
    all.push(timer_migration(view));
    all
}

fn has_fair_server(view: &View<'_>) -> bool {
    let release = view.host.kernel.release.as_ref().ok();
    release.and_then(|release| release.numbers()) >= Some(FIRST_WITH_FAIR_SERVER)
}

fn throttling(view: &View<'_>) -> Found {
    let id = "rt-throttling";
    let condition = |effect, text: &str| {
        Found::new(id, effect, text).seen([view.look(RUNTIME), view.look(PERIOD)])
    };
    match &view.host.rt_throttling {
        Ok(Throttling::Off) => condition(
            Effect::None,
            "Real-time tasks are not throttled.",
        ),
        Ok(Throttling::On { runtime, period }) if has_fair_server(view) => condition(
            Effect::Slight,
            &format!("Real-time tasks are limited to {runtime} of each {period}."),
        )
        .costs("From Linux 6.12 it binds only kernels with real-time group scheduling; see fair-server."),
        Ok(Throttling::On { runtime, period }) => condition(
            Effect::Disturbs,
            &format!(
                "Real-time tasks are stopped for {} of each {period}.",
                period.saturating_sub(*runtime)
            ),
        )
        .costs("A sampler that never pauses meets that; such gaps are the kernel's.")
        .remedy(format!(
            "sample less than that (--width 900ms --window 1s); or, at the risk of a frozen \
             machine, write -1 to /{RUNTIME}"
        )),
        Err(error) => view.unread(id, RUNTIME, error, "There is no such bound."),
    }
}

/// The first CPU whose fair server is on speaks for all.
fn server(view: &View<'_>) -> Option<Found> {
    let id = "fair-server";
    let own = |cpu: CpuId| format!("sched/fair_server/cpu{cpu}/runtime");
    let file = |cpu: CpuId| view.debugfs.usual_path(&own(cpu));
    let seen = |cpu: CpuId| {
        let said = match view.debugfs.root_for(&own(cpu)) {
            Ok(root) => look(root, &own(cpu)).said + view.debugfs.remark(),
            Err(error) => why(&error),
        };
        observed(&file(cpu), said)
    };
    let first = view.plan.cpus.first()?;
    for cpu in view.plan.cpus.iter() {
        match fair_server(&view.debugfs, cpu) {
            Ok(Throttling::Off) => {}
            Ok(Throttling::On { runtime, period }) => {
                return Some(
                    Found::new(
                        id,
                        Effect::Disturbs,
                        format!(
                            "While ordinary tasks wait on CPU {cpu}, they get {runtime} of each \
                             {period}."
                        ),
                    )
                    .seen([seen(cpu)])
                    .costs("A sampler at real-time priority stands still then.")
                    .remedy(format!(
                        "keep ordinary tasks off the CPU; or, at the risk of a frozen machine, \
                         write 0 to /{}, for each sampled CPU",
                        file(cpu)
                    )),
                );
            }
            Err(ReadError::Missing { .. } | ReadError::LockedDown { .. })
                if !has_fair_server(view) =>
            {
                return None;
            }
            Err(error) => {
                let (text, remedy) = match error {
                    ReadError::Missing { .. } => (
                        "Whether ordinary tasks may interrupt real-time ones is not shown.",
                        "mount debugfs, or run as root",
                    ),
                    ReadError::LockedDown { .. } => (
                        "Whether ordinary tasks may interrupt real-time ones is not shown by a \
                         kernel that is locked down.",
                        "keep ordinary tasks off the CPU",
                    ),
                    _ => (
                        "Whether ordinary tasks may interrupt real-time ones cannot be read.",
                        "run as root",
                    ),
                };
                return Some(
                    Found::new(id, Effect::Unknown, text)
                        .seen([seen(cpu)])
                        .costs("By default they get 50 ms of each second while they wait.")
                        .remedy(remedy),
                );
            }
        }
    }
    let text = "Ordinary tasks take nothing from real-time ones.";
    Some(Found::new(id, Effect::None, text).seen([seen(first)]))
}

fn timer_migration(view: &View<'_>) -> Found {
    let id = "timer-migration";
    let condition = |effect, text: &str| view.by(id, MIGRATION, effect, text);
    match switch(view.root, MIGRATION) {
        Ok(Switch::Off) => condition(Effect::None, "Timers stay on the CPU that set them."),
        Ok(Switch::On) => condition(
            Effect::Slight,
            "A busy CPU may serve the timers of idle ones, and a sampler is busy.",
        )
        .remedy(format!("write 0 to /{MIGRATION}")),
        Err(error) => view.unread(id, MIGRATION, &error, "Timers do not move on this kernel."),
    }
}
