//! What host and guest could not observe.

use super::name;
use crate::explain::Side;
use crate::explain::guest_side::GuestSide;
use crate::explain::host_side::{Moment, unsigned};
use crate::explain::observed::OnHost;
use crate::explain::told::Told;
use crate::model::{EndedBy, Finding, Severity, cut_short};
use crate::text::{clean_text, human};
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Nanos};

/// Hypervisors that are not KVM and do not pass for it; KVM may show Hyper-V's
/// name.
const NOT_KVM: [&str; 6] = [
    "VMware",
    "bhyve",
    "ACRN",
    "Parallels",
    "VirtualBox",
    "QEMU (TCG)",
];

/// A share of the run that is not worth a finding.
const UNTOLD: f64 = 0.001;

pub(super) fn not_seen(guest: &GuestSide<'_>, side: &Side<'_>) -> Option<Finding> {
    let missing: Vec<CpuId> = (guest.cpus().into_iter())
        .filter(|cpu| side.host.vcpu(*cpu).is_none())
        .collect();
    (!missing.is_empty()).then(|| {
        Finding::new(
            "vcpu-not-seen",
            Severity::Warning,
            format!(
                "{} saw no vCPU, or several of one number, for the guest's {}.",
                name(side),
                CpuList::from_iter(missing).named()
            ),
            "choose the guest by --guest; observe it while its vCPUs run",
        )
    })
}

/// Which part of the run a host observed, where that is not the whole.
pub(super) fn observed(guest: &GuestSide<'_>, side: &Side<'_>) -> Option<Finding> {
    let cpus = guest.cpus().into_iter();
    let on_host = cpus.filter_map(|cpu| Some((cpu, OnHost::new(guest, side, cpu)?)));
    let (cpu, most_lost) = on_host.max_by_key(|(_, on)| on.lost)?;
    let observed = side.host.observed;
    let (run, share) = (most_lost.run, most_lost.within(observed));
    let length = run.1.saturating_sub(run.0);
    let lost = most_lost.lost as f64 / length.max(1) as f64;
    if share > 1.0 - UNTOLD && lost < UNTOLD {
        return None;
    }
    let since = |at: i64| human::length(unsigned(at.clamp(run.0, run.1).saturating_sub(run.0)));
    let from_to = match share > 0.0 {
        true => format!("from {} to {}", since(observed.0), since(observed.1)),
        false => "at no time".to_owned(),
    };
    let lost = match lost < UNTOLD {
        true => String::new(),
        false => format!(
            ", and its records of {} of that are missing for CPU {cpu}",
            human::length(unsigned(most_lost.lost))
        ),
    };
    Some(Finding::new(
        "run-not-observed",
        Severity::Warning,
        format!(
            "{} observed the guest's run {from_to} of {}{lost}: of the rest it knows nothing.",
            name(side),
            human::length(unsigned(length)),
        ),
        "begin hwgap host before the guest's run and end it after; with BPF, or above a higher \
         --threshold, it loses less",
    ))
}

/// A report that is no whole.
fn unfinished(of: &str, ended_by: EndedBy, elapsed: Nanos) -> Option<Finding> {
    let is_cut = matches!(ended_by, EndedBy::Error | EndedBy::Running);
    let how = cut_short(ended_by, elapsed, None).filter(|_| is_cut)?;
    Some(Finding::new(
        "run-unfinished",
        Severity::Warning,
        format!("The report of {of} is not that of a whole run: {how}."),
        "run it again to its end",
    ))
}

