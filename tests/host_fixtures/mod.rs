//! Reads each tree under `fixtures/hosts` as a machine.

mod arbitrary;
mod broken;
mod guests;
mod metal;
mod trees;

use hwgap::host::Host;
use hwgap::host::cpuid_facts::{Fred, TscRate};
use hwgap::host::hypervisor::dmi_suggests_virtual_machine;
use hwgap::host::root::Root;
use trees::{cpuid, host, hosts};

#[test]
fn every_whole_tree_agrees_with_its_cpuid_file() {
    let mut seen = 0;
    for entry in std::fs::read_dir(hosts()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "truncated-tree" {
            continue;
        }
        let (root, host) = host(&name);
        let facts = cpuid(&root);
        let cpu = host.cpu_model;
        assert_eq!(cpu.vendor.unwrap(), facts.vendor, "{name}");
        assert_eq!(cpu.family, Ok(facts.family), "{name}");
        assert_eq!(cpu.model, Ok(facts.model), "{name}");
        assert_eq!(cpu.stepping, Ok(facts.stepping), "{name}");
        let flags = cpu.flags.unwrap();
        assert_eq!(
            flags.has("hypervisor"),
            facts.hypervisor.is_some(),
            "{name}"
        );
        assert_eq!(
            flags.has("nonstop_tsc"),
            facts.tsc_rate == TscRate::Invariant,
            "{name}"
        );
        assert_eq!(facts.fred, Fred::Unsupported, "{name}");
        let dmi = dmi_suggests_virtual_machine(&host.identity);
        assert!(
            dmi.is_none() || dmi == facts.hypervisor(),
            "{name}: {dmi:?}"
        );
        assert!(
            host.kernel.release.unwrap().numbers().unwrap() > (5, 0),
            "{name}"
        );
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn the_running_machine_can_be_read() {
    let host = Host::read(&Root::live());
    assert!(!host.kernel.release.unwrap().as_str().is_empty());
    assert!(
        !host
            .confinement
            .usable(&host.topology.sets)
            .unwrap()
            .is_empty()
    );
}
