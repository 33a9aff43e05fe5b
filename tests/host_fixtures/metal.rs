//! Machines without a hypervisor.

use hwgap::host::debugfs::Debugfs;
use hwgap::host::kernel::{Lockdown, Preemption};
use hwgap::host::kernel_log::TscLogEvent;
use hwgap::host::modules::ModuleRole;
use hwgap::host::permissions::Capability;
use hwgap::host::power::{CpuPower, IdleEntry, Turbo};
use hwgap::host::realtime::{Throttling, fair_server};
use hwgap::host::root::ReadError;
use hwgap::host::smi_source::msr_device;
use hwgap::host::topology::{NodeId, Smt, core_siblings};
use hwgap::host::usable::UnusableCpu;
use hwgap::units::{CpuId, Hertz, Nanos};

use super::trees::{cpuid, host, log_events, tsc_dropped};

#[test]
fn bare_metal_intel() {
    let (root, host) = host("bare-metal-intel");
    assert_eq!(host.identity.hostname.unwrap(), "intel-server");
    assert_eq!(host.identity.system.name.unwrap(), "PowerEdge R360");
    assert!(matches!(
        host.identity.system.version,
        Err(ReadError::Malformed { .. })
    ));
    assert_eq!(host.identity.bios.release.unwrap(), "2.1");
    assert_eq!(host.identity.serials.system.unwrap(), "FX00001");
    assert_eq!(host.cpu_model.microcode.unwrap(), "0x12f");

    let line = host.kernel.command_line.unwrap();
    assert_eq!(
        line.values("dyndbg").collect::<Vec<_>>(),
        [Some("file drivers/acpi/* +p")]
    );
    assert_eq!(host.kernel.preemption, Ok(Preemption::Dynamic));
    assert_eq!(host.kernel.lockdown, Ok(Lockdown::None));
    let modules = host.kernel.modules.unwrap();
    let smi: Vec<&str> = modules
        .iter()
        .filter(|m| m.role == ModuleRole::RaisesSmis)
        .map(|m| m.name)
        .collect();
    assert_eq!(smi, ["dcdbas", "dell_smbios"]);

    let pmu = host.smi_sources.msr_pmu.unwrap();
    assert_eq!((pmu.pmu_type, pmu.smi_config), (10, Ok(4)));
    assert_eq!(host.smi_sources.core_pmu.unwrap().pmu_type, 4);
    assert!(
        msr_device(&root, CpuId(3))
            .unwrap()
            .ends_with("dev/cpu/3/msr")
    );
    assert!(matches!(
        msr_device(&root, CpuId(4)),
        Err(ReadError::Missing { .. })
    ));

    let server = Throttling::On {
        runtime: Nanos(50_000_000),
        period: Nanos::SECOND,
    };
    assert_eq!(fair_server(&Debugfs::find(&root), CpuId(0)), Ok(server));
    assert_eq!(host.power.turbo, Ok(Turbo::Allowed));
    let power = CpuPower::read(&root, CpuId(2));
    assert_eq!(power.governor.unwrap(), "powersave");
    let deepest = power.idle_states.unwrap().pop().unwrap();
    assert_eq!(
        (deepest.name.as_str(), deepest.exit_latency),
        ("C6", Nanos(170_000))
    );

    assert_eq!(host.permissions.perf_event_paranoid, Ok(3));
    assert!(
        host.permissions
            .capabilities
            .unwrap()
            .grants(Capability::SysRawio)
    );
    assert_eq!(
        cpuid(&root).crystal.unwrap().tsc_rate(),
        Some(Hertz(3_417_600_000.0))
    );
    assert_eq!(
        host.clocksource.unwrap().available,
        ["tsc", "hpet", "acpi_pm"]
    );
}

#[test]
fn bare_metal_amd() {
    let (root, host) = host("bare-metal-amd");
    assert!(matches!(
        host.identity.serials.uuid,
        Err(ReadError::Missing { .. })
    ));
    assert_eq!(host.topology.smt, Ok(Smt::Active));
    assert_eq!(core_siblings(&root, CpuId(1)).unwrap().to_string(), "1,5");
    assert_eq!(host.kernel.lockdown, Ok(Lockdown::Integrity));
    let pmu = host.smi_sources.msr_pmu.unwrap();
    assert!(matches!(pmu.smi_config, Err(ReadError::Missing { .. })));
    assert!(
        !host
            .permissions
            .capabilities
            .unwrap()
            .grants(Capability::SysNice)
    );
    assert_eq!(host.power.turbo, Ok(Turbo::Allowed));
    let states = CpuPower::read(&root, CpuId(7)).idle_states.unwrap();
    assert_eq!(states[2].entry, IdleEntry::Disabled);
    assert_eq!(cpuid(&root).crystal, None);
}

#[test]
fn isolated_cpus_are_usable_though_outside_the_mask() {
    let (root, host) = host("isolated-cpus");
    let sets = &host.topology.sets;
    assert_eq!(sets.isolated.as_ref().unwrap().to_string(), "2-7");
    assert_eq!(sets.nohz_full.as_ref().unwrap().to_string(), "2-7");
    assert_eq!(
        host.confinement.allowed.as_ref().unwrap().to_string(),
        "0,1"
    );
    assert_eq!(host.confinement.usable(sets).unwrap().to_string(), "0-7");
    assert_eq!(host.kernel.preemption, Ok(Preemption::Realtime));
    assert_eq!(host.rt_throttling, Ok(Throttling::Off));
    assert_eq!(
        fair_server(&Debugfs::find(&root), CpuId(2)),
        Ok(Throttling::Off)
    );
    assert!(matches!(
        fair_server(&Debugfs::find(&root), CpuId(0)),
        Err(ReadError::Missing { .. })
    ));
    assert_eq!(host.power.turbo, Ok(Turbo::Off));
    assert_eq!(cpuid(&root).crystal.unwrap().tsc_rate(), None);
}

#[test]
fn big_machine_beyond_1024_cpus() {
    let (root, host) = host("big-machine");
    let sets = &host.topology.sets;
    assert_eq!(sets.present.as_ref().unwrap().len(), 2_048);
    assert_eq!(host.topology.node_of(CpuId(1_087)), Some(NodeId(0)));
    assert_eq!(host.topology.node_of(CpuId(1_088)), Some(NodeId(1)));
    assert_eq!(host.topology.node_of(CpuId(2_048)), None);
    // Node 10 sorts after node 9, not after node 1.
    assert_eq!(host.topology.nodes.as_ref().unwrap()[10].id, NodeId(10));
    assert_eq!(
        core_siblings(&root, CpuId(1_024)).unwrap().to_string(),
        "0,1024"
    );
    assert_eq!(host.confinement.why_not(sets, CpuId(2_000)), None);
    let offline = Some(UnusableCpu::Offline { cpu: CpuId(2_047) });
    assert_eq!(host.confinement.why_not(sets, CpuId(2_047)), offline);
    assert_eq!(host.confinement.usable(sets).unwrap().len(), 2_047);
}

#[test]
fn hpet_clocksource() {
    let (root, host) = host("hpet-clocksource");
    assert!(tsc_dropped(&host));
    assert_eq!(host.clocksource.unwrap().current, "hpet");
    assert_eq!(host.power.turbo, Ok(Turbo::Off));
    let events = log_events(&root);
    assert_eq!(
        events[2..],
        [
            TscLogEvent::FailedWatchdog,
            TscLogEvent::MarkedUnstable("clocksource watchdog".into()),
            TscLogEvent::Switched("hpet".into()),
        ]
    );
}
