//! How the guests were observed, and how to read what is told of them.

use crate::model::absence::{Guest, HostReport, HostSource};
use crate::text::human;

pub(super) fn observed(report: &HostReport) -> Vec<(&'static str, String)> {
    let (run, host) = (&report.run, &report.host);
    let guest = |guest: &Guest| {
        let vmm = guest
            .vmm
            .as_ref()
            .map_or(String::new(), |vmm| format!(" of {vmm}"));
        format!("{} (process {}{vmm})", guest.name, guest.pid)
    };
    let guests: Vec<String> = report.guests.iter().map(guest).collect();
    let records = match run.source {
        HostSource::Bpf => String::from("BPF programs, above the threshold"),
        HostSource::Tracepoints => match &run.source_reason {
            Some(reason) => format!("tracepoints, every record ({reason})"),
            None => String::from("tracepoints, every record"),
        },
    };
    let used = match run.hooks_ns {
        Some(hooks) => format!(
            "{} of CPU time, and {} in the kernel's hooks",
            human::length(run.used_ns),
            human::length(hooks)
        ),
        None => format!(
            "{} of CPU time beside the kernel's hooks",
            human::length(run.used_ns)
        ),
    };
    let mut facts = vec![
        ("Guests", guests.join(", ")),
        ("From", run.started_utc.clone()),
        ("For", human::length(run.elapsed_ns)),
        (
            "Absences",
            format!("above {}", human::chosen(run.threshold_ns)),
        ),
        ("Records", records),
        ("Lost", human::counted(run.lost_records, "record")),
        ("Clock", format!("to {}", human::length(run.clock_error_ns))),
        ("Took", used),
        (
            "SMIs",
            match &report.smi_rises {
                None => String::from("cannot be counted here"),
                Some(rises) => {
                    let count = rises.iter().map(|rise| u64::from(rise.count));
                    let seen = human::counted(count.fold(0, u64::saturating_add), "SMI");
                    match report.smis_unread.len() as u64 {
                        0 => seen,
                        cpus => {
                            format!("{seen}; of {} not to the end", human::counted(cpus, "CPU"))
                        }
                    }
                }
            },
        ),
    ];
    for (name, value) in [
        ("Processor", &host.cpu.model_name),
        ("Kernel", &host.kernel.release),
        ("Guest of", &host.hypervisor),
    ] {
        facts.extend(value.clone().map(|value| (name, value)));
    }
    facts
}

pub(super) fn reading(report: &HostReport) -> Vec<String> {
    let mut points = vec![
        "An absence is the time from an exit from the guest to the next entry of the same vCPU. \
         Its parts add up to it; the table of causes sums them up, halts last, as they are the \
         guest's own."
            .to_owned(),
        "host-task ran in the vCPU's place while it was ready; vcpu-migrated is the time in which \
         it was ready and nothing ran, or it was on its way to another CPU; vcpu-stopped is sleep \
         that is no halt; not-observed is time whose records are missing; vmm is the VMM, and KVM on the way \
         back from it, which no record parts."
            .to_owned(),
        "After an exit for an interrupt, the way in and out is told as that interrupt's. The \
         kernel's hooks are part of what they measure."
            .to_owned(),
    ];
    if report
        .guests
        .iter()
        .flat_map(|guest| &guest.vcpus)
        .any(|vcpu| vcpu.listed_above_ns.is_some())
    {
        points.push("Not all absences are listed: the sums hold all of them.".to_owned());
    }
    points
}
