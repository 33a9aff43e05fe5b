//! An isolated partition of control groups (version 2): the scheduler keeps
//! all other tasks off the sampled CPUs, and back on when it ends.
//!
//! The partition is a threaded group right below the root, so that hwgap's
//! samplers can live in it while its collector stays with the others: threads
//! may only be parted below the group that their process is in, and the root
//! alone may be that group without more ado. For the run the process moves
//! there.
//!
//! Source: Documentation/admin-guide/cgroup-v2.rst, "Threads" and
//! "cpuset.cpus.partition".

use std::io;

use crate::changes::{Access, Changed, Changes, Format, Place};
use crate::host::topology::CpuSets;
use crate::units::cpulist::CpuList;

use super::intent::{Act, Intent};
use super::step::Step;
use super::{NO_REST, View};

const STEP: Step = Step::Partition;
/// Where version 2 is mounted: alone, or beside version 1.
const MOUNTS: [&str; 2] = ["sys/fs/cgroup", "sys/fs/cgroup/unified"];
const GROUP: &str = "hwgap";

pub(super) fn intents(view: &View<'_>) -> Vec<Intent> {
    const SETTING: &str = "isolated cpuset partition";
    let skip = |reason: &str| vec![Intent::skip(STEP, SETTING, None, reason)];
    if !view.has_rest() {
        return skip(NO_REST);
    }
    let isolated = CpuSets::read(view.root).isolated;
    if isolated.is_ok_and(|list| view.plan.sampled.without(&list).is_empty()) {
        return skip("the sampled CPUs are isolated already");
    }
    let controllers = |mount: &&str| view.value(&Place::root(*mount).join("cgroup.controllers"));
    let Some((mount, found)) =
        (MOUNTS.iter()).find_map(|mount| Some((*mount, controllers(mount).ok()?)))
    else {
        return skip("control groups of version 2 are not mounted");
    };
    if !found.split_whitespace().any(|name| name == "cpuset") {
        return match view.access.list(&Place::root("sys/fs/cgroup/cpuset")) {
            Ok(_) => skip("the cpuset controller belongs to control groups of version 1 here"),
            Err(_) => skip("this control group may not use the cpuset controller"),
        };
    }
    vec![Intent {
        step: STEP,
        setting: String::from(SETTING),
        act: Act::Partition {
            base: Place::root(mount),
        },
    }]
}

pub(super) struct Made {
    /// Number of the change that made it one.
    pub(super) n: usize,
    /// Where a sampler writes itself to live in it.
    pub(super) threads: Place,
}

/// Makes the partition.
///
/// # Errors
/// What the kernel refused; nothing of it stays then.
pub(super) fn make<A: Access>(
    changes: &mut Changes<A>,
    base: &Place,
    sampled: &CpuList,
    rest: &CpuList,
) -> Result<Made, String> {
    let first = changes.next();
    let made = try_make(changes, base, sampled, rest);
    if made.is_err() {
        changes.take_back_from(first);
    }
    made
}

fn try_make<A: Access>(
    changes: &mut Changes<A>,
    base: &Place,
    sampled: &CpuList,
    rest: &CpuList,
) -> Result<Made, String> {
    let at = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    keep_affinities(changes, sampled, rest);
    let enabled = base.join("cgroup.subtree_control");
    let old = changes
        .access()
        .read(&enabled)
        .map_err(at("cgroup.subtree_control"))?;
    if !old.split_whitespace().any(|name| name == "cpuset") {
        let new = format!("{} cpuset", old.trim());
        (changes.set(enabled, Format::Controllers, &new))
            .map_err(|refusal| format!("cgroup.subtree_control: {}", refusal.reason))?;
    }
    let group = base.join(GROUP);
    changes
        .make_folder(group.clone())
        .map_err(at("the group"))?;
    // What stands within the group goes with it.
    let write = |changes: &Changes<A>, file: &'static str, text: &str| {
        (changes.access().write(&group.join(file), text)).map_err(at(file))
    };
    write(changes, "cgroup.type", "threaded")?;
    write(changes, "cpuset.cpus", &sampled.to_string())?;
    let own = std::process::id();
    match changes.access().control_group(own) {
        Some(from) if !from.is_empty() => {
            let from = base.join(&from);
            (changes.move_process(own, from, base.clone())).map_err(at("cgroup.procs"))?;
        }
        _ => {}
    }
    let partition = group.join("cpuset.cpus.partition");
    let set = changes.set(partition.clone(), Format::FirstWord, "isolated");
    let set = set.map_err(|refusal| format!("cpuset.cpus.partition: {}", refusal.reason))?;
    let said = changes
        .access()
        .read(&partition)
        .map_err(at("cpuset.cpus.partition"))?;
    if said.contains("invalid") {
        return Err(format!("the kernel says: {}", said.trim()));
    }
    match set {
        Changed::Made { n, .. } => Ok(Made {
            n,
            threads: group.join("cgroup.threads"),
        }),
        Changed::Already(value) => Err(format!("cpuset.cpus.partition is {value} by itself")),
    }
}

/// Kernels before 6.2 forget the affinity that a task was given when its
/// cpuset changes; those of kernel threads are forgotten by later ones too.
fn keep_affinities<A: Access>(changes: &mut Changes<A>, sampled: &CpuList, rest: &CpuList) {
    let online: CpuList = sampled.iter().chain(rest.iter()).collect();
    let numbers = |names: io::Result<Vec<String>>| -> Vec<u32> {
        let names = names.unwrap_or_default();
        names.iter().filter_map(|name| name.parse().ok()).collect()
    };
    for process in numbers(changes.access().list(&Place::root("proc"))) {
        let tasks = Place::root(format!("proc/{process}/task"));
        for thread in numbers(changes.access().list(&tasks)) {
            let cpus = changes.access().affinity(thread);
            // One that may run anywhere gets that back by itself, and one
            // that never ran on a sampled CPU stays where it is.
            if cpus.is_ok_and(|cpus| cpus.intersection(&online) != online) {
                changes.keep_affinity(thread);
            }
        }
    }
}
