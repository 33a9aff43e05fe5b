//! The trees, and what several tests ask of them.

use std::path::{Path, PathBuf};

use hwgap::host::Host;
use hwgap::host::cpuid_facts::CpuidFacts;
use hwgap::host::kernel_log::TscLogEvent;
use hwgap::host::root::Root;

pub fn hosts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts")
}

pub fn host(name: &str) -> (Root, Host) {
    let folder = hosts().join(name);
    assert!(folder.is_dir(), "{} is missing", folder.display());
    let root = Root::at(folder);
    let host = Host::read(&root);
    (root, host)
}

pub fn cpuid(root: &Root) -> CpuidFacts {
    CpuidFacts::read(root).unwrap()
}

pub fn log_events(root: &Root) -> Vec<TscLogEvent> {
    root.read_text("dev/kmsg")
        .unwrap()
        .lines()
        .filter_map(TscLogEvent::classify)
        .collect()
}

pub fn tsc_dropped(host: &Host) -> bool {
    let flags = host.cpu_model.flags.as_ref().unwrap();
    host.clocksource.as_ref().unwrap().tsc_dropped(flags)
}
