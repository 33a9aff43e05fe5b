//! What host and guest could not observe.

use super::name;
use crate::explain::Side;
use crate::explain::guest_side::GuestSide;
use crate::explain::host_side::Moment;
use crate::explain::told::Told;
use crate::model::{Finding, Severity};
use crate::text::{clean_text, human};

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

/// CPUs that a finding names.
const NAMED: usize = 8;

pub(super) fn not_seen(guest: &GuestSide<'_>, side: &Side<'_>) -> Option<Finding> {
    let missing: Vec<String> = (guest.cpus().into_iter())
        .filter(|cpu| side.host.vcpu(*cpu).is_none())
        .take(NAMED)
        .map(|cpu| cpu.to_string())
        .collect();
    (!missing.is_empty()).then(|| {
        Finding::new(
            "vcpu-not-seen",
            Severity::Warning,
            format!(
                "{} saw no vCPU, or several of one number, for the guest's CPU {}.",
                name(side),
                missing.join(", ")
            ),
            "choose the guest by --guest; observe it while its vCPUs run",
        )
    })
}

pub(super) fn of_host(side: &Side<'_>) -> Vec<Finding> {
    let (host, vcpus) = (name(side), &side.host.vcpus);
    let mut all = Vec::new();
    let records = side.host.report.run.lost_records;
    let times: u64 = vcpus.iter().map(|vcpu| vcpu.lost.len() as u64).sum();
    if records > 0 || times > 0 {
        all.push(Finding::new(
            "host-records-lost",
            Severity::Warning,
            format!(
                "{host} lost {}, and may have none of {} of this guest's vCPUs: what of gaps then \
                 lies on no absence is not-observed.",
                human::counted(records, "record"),
                human::counted(times, "time")
            ),
            "observe with BPF, or above a higher --threshold",
        ));
    }
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
    if !side.host.counts_smis(&[], Moment::MAX) {
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
    let mut all = Vec::new();
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
