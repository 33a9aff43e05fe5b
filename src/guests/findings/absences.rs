//! What kept vCPUs out of their guests, and what helps against it.

use std::collections::{BTreeMap, BTreeSet};

use super::vcpus;
use crate::guests::fold::Fold;
use crate::host::root::Root;
use crate::model::absence::{HostCause, HostReport};
use crate::model::{Finding, Severity};
use crate::text::human::length;
use crate::units::Nanos;

const HALT_POLL: &str = "sys/module/kvm/parameters/halt_poll_ns";
/// Names that a finding shows.
const NAMED: usize = 3;
/// A share of the observation below which a cause is not worth a finding, unless it
/// took long at once.
const SHARE: f64 = 1e-4;
/// Such a length.
const LONG: Nanos = Nanos(50_000);

/// Causes with one remedy.
pub(super) struct Group {
    id: &'static str,
    holds: fn(HostCause, &str) -> bool,
    /// The sentence, up to what they are.
    text: &'static str,
    remedy: &'static str,
}

pub(super) static TASKS: Group = Group {
    id: "vcpus-preempted",
    holds: |cause, _| cause == HostCause::HostTask,
    text: "Other tasks ran in the place of vCPUs",
    remedy: "give vCPUs CPUs of their own: pin each (virsh vcpupin, taskset), keep other tasks off \
             (isolcpus=, or a cpuset partition), and give a real-time guest's vCPUs SCHED_FIFO 1",
};

pub(super) static INTERRUPTS: Group = Group {
    id: "host-interrupts",
    holds: |cause, _| matches!(cause, HostCause::HostInterrupt | HostCause::HostSoftirq),
    text: "The host serves interrupts on the CPUs of vCPUs",
    remedy: "boot with nohz_full= and rcu_nocbs= for these CPUs against the timer's, and move \
             devices' interrupts away (smp_affinity_list, irqaffinity=)",
};

pub(super) static DEVICES: Group = Group {
    id: "vmm-emulation",
    holds: |cause, what| cause == HostCause::Vmm && what != "a signal",
    text: "Guests wait for devices that the VMM emulates, and for KVM on the way back",
    remedy: "use virtio with vhost or a thread of its own (iothread), ioeventfd, or a device passed \
             through; in the guest, keep the driver off its real-time CPUs",
};

pub(super) static ASLEEP: Group = Group {
    id: "vcpus-asleep",
    holds: |cause, what| cause == HostCause::VcpuStopped && is_in_kernel(what),
    text: "vCPUs slept in the host's kernel",
    remedy: "after npf or EPT_VIOLATION, memory was missing: use huge pages, or lock the guest's \
             memory (mem-lock, <memoryBacking><locked/>), and keep it from KSM and from swap",
};

fn is_in_kernel(what: &str) -> bool {
    what.starts_with("asleep in the kernel")
}

/// What causes took of all vCPUs.
struct Taken<'a> {
    sum: Nanos,
    longest: Nanos,
    /// The same by name, the largest sum first.
    each: Vec<(&'a str, (Nanos, Nanos))>,
}