pub(super) fn of_host(side: &Side<'_>) -> Vec<Finding> {
    let (host, vcpus) = (name(side), &side.host.vcpus);
    let mut all = Vec::new();
    let run = &side.host.report.run;
    all.extend(unfinished(&host, run.ended_by, run.elapsed_ns));
    let records = run.lost_records;
    let times: u64 = vcpus.iter().map(|vcpu| vcpu.lost.len() as u64).sum();
    let lost = human::counted(records, "record");
    let at_times = human::counted(times, "time");
    let text = match (records, times) {
        (0, 0) => None,
        (_, 0) => Some(format!(
            "{host} lost {lost}, by its report none of this guest's vCPUs."
        )),
        (0, _) => Some(format!(
            "{host} may miss records of this guest's vCPUs at {at_times}: what of gaps then lies on \
             no absence is not-observed."
        )),
        (_, _) => Some(format!(
            "{host} lost {lost}, and may miss some of this guest's vCPUs at {at_times}: what of gaps \
             then lies on no absence is not-observed."
        )),
    };
    all.extend(text.map(|text| {
        Finding::new(
            "host-records-lost",
            Severity::Warning,
            text,
            "observe with BPF, or above a higher --threshold",
        )
    }));
    let mut left_out = vcpus.iter().map(|side| side.vcpu.listed_above_ns);
    if left_out.any(|above| above.is_some()) {
        all.push(Finding::new(
            "absences-not-listed",
            Severity::Info,
            format!("{host} lists the longest absences only: shorter gaps are not-observed."),
            "observe for a shorter time, or above a higher --threshold",
        ));
    }
    if let Some(below) = side.host.hypervisor() {
        all.push(Finding::new(
            "host-is-a-guest",
            Severity::Warning,
            format!(
                "{host} is itself a guest, of {}: the explanation reaches down to the KVM of {host} \
                 and no further. What lies below takes its time within all that {host} sees, so no \
                 cause is proved; where {host} sees no absence, it was the CPU or what lies below.",
                clean_text(below)
            ),
            "run hwgap host on the machine below, and explain this host's own run by it",
        ));
    }
    if !side.host.counts_smis(|_| true, Moment::MAX) {
        all.push(Finding::new(
            "no-smi-count",
            Severity::Info,
            format!(
                "{host} has no count of SMIs, or not of all CPUs to the end: where no absence explains a gap, an SMI and the CPU \
                 cannot be told apart."
            ),
            "on Intel: modprobe msr, and run hwgap host as root",
        ));
    }
    all
}

pub(super) fn of_guest(guest: &GuestSide<'_>, gaps: &[Told]) -> Vec<Finding> {
    let run = &guest.report.run;
    let mut all = Vec::new();
    all.extend(unfinished("the guest", run.ended_by, run.elapsed_ns));
    let outside = gaps.iter().filter(|one| one.gap.host.is_none()).count() as u64;
    if outside > 0 {
        all.push(Finding::new(
            "guest-not-observed",
            Severity::Warning,
            format!(
                "{} of the guest fell where no host, or more than one, shows that it ran there.",
                human::counted(outside, "gap")
            ),
            "give the report of each host that it ran on",
        ));
    }
    let hidden = guest.without_a_moment();
    if hidden > 0 || guest.is_traced() {
        all.push(Finding::new(
            "guest-gaps-without-moment",
            Severity::Warning,
            "The guest was sampled by a tracer of its kernel, which does not tell the moment of \
             each gap exactly.",
            "sample the guest with the user engine",
        ));
    }
    if guest.report.run.scripted {
        all.push(Finding::new(
            "synthetic",
            Severity::Critical,
            "SYNTHETIC: the guest's clock was a script, not a machine.",
            None,
        ));
    }
    all
}

/// What does not look like a guest's run: that of the host itself, or of a guest whose
/// hypervisor hides.
pub(super) fn no_guest(guest: &GuestSide<'_>) -> Option<Finding> {
    guest.report.host.hypervisor.is_none().then(|| {
        Finding::new(
            "guest-is-none",
            Severity::Warning,
            "The run does not look like a guest's: its report names no hypervisor, and its causes \
             are those of bare metal. That it passed says nothing of a guest.",
            "give the run in the guest, not that on its host; where the VMM hides itself from the \
             guest, show it while measuring (CPU flag hypervisor)",
        )
    })
}

/// What runs as a guest of something that is not KVM.
pub(super) fn other_hypervisor(guest: &GuestSide<'_>) -> Option<Finding> {
    let below = guest.report.host.hypervisor.as_deref()?;
    if below == "Xen" {
        return Some(Finding::new(
            "guest-on-xen",
            Severity::Warning,
            "The guest says that it runs under Xen, and hwgap host observes KVM. Under Xen a guest \
             can learn how long its vCPU was ready and did not run (steal time, by the hypervisor's \
             runstate), and nothing of who ran in its place; that Xen's own trace knows, in dom0 \
             (xentrace, xenalyze). What is explained here holds only if KVM stands in for Xen, which \
             the clocks must show.",
            "in dom0, trace the scheduler with xentrace and give the guest CPUs of its own",
        ));
    }
    NOT_KVM.contains(&below).then(|| {
        Finding::new(
            "guest-not-on-kvm",
            Severity::Warning,
            format!(
                "The guest says that it runs under {below}, and hwgap host observes KVM: check that \
                 the reports belong together."
            ),
            None,
        )
    })
}
