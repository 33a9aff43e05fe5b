//! The kernel's watchdogs and its polling for machine checks.
//!
//! Source: Documentation/admin-guide/lockup-watchdogs.rst and
//! Documentation/ABI/testing/sysfs-mce.

use crate::preflight::model::Effect;

use super::View;
use super::found::Found;
use super::look::{Switch, cpus, switch};

const CPUMASK: &str = "proc/sys/kernel/watchdog_cpumask";

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    let Some(first) = view.plan.cpus.first() else {
        return Vec::new();
    };
    let polling = format!("sys/devices/system/machinecheck/machinecheck{first}/check_interval");
    vec![
        watchdog(
            view,
            "nmi-watchdog",
            "proc/sys/kernel/nmi_watchdog",
            "It raises an NMI on each every ten seconds or so, and takes a counter of the PMU.",
        ),
        watchdog(
            view,
            "soft-watchdog",
            "proc/sys/kernel/soft_watchdog",
            "It wakes a thread above all real-time tasks on each every few seconds.",
        ),
        machine_checks(view, &polling),
    ]
}

fn watchdog(view: &View<'_>, id: &'static str, file: &'static str, costs: &str) -> Found {
    let state = match switch(view.root, file) {
        Ok(state) => state,
        Err(error) => {
            let absent = "This kernel has no such watchdog.";
            return view.unread(id, file, &error, absent);
        }
    };
    // Without the mask, all CPUs are watched.
    let watched = match view.root.read_cpu_list(CPUMASK) {
        Ok(mask) => mask.intersection(&view.plan.cpus),
        Err(_) => view.plan.cpus.clone(),
    };
    let seen = [view.look(file), view.look(CPUMASK)];
    if state == Switch::Off || watched.is_empty() {
        let text = "No sampled CPU is watched.";
        return Found::new(id, Effect::None, text).seen(seen);
    }
    Found::new(
        id,
        Effect::Disturbs,
        format!("It watches {}.", cpus(&watched)),
    )
    .seen(seen)
    .costs(costs)
    .remedy(match view.plan.housekeeping.is_empty() {
        true => format!("write 0 to /{file}"),
        false => format!(
            "write {} to /{CPUMASK}, or 0 to /{file}",
            view.plan.housekeeping
        ),
    })
}

fn machine_checks(view: &View<'_>, file: &str) -> Found {
    let id = "machine-checks";
    match view.root.read_number::<u32>(file) {
        Ok(0) => Found::new(id, Effect::None, "Machine checks are not polled for.")
            .seen([view.look(file)]),
        Ok(seconds) => Found::new(
            id,
            Effect::Slight,
            format!("Each CPU polls for machine checks every {seconds} s, by a timer."),
        )
        .seen([view.look(file)])
        .remedy("write 0 to one check_interval below /sys/devices/system/machinecheck"),
        Err(error) => view.unread(id, file, &error, "This kernel polls for no machine checks."),
    }
}
