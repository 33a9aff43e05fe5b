//! What whoever runs the host should know or do: by what was seen of its vCPUs, by
//! its settings, and by what a preflight says of the CPUs that they run on.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Fold;
use crate::evidence::MachineFacts;
use crate::host::Host;
use crate::host::root::Root;
use crate::model::absence::{Guest, HostCause, HostReport, HostSource, Vcpu};
use crate::model::{Finding, Severity};
use crate::preflight::model::Effect;
use crate::preflight::{PreflightPlan, Trial, View, conditions};
use crate::text::human::{chosen, counted, grouped, length};
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

const KVMCLOCK: &str = "sys/module/kvm/parameters/kvmclock_periodic_sync";
const HALT_POLL: &str = "sys/module/kvm/parameters/halt_poll_ns";
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
/// Names that a finding shows.
const NAMED: usize = 3;
/// A share of the observation below which a cause is not worth a finding, unless it
/// took long at once.
const SHARE: f64 = 1e-4;
/// Such a length.
const LONG: Nanos = Nanos(50_000);

/// All findings, the gravest first.
pub fn findings(
    report: &HostReport,
    fold: &Fold,
    root: &Root,
    host: &Host,
    machine: &MachineFacts,
) -> Vec<Finding> {
    let mut all: Vec<Finding> = [
        nested(report),
        lost(report),
        tracepoints(report),
        no_smis(report),
        left_out(report),
        unseen(report),
        tasks(report),
        vmm_threads(report, fold, root),
        moved(report),
        shared_cpus(report),
        interrupts(report),
        emulation(report),
        asleep(report),
        stopped(report),
        halts(report, root),
        ksm(report, root),
        timer_migration(root),
        kvmclock(root),
        no_guest_tsc(report),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.extend(of_preflight(report, root, host, machine));
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

/// A finding; without a remedy where that is empty.
fn finding(
    id: &str,
    severity: Severity,
    text: impl Into<String>,
    remedy: &'static str,
) -> Option<Finding> {
    Some(Finding {
        id: id.to_owned(),
        severity,
        text: text.into(),
        remedy: (!remedy.is_empty()).then(|| remedy.to_owned()),
    })
}

fn vcpus(report: &HostReport) -> impl Iterator<Item = &Vcpu> {
    report.guests.iter().flat_map(|guest| &guest.vcpus)
}

/// What causes took of all vCPUs.
struct Taken {
    sum: Nanos,
    longest: Nanos,
    /// The largest sums, in words.
    names: Vec<String>,
}

impl Taken {
    fn of(report: &HostReport, wanted: impl Fn(HostCause, &str) -> bool) -> Option<Taken> {
        let mut by_name: BTreeMap<&str, (Nanos, Nanos)> = BTreeMap::new();
        let totals = vcpus(report).flat_map(|vcpu| &vcpu.totals);
        for total in totals.filter(|total| wanted(total.cause, &total.what)) {
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
        let mut names: Vec<(&str, (Nanos, Nanos))> = by_name.into_iter().collect();
        names.sort_by_key(|(_, (sum, _))| std::cmp::Reverse(*sum));
        let more = names.len().saturating_sub(NAMED);
        let mut names: Vec<String> = (names.iter().take(NAMED))
            .map(|(name, (sum, longest))| {
                format!(
                    "{name} ({}, at most {} at once)",
                    length(*sum),
                    length(*longest)
                )
            })
            .collect();
        if more > 0 {
            names.push(format!("{more} more"));
        }
        Some(Taken {
            sum,
            longest,
            names,
        })
    }

    fn told(&self) -> String {
        self.names.join(", ")
    }
}

fn nested(report: &HostReport) -> Option<Finding> {
    let hypervisor = report.host.hypervisor.as_ref()?;
    let text = format!(
        "This host is itself a guest under {hypervisor}. When that takes its CPUs, no record here \
         shows it: the time is told as that of whatever was running, or is in no absence at all."
    );
    finding(
        "host-is-guest",
        Severity::Warning,
        text,
        "run hwgap host on that host, too, or hwgap run in this one",
    )
}

fn lost(report: &HostReport) -> Option<Finding> {
    let lost = report.run.lost_records;
    let times = vcpus(report).any(|vcpu| vcpu.absences.iter().any(|one| one.incomplete));
    if lost == 0 {
        return None;
    }
    let text = format!(
        "{} of the kernel were lost{}. What was not seen is told as not-observed, and each vCPU has \
         the times in its list.",
        counted(lost, "record"),
        match times {
            true => ", some within absences",
            false => "",
        }
    );
    finding(
        "lost-records",
        Severity::Warning,
        text,
        "raise --threshold, watch one guest only, or run where BPF can be used",
    )
}

fn tracepoints(report: &HostReport) -> Option<Finding> {
    if report.run.source != HostSource::Tracepoints {
        return None;
    }
    let why = report
        .run
        .source_reason
        .as_deref()
        .unwrap_or("as asked for");
    let text = format!(
        "Every record of the kernel was read, without BPF ({why}): at many exits a second that \
         takes a good part of a CPU, and records may be lost."
    );
    finding("source-tracepoints", Severity::Info, text, "")
}

fn no_smis(report: &HostReport) -> Option<Finding> {
    if report.smi_rises.is_some() {
        return None;
    }
    finding(
        "smis-not-counted",
        Severity::Info,
        "SMIs cannot be counted on this host. On Intel's CPUs an SMI makes no exit: what it takes \
         is in no absence, or looks like KVM's own.",
        "on Intel's CPUs, as root: modprobe msr",
    )
}

fn left_out(report: &HostReport) -> Option<Finding> {
    let above = vcpus(report)
        .filter_map(|vcpu| vcpu.listed_above_ns)
        .max()?;
    finding(
        "absences-left-out",
        Severity::Info,
        format!(
            "There were too many absences to list: all are counted, and those above {} are listed.",
            length(above)
        ),
        "raise --threshold, or observe for a shorter time",
    )
}

fn unseen(report: &HostReport) -> Option<Finding> {
    let silent = |guest: &&Guest| {
        let mut vcpus = guest.vcpus.iter();
        vcpus.all(|vcpu| vcpu.absences_seen == 0 && vcpu.entries.unwrap_or(0) == 0)
    };
    let names: Vec<&str> = (report.guests.iter())
        .filter(silent)
        .map(|guest| guest.name.as_str())
        .collect();
    if names.is_empty() {
        return None;
    }
    let text = format!(
        "Of {} nothing was recorded: no vCPU was away for longer than {}, or it does not run.",
        names.join(", "),
        chosen(report.run.threshold_ns)
    );
    finding("guest-without-absences", Severity::Info, text, "")
}

fn tasks(report: &HostReport) -> Option<Finding> {
    let taken = Taken::of(report, |cause, _| cause == HostCause::HostTask)?;
    finding(
        "vcpus-preempted",
        Severity::Warning,
        format!("Other tasks ran in the place of vCPUs: {}.", taken.told()),
        "give vCPUs CPUs of their own: pin each (virsh vcpupin, taskset), keep other tasks off \
         (isolcpus=, or a cpuset partition), and give a real-time guest's vCPUs SCHED_FIFO 1",
    )
}

/// Threads of the VMM that ran in the place of its own vCPUs.
fn vmm_threads(report: &HostReport, fold: &Fold, root: &Root) -> Option<Finding> {
    let mut names = BTreeSet::new();
    for guest in &report.guests {
        let own: BTreeSet<u32> = guest.vcpus.iter().map(|vcpu| vcpu.tid).collect();
        for total in guest.vcpus.iter().flat_map(|vcpu| &vcpu.totals) {
            let thread = fold.thread_of(&total.what);
            let thread = thread.filter(|_| total.cause == HostCause::HostTask);
            let Some(thread) = thread.filter(|tid| !own.contains(tid)) else {
                continue;
            };
            if root
                .existing(&format!("proc/{}/task/{thread}", guest.pid))
                .is_ok()
            {
                names.insert(total.what.clone());
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    let names: Vec<String> = names.into_iter().take(NAMED).collect();
    finding(
        "emulator-threads",
        Severity::Warning,
        format!(
            "Threads of the VMM ran on the CPUs of its vCPUs, in their place: {}.",
            names.join(", ")
        ),
        "pin them to other CPUs (virsh emulatorpin and iothreadpin, or taskset -p)",
    )
}

fn pinned(vcpu: &Vcpu) -> Option<CpuList> {
    vcpu.affinity.as_ref()?.parse().ok()
}

fn moved(report: &HostReport) -> Option<Finding> {
    let free = vcpus(report).filter(|vcpu| pinned(vcpu).is_some_and(|list| list.len() > 1));
    let free = free.count() as u64;
    if free == 0 {
        return None;
    }
    let moves = vcpus(report).flat_map(|vcpu| &vcpu.absences);
    let moves = moves.filter(|absence| absence.entered_on.is_some()).count() as u64;
    let text = format!(
        "{} may run on more than one CPU{}.",
        counted(free, "vCPU"),
        match moves {
            0 => String::new(),
            moves => format!(
                "; {} of the listed absences ended on another CPU than they began on",
                grouped(moves)
            ),
        }
    );
    let severity = match moves {
        0 => Severity::Info,
        _ => Severity::Warning,
    };
    finding(
        "vcpus-not-pinned",
        severity,
        text,
        "pin each vCPU to a CPU of its own (virsh vcpupin, taskset -p)",
    )
}

fn shared_cpus(report: &HostReport) -> Option<Finding> {
    let mut seen = BTreeSet::new();
    let mut shared = BTreeSet::new();
    let only = vcpus(report).filter_map(pinned);
    for list in only.filter(|list| list.len() == 1) {
        let cpu = list.first()?;
        if !seen.insert(cpu) {
            shared.insert(cpu);
        }
    }
    if shared.is_empty() {
        return None;
    }
    let shared: CpuList = shared.into_iter().collect();
    finding(
        "vcpus-share-cpus",
        Severity::Warning,
        format!(
            "Several vCPUs are pinned to {}: each waits for the others.",
            shared.named()
        ),
        "give each vCPU a CPU of its own",
    )
}

fn interrupts(report: &HostReport) -> Option<Finding> {
    let is_one = |cause| matches!(cause, HostCause::HostInterrupt | HostCause::HostSoftirq);
    let taken = Taken::of(report, |cause, _| is_one(cause))?;
    finding(
        "host-interrupts",
        Severity::Warning,
        format!(
            "The host serves interrupts on the CPUs of vCPUs: {}.",
            taken.told()
        ),
        "boot with nohz_full= and rcu_nocbs= for these CPUs against the timer's, and move devices' \
         interrupts away (smp_affinity_list, irqaffinity=)",
    )
}

fn emulation(report: &HostReport) -> Option<Finding> {
    let taken = Taken::of(report, |cause, what| {
        cause == HostCause::Vmm && what != "a signal"
    })?;
    finding(
        "vmm-emulation",
        Severity::Warning,
        format!(
            "Guests wait for devices that the VMM emulates: {}.",
            taken.told()
        ),
        "use virtio with vhost or a thread of its own (iothread), ioeventfd, or a device passed \
         through; in the guest, keep the driver off its real-time CPUs",
    )
}

fn asleep(report: &HostReport) -> Option<Finding> {
    let taken = Taken::of(report, |cause, what| {
        cause == HostCause::VcpuStopped && what.starts_with("asleep in the kernel")
    })?;
    finding(
        "vcpus-asleep",
        Severity::Warning,
        format!("vCPUs slept in the host's kernel: {}.", taken.told()),
        "after npf or EPT_VIOLATION, memory was missing: use huge pages, or lock the guest's memory \
         (mem-lock, <memoryBacking><locked/>), and keep it from KSM and from swap",
    )
}

fn stopped(report: &HostReport) -> Option<Finding> {
    let taken = Taken::of(report, |cause, what| {
        cause == HostCause::VcpuStopped && !what.starts_with("asleep in the kernel")
    })?;
    finding(
        "vcpus-stopped",
        Severity::Warning,
        format!(
            "vCPUs were stopped for {}, at most {} at once: by a signal, a tracer, or the VMM.",
            length(taken.sum),
            length(taken.longest)
        ),
        "look who pauses guests: snapshots, backups, migrations, debuggers",
    )
}

/// The way from waking to running is what halt polling saves.
fn halts(report: &HostReport, root: &Root) -> Option<Finding> {
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
    finding(
        "slow-wake-ups",
        Severity::Info,
        format!(
            "vCPUs that were woken waited for an idle CPU: {} in all, at most {} at once; {polls}.",
            length(slept.sum),
            length(slept.longest)
        ),
        "raise halt_poll_ns of the module kvm, or poll in the guest (cpuidle_haltpoll, idle=poll); \
         limit idle states of these CPUs",
    )
}

fn ksm(report: &HostReport, root: &Root) -> Option<Finding> {
    if root.read_number::<u32>(KSM) != Ok(1) || report.guests.is_empty() {
        return None;
    }
    finding(
        "ksm",
        Severity::Warning,
        "The kernel merges equal pages of guests (KSM): a guest that writes to one waits while it \
         is copied, as exits npf or EPT_VIOLATION.",
        "write 2 to /sys/kernel/mm/ksm/run, or keep the guest out of it (mem-merge=off, \
         <nosharepages/>)",
    )
}

fn timer_migration(root: &Root) -> Option<Finding> {
    if root.read_number::<u32>(TIMER_MIGRATION) != Ok(1) {
        return None;
    }
    finding(
        "timer-migration",
        Severity::Info,
        "Timers of idle CPUs may move to busy ones, and a vCPU that does not halt keeps its CPU \
         busy.",
        "write 0 to /proc/sys/kernel/timer_migration",
    )
}

fn kvmclock(root: &Root) -> Option<Finding> {
    let set = root.read_label(KVMCLOCK, 8).ok()?;
    if !matches!(set.as_str(), "Y" | "1") {
        return None;
    }
    finding(
        "kvmclock-sync",
        Severity::Info,
        "KVM brings the clocks of all guests up to date every 300 s: each vCPU leaves its guest \
         for it.",
        "load kvm with kvmclock_periodic_sync=0 where guests use the TSC as their clock",
    )
}

fn no_guest_tsc(report: &HostReport) -> Option<Finding> {
    let reason = vcpus(report).find_map(|vcpu| vcpu.guest_tsc_reason.as_ref())?;
    finding(
        "guest-tsc-unknown",
        Severity::Info,
        format!(
            "How a guest's TSC runs against the host's could not be read ({reason}): hwgap explain \
             has to find it from the data."
        ),
        "",
    )
}

/// What a preflight says of the CPUs on which vCPUs were seen or may run.
fn of_preflight(
    report: &HostReport,
    root: &Root,
    host: &Host,
    machine: &MachineFacts,
) -> Vec<Finding> {
    let Ok(online) = &host.topology.sets.online else {
        return Vec::new();
    };
    let seen = vcpus(report).flat_map(|vcpu| &vcpu.absences);
    let seen = seen.flat_map(|absence| [Some(absence.cpu), absence.entered_on]);
    let pinned = vcpus(report)
        .filter_map(pinned)
        .filter(|list| list.len() == 1);
    let pinned: Vec<CpuList> = pinned.collect();
    let cpus: CpuList = (pinned.iter().flat_map(CpuList::iter))
        .chain(seen.flatten())
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
