//! What whoever runs the host should know or do: by what was seen of its vCPUs, by
//! its settings, and by what a preflight says of the CPUs that they run on.

mod absences;
mod observation;
mod settings;

use super::fold::Fold;
use crate::evidence::MachineFacts;
use crate::host::Host;
use crate::host::root::Root;
use crate::model::Finding;
use crate::model::absence::{HostReport, Vcpu};

/// All findings, the gravest first.
pub fn findings(
    report: &HostReport,
    fold: &Fold,
    root: &Root,
    host: &Host,
    machine: &MachineFacts,
) -> Vec<Finding> {
    let mut all: Vec<Finding> = [
        observation::nested(report),
        observation::lost(report),
        observation::tracepoints(report),
        observation::no_smis(report),
        observation::smis_unread(report),
        observation::left_out(report),
        observation::unseen(report),
        observation::not_parted(report),
        absences::of(report, &absences::TASKS),
        absences::vmm_threads(report, fold, root),
        settings::not_pinned(report),
        settings::shared_cpus(report),
        absences::of(report, &absences::INTERRUPTS),
        absences::of(report, &absences::DEVICES),
        absences::of(report, &absences::ASLEEP),
        absences::stopped(report),
        absences::slow_wake_ups(report, root),
        settings::ksm(report, root),
        settings::timer_migration(root),
        settings::kvmclock(root),
        observation::no_guest_tsc(report),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.extend(settings::of_preflight(report, root, host, machine));
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

fn vcpus(report: &HostReport) -> impl Iterator<Item = &Vcpu> {
    report.guests.iter().flat_map(|guest| &guest.vcpus)
}
