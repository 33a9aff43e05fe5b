//! Trees that no kernel would show.

use std::fs;

use hwgap::host::cpuid_facts::CpuidFacts;
use hwgap::host::power::CpuPower;
use hwgap::host::root::{ReadError, Root};
use hwgap::host::topology::core_siblings;
use hwgap::units::CpuId;

use super::trees::host;

#[test]
fn a_broken_tree_gives_reasons_and_no_values() {
    let (root, host) = host("truncated-tree");
    let malformed = |error: ReadError| matches!(error, ReadError::Malformed { .. });
    let other = |error: ReadError| matches!(error, ReadError::Other { .. });
    let missing = |error: ReadError| matches!(error, ReadError::Missing { .. });

    assert!(malformed(CpuidFacts::read(&root).unwrap_err()));
    assert_eq!(
        host.identity.hostname.unwrap(),
        "\u{fffd}]0;owned\u{fffd}host\u{fffd}"
    );
    assert!(malformed(host.identity.system.vendor.unwrap_err()));
    assert_eq!(
        host.identity.system.name.unwrap(),
        "Box\u{fffd}\u{fffd}\u{fffd}"
    );
    assert_eq!(host.identity.bios.version.unwrap().chars().count(), 128);
    assert!(missing(host.identity.bios.vendor.unwrap_err()));

    assert_eq!(host.cpu_model.model, Ok(143));
    assert!(malformed(host.cpu_model.family.unwrap_err()));
    assert!(malformed(host.cpu_model.flags.unwrap_err()));

    assert!(malformed(host.kernel.release.unwrap_err()));
    assert!(malformed(host.kernel.preemption.unwrap_err()));
    assert!(malformed(host.kernel.lockdown.unwrap_err()));
    assert!(other(host.kernel.modules.unwrap_err()));
    assert!(host.kernel.command_line.unwrap().has("dyndbg"));

    let sets = &host.topology.sets;
    assert_eq!(sets.possible.as_ref().unwrap().len(), 4);
    assert!(other(sets.present.clone().unwrap_err()));
    assert!(malformed(sets.online.clone().unwrap_err()));
    assert!(missing(sets.isolated.clone().unwrap_err()));
    assert!(sets.nohz_full.as_ref().unwrap().is_empty());
    assert!(malformed(host.topology.smt.unwrap_err()));
    assert!(malformed(host.topology.nodes.unwrap_err()));
    assert!(malformed(core_siblings(&root, CpuId(0)).unwrap_err()));
    assert!(malformed(host.confinement.allowed.clone().unwrap_err()));
    assert!(malformed(host.confinement.cpuset.clone().unwrap_err()));
    assert_eq!(host.confinement.why_not(sets, CpuId(3)), None);
    assert!(malformed(host.confinement.usable(sets).unwrap_err()));

    assert!(malformed(host.clocksource.unwrap_err()));
    assert!(malformed(
        host.smi_sources.msr_pmu.unwrap().smi_config.unwrap_err()
    ));
    assert!(malformed(host.smi_sources.core_pmu.unwrap_err()));
    assert!(malformed(host.rt_throttling.unwrap_err()));
    assert!(malformed(host.power.turbo.unwrap_err()));
    assert!(missing(
        CpuPower::read(&root, CpuId(0)).idle_states.unwrap_err()
    ));
    assert!(malformed(host.permissions.perf_event_paranoid.unwrap_err()));
    assert!(malformed(host.permissions.capabilities.unwrap_err()));
}

#[test]
fn a_refused_file_is_denied() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, "1\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is refused to root; the unit tests of the root cover that case.
    let expected = match fs::read(&file) {
        Ok(_) => Ok(1),
        Err(_) => Err(ReadError::Denied {
            path: file.to_string_lossy().into_owned(),
        }),
    };
    assert_eq!(
        Root::at(folder.path()).read_number::<u32>("secret"),
        expected
    );
}
