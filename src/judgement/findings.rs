//! What the reader should know or do, as data.

use crate::model::{CpuReport, EndedBy, Finding, Platform, Severity};
use crate::plan::Pauses;
use crate::sampler::{CpuTotals, Scheduling};
use crate::text::human::counted;

use super::{
    Case, clock_findings, guest_findings, indicator_findings, smi_findings, step_findings,
    tracer_findings, watch_findings,
};

/// Of one slice; `cpus` are the rows of all slices together.
pub fn findings(case: &Case<'_>, cpus: &[CpuReport]) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(checkpoint(case));
    all.extend(lost(case));
    all.extend(clock_findings::findings(case));
    all.extend(smi_findings::findings(case));
    all.extend(step_findings::findings(case));
    all.extend(watch_findings::findings(case));
    all.extend(tracer_findings::findings(case));
    all.extend(guest(case));
    all.extend(guest_findings::findings(case, cpus));
    all.extend(kernel_records_lost(case));
    all.extend(indicator_findings::findings(case));
    all.extend(machine_checks(case));
    all.extend(throttled(case));
    all.extend(preparation(case));
    all.extend(coverage(case));
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

/// A report that nothing replaced is all that a killed run left.
fn checkpoint(case: &Case<'_>) -> Option<Finding> {
    (case.collected.ended_by == EndedBy::Running).then(|| {
        Finding::new(
            "checkpoint",
            Severity::Warning,
            format!(
                "This is a checkpoint of an unfinished run{}. If that run has ended since, it was \
                 cut off: killed, or by a loss of power. What came after the checkpoint is not \
                 in it.",
                (case.plan.planned).map_or(String::new(), |planned| format!(
                    "; {planned} were asked for"
                ))
            ),
            None,
        )
    })
}

fn guest(case: &Case<'_>) -> Option<Finding> {
    let name = case.machine.hypervisor.as_ref()?;
    Some(Finding::new(
        "guest",
        Severity::Warning,
        format!(
            "This is a virtual machine under {name}. A stall seen here may come from the \
             hypervisor, from another guest, or from the hardware below; nothing here can tell \
             which, and the SMIs of the real machine cannot be counted."
        ),
        Some("to judge the hardware, run hwgap on the host itself"),
    ))
}

/// The kernel's ring was full: what it recorded then is not known.
fn kernel_records_lost(case: &Case<'_>) -> Option<Finding> {
    let lost = case.collected.kernel.totals.iter().map(|(_, lost)| lost);
    let count: u64 = lost.sum();
    (count > 0).then(|| {
        Finding::new(
            "kernel-records-lost",
            Severity::Warning,
            format!(
                "{} of what the kernel did were lost. They came faster than the collector could \
                 take them. Gaps of that time are of unknown cause unless the kernel did not run \
                 in them; times by source are too low.",
                counted(count, "record")
            ),
            Some("leave the collector a CPU of its own, or take load off the sampled CPUs"),
        )
    })
}

/// A machine check is the hardware's own complaint.
fn machine_checks(case: &Case<'_>) -> Option<Finding> {
    let masked = case.collected.totals.iter().filter_map(|cpu| cpu.masked);
    let count: u64 = masked.map(|masked| masked.machine_checks).sum();
    (count > 0).then(|| {
        Finding::new(
            "machine-checks",
            Severity::Warning,
            format!("{count} machine check(s) came while the sampled CPUs had interrupts off."),
            Some("read what they report: ras-mc-ctl --errors, or the kernel log"),
        )
    })
}

fn throttled(case: &Case<'_>) -> Option<Finding> {
    let count: u64 = case.collected.cpus.iter().map(|cpu| cpu.throttled).sum();
    (count > 0).then(|| {
        Finding::new(
            "rt-throttling",
            Severity::Info,
            format!(
                "Real-time throttling caused {}. The scheduler's bound on real-time tasks (RT \
                 throttling, or the fair server from Linux 6.12) holds a busy sampler back for \
                 some 50 ms in each second. Such gaps are the kernel's, never the hardware's, and \
                 are not covered.",
                counted(count, "gap")
            ),
            Some(
                "keep other tasks off the sampled CPUs; or, at the risk of a frozen machine, write \
                 -1 to /proc/sys/kernel/sched_rt_runtime_us for the time of the run",
            ),
        )
    })
}

fn preparation(case: &Case<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    let refused = case
        .collected
        .setups
        .iter()
        .find_map(|setup| match &setup.scheduling {
            Scheduling::Ordinary(reason) => Some(reason),
            Scheduling::Fifo(_) | Scheduling::Scripted => None,
        });
    if let Some(reason) = refused {
        all.push(Finding::new(
            "no-realtime-priority",
            Severity::Warning,
            format!(
                "The samplers ran without real-time priority. Other tasks could displace them \
                 ({reason}). Such gaps are told apart as the kernel's, but that time is not \
                 covered."
            ),
            Some("run as root or with CAP_SYS_NICE, or raise RLIMIT_RTPRIO (ulimit -r)"),
        ));
    }
    if let Err(reason) = &case.preparation.memory {
        all.push(Finding::new(
            "memory-not-locked",
            Severity::Info,
            format!("Memory could not be locked ({reason}): page faults are possible in the run."),
            Some("run as root or with CAP_IPC_LOCK, or raise RLIMIT_MEMLOCK (ulimit -l)"),
        ));
    }
    if let Err(reason) = &case.preparation.dma_latency {
        all.push(Finding::new(
            "idle-states-not-held",
            Severity::Info,
            format!(
                "Deep idle states could not be held off ({reason}). The sampled CPUs are never \
                 idle, but their siblings and the package may be."
            ),
            Some("run as root, or give write access to /dev/cpu_dma_latency"),
        ));
    }
    all
}

fn coverage(case: &Case<'_>) -> Option<Finding> {
    (case.plan.pauses == Pauses::ForOthers).then(|| {
        Finding::new(
            "sampling-pauses",
            Severity::Info,
            format!(
                "Sampling pauses for other tasks: {} of each {} are sampled. No CPU is left for \
                 them otherwise.",
                case.plan.width, case.plan.window
            ),
            Some("--width 1s --window 1s samples without a pause"),
        )
    })
}

fn lost(case: &Case<'_>) -> Vec<Finding> {
    let totals = &case.collected.totals;
    let sum = |count: fn(&CpuTotals) -> u64| -> u64 { totals.iter().map(count).sum() };
    let mut all = Vec::new();
    for cpu in totals {
        if let Some(reason) = cpu.ended_early {
            all.push(Finding::new(
                "cpu-lost",
                Severity::Critical,
                format!(
                    "CPU {}: {reason}. What was sampled until then is in the result.",
                    cpu.cpu
                ),
                Some("keep the CPU online and in this process's cpuset for the whole run"),
            ));
        }
    }
    let dropped = sum(|cpu| cpu.gaps_dropped);
    if dropped > 0 {
        all.push(Finding::new(
            "records-lost",
            Severity::Critical,
            format!(
                "The records of {} were lost, {} of them with the kernel running. They came faster \
                 than the collector could take them. Their number, their lengths \
                 in the histogram and the longest gap are exact.",
                counted(dropped, "gap"),
                sum(|cpu| cpu.gaps_dropped_kernel_ran)
            ),
            Some("raise --threshold, or leave the collector a CPU of its own"),
        ));
    }
    let left_out = case.collected.left_out;
    let kept = case.collected.cpus.iter().map(|cpu| &cpu.gaps);
    let unlisted: usize = kept.map(|gaps| gaps.len() - gaps.listed().count()).sum();
    let open = left_out.open + unlisted as u64;
    if open > 0 {
        all.push(Finding::new(
            "short-gaps-left-out",
            Severity::Info,
            format!(
                "{} that count against the limit, or have a part that is not known, are counted \
                 but not listed: the longest are.",
                counted(open, "shorter gap")
            ),
            Some("raise --threshold, or list more with --keep-gaps"),
        ));
    }
    if left_out.explained > 0 {
        all.push(Finding::new(
            "os-gaps-left-out",
            Severity::Info,
            format!(
                "{} that this kernel explains are counted but not listed: the longest are, and a \
                 sample of the others. Counts, sums and histograms hold them all.",
                counted(left_out.explained, "gap")
            ),
            Some("list all with --keep-gaps all"),
        ));
    }
    if case.machine.platform() == Platform::BareMetal && sum(|cpu| cpu.silent_clears) > 0 {
        all.push(Finding::new(
            "silent-kernel-entries",
            Severity::Info,
            format!(
                "The kernel had run without a delta above the trip level. A stall in \
                 the same tenth of a millisecond would have been taken for the kernel's. This \
                 happened {}.",
                counted(sum(|cpu| cpu.silent_clears), "time")
            ),
            None,
        ));
    }
    all
}