impl Taken<'_> {
    /// `None` where it is not worth a finding.
    fn of(report: &HostReport, holds: impl Fn(HostCause, &str) -> bool) -> Option<Taken<'_>> {
        let mut by_name: BTreeMap<&str, (Nanos, Nanos)> = BTreeMap::new();
        let totals = vcpus(report).flat_map(|vcpu| &vcpu.totals);
        for total in totals.filter(|total| holds(total.cause, &total.what)) {
            let (sum, longest) = by_name.entry(&total.what).or_default();
            *sum = sum.saturating_add(total.total_ns);
            *longest = (*longest).max(total.longest_ns);
        }
        let sum = by_name.values().map(|(sum, _)| *sum);
        let sum = sum.fold(Nanos(0), Nanos::saturating_add);
        let longest = by_name.values().map(|(_, longest)| *longest).max()?;
        let time = report.run.elapsed_ns.as_secs_f64() * vcpus(report).count() as f64;
        if longest < LONG && sum.as_secs_f64() < time * SHARE {
            return None;
        }
        let mut each: Vec<_> = by_name.into_iter().collect();
        each.sort_by_key(|(_, (sum, _))| std::cmp::Reverse(*sum));
        Some(Taken { sum, longest, each })
    }

    fn names(&self) -> String {
        let named = self.each.iter().take(NAMED).map(|(name, (sum, longest))| {
            let (sum, longest) = (length(*sum), length(*longest));
            format!("{name} ({sum}, at most {longest} at once)")
        });
        let more = self.each.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!("{more} more"));
        named.chain(more).collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn of(report: &HostReport, group: &Group) -> Option<Finding> {
    let taken = Taken::of(report, group.holds)?;
    let text = format!("{}: {}.", group.text, taken.names());
    Some(Finding::new(
        group.id,
        Severity::Warning,
        text,
        group.remedy,
    ))
}

/// Threads of the VMM that ran in the place of its own vCPUs.
pub(super) fn vmm_threads(report: &HostReport, fold: &Fold, root: &Root) -> Option<Finding> {
    let mut names = BTreeSet::new();
    for guest in &report.guests {
        let is_other = |thread: u32| {
            let path = format!("proc/{}/task/{thread}", guest.pid);
            guest.vcpus.iter().all(|vcpu| vcpu.tid != thread) && root.existing(&path).is_ok()
        };
        let totals = guest.vcpus.iter().flat_map(|vcpu| &vcpu.totals);
        let tasks = totals.filter(|total| total.cause == HostCause::HostTask);
        let own = tasks.filter(|total| fold.thread_of(&total.what).is_some_and(is_other));
        names.extend(own.map(|total| total.what.as_str()));
    }
    let names: Vec<&str> = names.into_iter().take(NAMED).collect();
    (!names.is_empty()).then(|| {
        Finding::new(
            "emulator-threads",
            Severity::Warning,
            format!(
                "Threads of the VMM ran on the CPUs of its vCPUs, in their place: {}.",
                names.join(", ")
            ),
            "pin them to other CPUs (virsh emulatorpin and iothreadpin, or taskset -p)",
        )
    })
}

pub(super) fn stopped(report: &HostReport) -> Option<Finding> {
    let taken = Taken::of(report, |cause, what| {
        cause == HostCause::VcpuStopped && !is_in_kernel(what)
    })?;
    Some(Finding::new(
        "vcpus-stopped",
        Severity::Warning,
        format!(
            "vCPUs were stopped for {}, at most {} at once: by a signal, a tracer, or the VMM.",
            length(taken.sum),
            length(taken.longest)
        ),
        "look who pauses guests: snapshots, backups, migrations, debuggers",
    ))
}

/// The way from waking to running is what halt polling saves.
pub(super) fn slow_wake_ups(report: &HostReport, root: &Root) -> Option<Finding> {
    let slept = Taken::of(report, |cause, what| {
        cause == HostCause::VcpuMigrated && what.starts_with("ready")
    })?;
    let polls = match root.read_number::<u64>(HALT_POLL) {
        Ok(0) => String::from("halt polling is off"),
        Ok(ns) => format!(
            "the host polls for at most {} before a vCPU sleeps",
            length(Nanos(ns))
        ),
        Err(_) => String::from("how long the host polls first is not known"),
    };
    Some(Finding::new(
        "slow-wake-ups",
        Severity::Info,
        format!(
            "vCPUs that were woken waited for an idle CPU: {} in all, at most {} at once; {polls}.",
            length(slept.sum),
            length(slept.longest)
        ),
        "raise halt_poll_ns of the module kvm, or poll in the guest (cpuidle_haltpoll, idle=poll); \
         limit idle states of these CPUs",
    ))
}
