//! What the observation could not see.

use super::vcpus;
use crate::model::absence::{Guest, HostReport, HostSource};
use crate::model::{Finding, Severity};
use crate::text::human::{chosen, counted, length};

pub(super) fn nested(report: &HostReport) -> Option<Finding> {
    let hypervisor = report.host.hypervisor.as_ref()?;
    Some(Finding::new(
        "host-is-guest",
        Severity::Warning,
        format!(
            "This host is itself a guest under {hypervisor}. When that takes its CPUs, no record \
             here shows it: the time is told as that of whatever was running, or is in no absence \
             at all."
        ),
        "run hwgap host on that host, too, or hwgap run in this one",
    ))
}

pub(super) fn lost(report: &HostReport) -> Option<Finding> {
    let lost = report.run.lost_records;
    let in_absences = vcpus(report).any(|vcpu| vcpu.absences.iter().any(|one| one.incomplete));
    (lost > 0).then(|| {
        Finding::new(
            "lost-records",
            Severity::Warning,
            format!(
                "{} of the kernel were lost{}. What was not seen is told as not-observed, and each \
                 vCPU has the times in its list.",
                counted(lost, "record"),
                match in_absences {
                    true => ", some within absences",
                    false => "",
                }
            ),
            "raise --threshold, watch one guest only, or run where BPF can be used",
        )
    })
}

pub(super) fn tracepoints(report: &HostReport) -> Option<Finding> {
    let run = &report.run;
    let why = run.source_reason.as_deref().unwrap_or("as asked for");
    (run.source == HostSource::Tracepoints).then(|| {
        Finding::new(
            "source-tracepoints",
            Severity::Info,
            format!(
                "Every record of the kernel was read, without BPF ({why}): at many exits a second \
                 that takes a good part of a CPU, and records may be lost."
            ),
            None,
        )
    })
}

pub(super) fn no_smis(report: &HostReport) -> Option<Finding> {
    report.smi_rises.is_none().then(|| {
        Finding::new(
            "smis-not-counted",
            Severity::Info,
            "SMIs cannot be counted on this host. On Intel's CPUs an SMI makes no exit: what it \
             takes is in no absence, or looks like KVM's own.",
            "on Intel's CPUs, as root: modprobe msr",
        )
    })
}

pub(super) fn left_out(report: &HostReport) -> Option<Finding> {
    let above = vcpus(report).filter_map(|vcpu| vcpu.listed_above_ns);
    Some(Finding::new(
        "absences-left-out",
        Severity::Info,
        format!(
            "There were too many absences to list: all are counted, and those above {} are listed.",
            length(above.max()?)
        ),
        "raise --threshold, or observe for a shorter time",
    ))
}

pub(super) fn unseen(report: &HostReport) -> Option<Finding> {
    let is_silent = |guest: &&Guest| {
        let mut vcpus = guest.vcpus.iter();
        vcpus.all(|vcpu| vcpu.absences_seen == 0 && vcpu.entries.unwrap_or(0) == 0)
    };
    let silent = report.guests.iter().filter(is_silent);
    let names: Vec<&str> = silent.map(|guest| guest.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        Finding::new(
            "guest-without-absences",
            Severity::Info,
            format!(
                "Of {} nothing was recorded: no vCPU was away for longer than {}, or it does not \
                 run.",
                names.join(", "),
                chosen(report.run.threshold_ns)
            ),
            None,
        )
    })
}

pub(super) fn no_guest_tsc(report: &HostReport) -> Option<Finding> {
    let reason = vcpus(report).find_map(|vcpu| vcpu.guest_tsc_reason.as_ref())?;
    Some(Finding::new(
        "guest-tsc-unknown",
        Severity::Info,
        format!(
            "How a guest's TSC runs against the host's could not be read ({reason}): hwgap explain \
             has to find it from the data."
        ),
        None,
    ))
}
