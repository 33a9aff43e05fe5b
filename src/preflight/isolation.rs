//! Who else may run on the sampled CPUs: the scheduler's domains, the tick,
//! RCU callbacks, unbound kernel work.
//!
//! Source: Documentation/admin-guide/kernel-parameters.rst (isolcpus,
//! nohz_full, rcu_nocbs), cgroup-v2.rst (cpuset.cpus.isolated) and
//! Documentation/core-api/workqueue.rst.

use crate::host::topology::ISOLATED_PARTITIONS;
use crate::preflight::model::Effect;
use crate::units::cpulist::CpuList;
use crate::units::cpumask::{mask_of, parse_mask};

use super::View;
use super::boot::{self, Isolcpus};
use super::found::Found;
use super::look::{cpus, observed};

const ISOLATED: &str = "sys/devices/system/cpu/isolated";
/// The kernel keeps none of these for itself alone if all are taken.
const NO_CPU_LEFT: &str = "leave a CPU to the kernel and other tasks with --cpus";
const NOHZ_FULL: &str = "sys/devices/system/cpu/nohz_full";
const CMDLINE: &str = "proc/cmdline";
const WORKQUEUES: &str = "sys/devices/virtual/workqueue/cpumask";

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    if view.plan.cpus.is_empty() {
        return Vec::new();
    }
    vec![
        isolated(view),
        tick(view),
        rcu_callbacks(view),
        workqueues(view),
    ]
}

fn isolated(view: &View<'_>) -> Found {
    let sampled = &view.plan.cpus;
    let isolated = &view.host.topology.sets.isolated;
    let open = match isolated {
        Ok(list) => sampled.without(list),
        Err(_) => sampled.clone(),
    };
    let mut seen = vec![view.look(ISOLATED)];
    if view.root.existing(ISOLATED_PARTITIONS).is_ok() {
        seen.push(view.look(ISOLATED_PARTITIONS));
    }
    if let Err(error) = isolated
        && !open.is_empty()
    {
        return view.unread("isolation", ISOLATED, error, "This kernel isolates no CPU.");
    }
    if open.is_empty() {
        let text = format!("{} are isolated from the scheduler.", cpus(sampled));
        return Found::new("isolation", Effect::None, text).seen(seen);
    }
    Found::new(
        "isolation",
        Effect::Disturbs,
        format!("The scheduler may place any task on {}.", cpus(&open)),
    )
    .seen(seen)
    .costs("Tasks that wait there take their share of the time, and bring timers and softirqs.")
    .remedy(
        match Isolcpus::widened(view.boot_options(), sampled, &view.online()) {
            Some(option) => format!(
                "make a cgroup cpuset partition (cpuset.cpus.partition = isolated); or boot with \
             {option}"
            ),
            None => NO_CPU_LEFT.to_owned(),
        },
    )
}

fn tick(view: &View<'_>) -> Found {
    let sampled = &view.plan.cpus;
    let seen = [view.look(NOHZ_FULL)];
    let quiet = view.host.topology.sets.nohz_full.as_ref();
    let stopped = quiet.cloned().unwrap_or_default();
    let ticking = quiet.map_or_else(|_| sampled.clone(), |list| sampled.without(list));
    if ticking.is_empty() {
        let text = format!("The tick stops on {} while one task runs.", cpus(sampled));
        return Found::new("nohz-full", Effect::None, text).seen(seen);
    }
    let lacking = match quiet {
        Ok(_) => "boot with",
        Err(_) => "on a kernel with CONFIG_NO_HZ_FULL, boot with",
    };
    Found::new(
        "nohz-full",
        Effect::Disturbs,
        format!("The timer tick does not stop on {}.", cpus(&ticking)),
    )
    .seen(seen)
    .costs("An interrupt every 1 to 10 ms, and the timers and softirqs that hang on it.")
    .remedy(
        match boot::nohz_full(view.boot_options(), &stopped, sampled, &view.online()) {
            Some(option) => format!("{lacking} {option}"),
            None => NO_CPU_LEFT.to_owned(),
        },
    )
}

/// What the boot options say; the kernel shows the set nowhere else.
fn rcu_callbacks(view: &View<'_>) -> Found {
    let sampled = &view.plan.cpus;
    let line = match &view.host.kernel.command_line {
        Ok(line) => line,
        Err(error) => {
            let absent = "The boot options are not shown.";
            return view.unread("rcu-nocbs", CMDLINE, error, absent);
        }
    };
    let options: Vec<String> = ["rcu_nocbs", "nohz_full"]
        .into_iter()
        .flat_map(|name| {
            line.values(name)
                .map(move |value| value.map_or(name.to_owned(), |value| format!("{name}={value}")))
        })
        .collect();
    let said = if options.is_empty() {
        String::from("neither rcu_nocbs nor nohz_full")
    } else {
        options.join(" ")
    };
    let seen = [observed(CMDLINE, said)];
    let mut left = sampled.clone();
    let mut foreign = false;
    // nohz_full= implies rcu_nocbs= for its CPUs (kernel/rcu/tree_nocb.h).
    for value in line.values("rcu_nocbs").chain(line.values("nohz_full")) {
        match value.map(str::parse::<CpuList>) {
            Some(Ok(list)) => left = left.without(&list),
            // Without a list it only makes room for a later choice; forms such
            // as "all" or "1-N" are the kernel's own.
            None => {}
            Some(Err(_)) => foreign = true,
        }
    }
    let condition = |effect, text: &str| Found::new("rcu-nocbs", effect, text).seen(seen);
    match (left.is_empty(), foreign) {
        (true, _) => condition(
            Effect::None,
            &format!("RCU callbacks of {} run elsewhere.", cpus(sampled)),
        ),
        (false, true) => condition(
            Effect::Unknown,
            "The boot options hold a list of CPUs in a form that hwgap cannot read.",
        ),
        (false, false) => condition(
            Effect::Slight,
            &format!("RCU callbacks may run on {}, in softirqs.", cpus(&left)),
        )
        .remedy(format!("boot with {}", boot::rcu_nocbs(line, &left))),
    }
}

fn workqueues(view: &View<'_>) -> Found {
    let text = match view.root.read_text(WORKQUEUES) {
        Ok(text) => text,
        Err(error) => {
            return view.unread(
                "workqueues",
                WORKQUEUES,
                &error,
                "This kernel shows no mask for unbound work.",
            );
        }
    };
    let seen = [view.look(WORKQUEUES)];
    let Some(mask) = parse_mask(&text) else {
        let text = "The mask of unbound kernel work cannot be read.";
        return Found::new("workqueues", Effect::Unknown, text).seen(seen);
    };
    let hit = mask.intersection(&view.plan.cpus);
    if hit.is_empty() {
        let text = "Unbound kernel work stays off the sampled CPUs.";
        return Found::new("workqueues", Effect::None, text).seen(seen);
    }
    Found::new(
        "workqueues",
        Effect::Disturbs,
        format!("Unbound kernel work may run on {}.", cpus(&hit)),
    )
    .seen(seen)
    .costs("Its threads wait there for the sampler's CPU.")
    .remedy(match view.plan.housekeeping.is_empty() {
        true => String::from("leave a CPU to the kernel with --cpus"),
        false => format!(
            "write {} to /{WORKQUEUES}",
            mask_of(&view.plan.housekeeping)
        ),
    })
}
