//! Settings of the host that keep vCPUs out of their guests.

use std::collections::BTreeSet;

use super::vcpus;
use crate::evidence::MachineFacts;
use crate::host::Host;
use crate::host::root::Root;
use crate::model::absence::{HostReport, Vcpu};
use crate::model::{Finding, Severity};
use crate::preflight::model::Effect;
use crate::preflight::{PreflightPlan, Trial, View, conditions};
use crate::text::human::{counted, grouped};
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

const KVMCLOCK: &str = "sys/module/kvm/parameters/kvmclock_periodic_sync";
const TIMER_MIGRATION: &str = "proc/sys/kernel/timer_migration";
const KSM: &str = "sys/kernel/mm/ksm/run";
/// Conditions of a preflight that hold for vCPUs as they do for samplers.
const SHARED: [&str; 6] = [
    "isolation",
    "nohz-full",
    "rcu-nocbs",
    "irq-affinity",
    "workqueues",
    "numa-balancing",
];

fn allowed(vcpu: &Vcpu) -> Option<CpuList> {
    vcpu.affinity.as_ref()?.parse().ok()
}

/// The only CPU of each vCPU that may run on no other.
fn pins(report: &HostReport) -> impl Iterator<Item = CpuId> {
    let only = vcpus(report)
        .filter_map(allowed)
        .filter(|list| list.len() == 1);
    only.filter_map(|list| list.first())
}

pub(super) fn not_pinned(report: &HostReport) -> Option<Finding> {
    let is_free = |vcpu: &&Vcpu| allowed(vcpu).is_some_and(|list| list.len() > 1);
    let free = vcpus(report).filter(is_free).count() as u64;
    let absences = vcpus(report).flat_map(|vcpu| &vcpu.absences);
    let moves = absences.filter(|absence| absence.entered_on.is_some());
    let (severity, moves) = match moves.count() as u64 {
        0 => (Severity::Info, String::new()),
        moves => (
            Severity::Warning,
            format!(
                "; {} of the listed absences ended on another CPU than they began on",
                grouped(moves)
            ),
        ),
    };
    (free > 0).then(|| {
        Finding::new(
            "vcpus-not-pinned",
            severity,
            format!(
                "{} may run on more than one CPU{moves}.",
                counted(free, "vCPU")
            ),
            "pin each vCPU to a CPU of its own (virsh vcpupin, taskset -p)",
        )
    })
}

pub(super) fn shared_cpus(report: &HostReport) -> Option<Finding> {
    let mut seen = BTreeSet::new();
    let shared: CpuList = pins(report).filter(|cpu| !seen.insert(*cpu)).collect();
    (!shared.is_empty()).then(|| {
        Finding::new(
            "vcpus-share-cpus",
            Severity::Warning,
            format!(
                "Several vCPUs are pinned to {}: each waits for the others.",
                shared.named()
            ),
            "give each vCPU a CPU of its own",
        )
    })
}

pub(super) fn ksm(report: &HostReport, root: &Root) -> Option<Finding> {
    let is_on = root.read_number::<u32>(KSM) == Ok(1) && !report.guests.is_empty();
    is_on.then(|| {
        Finding::new(
            "ksm",
            Severity::Warning,
            "The kernel merges equal pages of guests (KSM): a guest that writes to one waits while \
             it is copied, as exits npf or EPT_VIOLATION.",
            "write 2 to /sys/kernel/mm/ksm/run, or keep the guest out of it (mem-merge=off, \
             <nosharepages/>)",
        )
    })
}

pub(super) fn timer_migration(root: &Root) -> Option<Finding> {
    (root.read_number::<u32>(TIMER_MIGRATION) == Ok(1)).then(|| {
        Finding::new(
            "timer-migration",
            Severity::Info,
            "Timers of idle CPUs may move to busy ones, and a vCPU that does not halt keeps its \
             CPU busy.",
            "write 0 to /proc/sys/kernel/timer_migration",
        )
    })
}

pub(super) fn kvmclock(root: &Root) -> Option<Finding> {
    let set = root.read_label(KVMCLOCK, 8).ok()?;
    matches!(set.as_str(), "Y" | "1").then(|| {
        Finding::new(
            "kvmclock-sync",
            Severity::Info,
            "KVM brings the clocks of all guests up to date every 300 s: each vCPU leaves its \
             guest for it.",
            "load kvm with kvmclock_periodic_sync=0 where guests use the TSC as their clock",
        )
    })
}

/// What a preflight says of the CPUs on which vCPUs were seen or may run.
pub(super) fn of_preflight(
    report: &HostReport,
    root: &Root,
    host: &Host,
    machine: &MachineFacts,
) -> Vec<Finding> {
    let Ok(online) = &host.topology.sets.online else {
        return Vec::new();
    };
    let absences = vcpus(report).flat_map(|vcpu| &vcpu.absences);
    let seen = absences.flat_map(|absence| [Some(absence.cpu), absence.entered_on]);
    let cpus: CpuList = (pins(report).chain(seen.flatten()))
        .filter(|cpu| online.contains(*cpu))
        .collect();
    let rest = online.without(&cpus);
    let plan = PreflightPlan::of(cpus, rest);
    let trial = Trial::NotMade;
    let view = View::new(root, host, machine, &plan, &trial);
    (conditions(&view).into_iter())
        .filter(|one| SHARED.contains(&one.id.as_str()))
        .filter(|one| matches!(one.effect, Effect::Disturbs | Effect::Slight))
        .map(|one| Finding {
            id: one.id,
            severity: one.severity,
            text: one.text,
            // With no CPU left to others, a preflight names its own option.
            remedy: one.remedy.filter(|remedy| !remedy.contains("--cpus")),
        })
        .collect()
}
