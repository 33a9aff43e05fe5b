//! Virtual machines.

use hwgap::host::hypervisor::{Hypervisor, dmi_suggests_virtual_machine};
use hwgap::host::kernel::Preemption;
use hwgap::host::kernel_log::TscLogEvent;
use hwgap::host::permissions::Capability;
use hwgap::host::root::ReadError;
use hwgap::host::usable::UnusableCpu;
use hwgap::units::CpuId;

use super::trees::{cpuid, host, log_events, tsc_dropped};

#[test]
fn kvm_guest() {
    let (root, host) = host("kvm-guest");
    let facts = cpuid(&root);
    assert_eq!(facts.hypervisor(), Some(Hypervisor::Kvm));
    assert_eq!(facts.crystal.unwrap().tsc_rate(), None);
    assert!(matches!(
        host.identity.system.vendor,
        Err(ReadError::Missing { .. })
    ));
    assert!(matches!(
        host.kernel.modules,
        Err(ReadError::Missing { .. })
    ));
    assert!(matches!(
        host.smi_sources.core_pmu,
        Err(ReadError::Missing { .. })
    ));
    assert!(matches!(
        host.topology.sets.nohz_full,
        Err(ReadError::Missing { .. })
    ));
    assert_eq!(host.confinement.cpuset.as_ref().unwrap().to_string(), "0,1");
    assert!(host.clocksource.as_ref().unwrap().is_tsc() && !tsc_dropped(&host));
    assert_eq!(
        log_events(&root),
        [
            TscLogEvent::Rate { khz: 2_596_120 },
            TscLogEvent::Switched("kvm-clock".into()),
            TscLogEvent::Switched("tsc".into()),
        ]
    );
}

#[test]
fn hyperv_guest() {
    let (root, host) = host("hyperv-guest");
    assert_eq!(cpuid(&root).hypervisor(), Some(Hypervisor::HyperV));
    assert_eq!(
        dmi_suggests_virtual_machine(&host.identity),
        Some(Hypervisor::HyperV)
    );
    assert!(tsc_dropped(&host));
    assert_eq!(
        log_events(&root)[0],
        TscLogEvent::MarkedUnstable("running on Hyper-V".into())
    );
    assert_eq!(host.kernel.preemption, Ok(Preemption::VoluntaryOrNone));
    assert_eq!(host.permissions.perf_event_paranoid, Ok(4));
}

#[test]
fn vmware_guest_in_a_container() {
    let (root, host) = host("vmware-guest");
    assert_eq!(cpuid(&root).hypervisor(), Some(Hypervisor::Vmware));
    assert!(
        host.cpu_model
            .flags
            .as_ref()
            .unwrap()
            .about_tsc()
            .contains(&"tsc_reliable")
    );
    let sets = &host.topology.sets;
    let why = |cpu| host.confinement.why_not(sets, CpuId(cpu));
    assert_eq!(why(1), None);
    assert!(matches!(why(2), Some(UnusableCpu::OutsideCpuset { .. })));
    assert!(matches!(why(3), Some(UnusableCpu::Offline { .. })));
    assert!(matches!(why(4), Some(UnusableCpu::NotPresent { .. })));
    assert!(matches!(why(8), Some(UnusableCpu::NotPossible { .. })));
    assert_eq!(host.confinement.usable(sets).unwrap().to_string(), "0,1");
    let capabilities = host.permissions.capabilities.unwrap();
    assert!(!capabilities.grants(Capability::SysNice));
    assert!(!capabilities.grants(Capability::Perfmon));
}
