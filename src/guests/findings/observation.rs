//! What the observation could not see.

use std::collections::BTreeSet;

use super::vcpus;
use crate::model::absence::{Guest, HostReport, HostSource};
use crate::model::{Finding, Severity};
use crate::text::human::{counted, length};
use crate::units::Hertz;

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
                "The kernel lost {}{}. What was not seen is told as not-observed, and each \
                 vCPU has the times in its list.",
                counted(lost, "record"),
                match in_absences {
                    true => ", within absences as well",
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

pub(super) fn smis_unread(report: &HostReport) -> Option<Finding> {
    let unread = report.smis_unread.iter();
    let unread: Vec<String> = unread
        .map(|one| {
            let from = length(Hertz(report.tsc.hz).to_nanos(one.from_cycles));
            format!("of CPU {} from {from} on ({})", one.cpu, one.reason)
        })
        .collect();
    (!unread.is_empty()).then(|| {
        Finding::new(
            "smis-unread",
            Severity::Warning,
            format!(
                "The SMI count could not be read any more {}: there nothing tells an SMI from the \
                 CPU.",
                first_few(&unread)
            ),
            "leave CPUs online while they are observed",
        )
    })
}

/// The first of a list in words, and how many more there are.
fn first_few(all: &[String]) -> String {
    let shown = &all[..all.len().min(4)];
    match all.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
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

/// Times shorter than this share of the observation are told by the report alone.
const UNSEEN_SHARE: f64 = 1e-3;

pub(super) fn unseen(report: &HostReport) -> Option<Finding> {
    let elapsed = report.run.elapsed_ns;
    let all = report.guests.iter().flat_map(|guest| {
        let of = guest.vcpus.iter().filter_map(|vcpu| {
            let unseen = Hertz(report.tsc.hz).to_nanos(vcpu.unseen());
            let is_much = unseen.as_secs_f64() > elapsed.as_secs_f64() * UNSEEN_SHARE;
            let of = (&guest.name, vcpu.index, length(unseen), length(elapsed));
            is_much.then(|| format!("vCPU {1} of {0} for {2} of {3}", of.0, of.1, of.2, of.3))
        });
        of.collect::<Vec<String>>()
    });
    let all: Vec<String> = all.collect();
    (!all.is_empty()).then(|| {
        Finding::new(
            "vcpus-not-seen",
            Severity::Warning,
            format!(
                "Whether these vCPUs were in their guests is not known for a time: {}. Nothing \
                 recorded then tells that they entered or left.",
                first_few(&all)
            ),
            "see that the guest runs: one that is stopped or idle enters nothing",
        )
    })
}

/// Several guests of one process are one in the report.
pub(super) fn not_parted(report: &HostReport) -> Option<Finding> {
    let is_mixed = |guest: &&Guest| {
        let indexes: BTreeSet<u32> = guest.vcpus.iter().map(|vcpu| vcpu.index).collect();
        indexes.len() < guest.vcpus.len()
    };
    let guest = report.guests.iter().find(is_mixed)?;
    Some(Finding::new(
        "guests-not-parted",
        Severity::Warning,
        format!(
            "Process {} ({}) runs several guests, which are told as one here: vCPUs of the same \
             number are of different guests, and which threads belong together is not known.",
            guest.pid, guest.name
        ),
        "run each guest in a process of its own",
    ))
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
