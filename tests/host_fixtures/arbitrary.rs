//! No reader of the host panics or hangs, whatever the files hold.

use std::fs;
use std::path::Path;

use hwgap::host::Host;
use hwgap::host::cpuid_facts::CpuidFacts;
use hwgap::host::debugfs::Debugfs;
use hwgap::host::hypervisor::{Hypervisor, dmi_suggests_virtual_machine};
use hwgap::host::kernel_log::TscLogEvent;
use hwgap::host::power::CpuPower;
use hwgap::host::realtime::fair_server;
use hwgap::host::root::Root;
use hwgap::host::text::clean;
use hwgap::host::topology::core_siblings;
use hwgap::units::CpuId;
use proptest::collection::vec;
use proptest::prelude::*;

/// Files that readers open, each with a form that they accept.
const FILES: [(&str, &str); 28] = [
    (
        "cpuid",
        "vendor = x\nfamily = 6\nhypervisor = \"KVM\"\nleaf_15h = 1 2 3\n",
    ),
    (
        "proc/cpuinfo",
        "vendor_id : x\nmodel : 4\nflags : tsc fpu\n\n",
    ),
    ("proc/cmdline", "ro a=\"b c\" isolcpus=1 -- x\n"),
    ("proc/modules", "msr 1 0 - Live 0x0\n"),
    (
        "proc/self/status",
        "CapEff:\t0ff\nCpus_allowed_list:\t0-3\n",
    ),
    ("proc/self/cgroup", "3:cpuset:/a/b\n0::/a/b\n"),
    ("proc/sys/kernel/hostname", "host\n"),
    ("proc/sys/kernel/osrelease", "6.12.0\n"),
    ("proc/sys/kernel/version", "#1 SMP PREEMPT_RT\n"),
    ("proc/sys/kernel/perf_event_paranoid", "-1\n"),
    ("proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
    ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
    ("sys/class/dmi/id/sys_vendor", "QEMU\n"),
    ("sys/fs/cgroup/a/cpuset.cpus.effective", "0-3\n"),
    ("sys/kernel/realtime", "1\n"),
    ("sys/kernel/security/lockdown", "[none] integrity\n"),
    (
        "sys/kernel/debug/sched/fair_server/cpu0/runtime",
        "50000000\n",
    ),
    (
        "sys/kernel/debug/sched/fair_server/cpu0/period",
        "1000000000\n",
    ),
    ("sys/devices/system/cpu/possible", "0-3\n"),
    ("sys/devices/system/cpu/online", "0-2,3\n"),
    ("sys/devices/system/cpu/smt/active", "1\n"),
    ("sys/devices/system/cpu/cpufreq/boost", "1\n"),
    ("sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "12\n"),
    (
        "sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
        "0,1\n",
    ),
    ("sys/devices/system/node/node0/cpulist", "0-3\n"),
    (
        "sys/devices/system/clocksource/clocksource0/available_clocksource",
        "tsc hpet\n",
    ),
    ("sys/bus/event_source/devices/msr/type", "9\n"),
    (
        "sys/bus/event_source/devices/msr/events/smi",
        "event=0x04\n",
    ),
];

/// What a file may hold: any bytes, the characters that parsers look for, or
/// a good form that was cut or had a byte changed.
fn content(good: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let size = good.len();
    prop_oneof![
        vec(any::<u8>(), 0..200),
        "[0-9a-fx,:=/ \"\\[\\]#.\n\t-]{0,80}".prop_map(String::into_bytes),
        (0..=size).prop_map(move |end| good.as_bytes()[..end].to_vec()),
        (0..size, any::<u8>()).prop_map(move |(at, byte)| {
            let mut bytes = good.as_bytes().to_vec();
            bytes[at] = byte;
            bytes
        }),
    ]
}

fn tree() -> impl Strategy<Value = Vec<Vec<u8>>> {
    FILES
        .iter()
        .map(|(_, good)| content(good))
        .collect::<Vec<_>>()
}

fn write(folder: &Path, contents: &[Vec<u8>]) {
    for ((name, _), bytes) in FILES.iter().zip(contents) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_tree_makes_a_reader_panic(contents in tree()) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &contents);
        let root = Root::at(folder.path());
        let host = Host::read(&root);
        for cpu in [0, 3, 4_000_000_000].map(CpuId) {
            let _ = host.confinement.why_not(&host.topology.sets, cpu);
            let _ = host.topology.node_of(cpu);
            let _ = CpuPower::read(&root, cpu);
            let _ = (fair_server(&Debugfs::find(&root), cpu), core_siblings(&root, cpu));
        }
        let _ = host.confinement.usable(&host.topology.sets);
        let _ = dmi_suggests_virtual_machine(&host.identity);
        let _ = CpuidFacts::read(&root).map(|facts| facts.hypervisor());
        if let Ok(release) = &host.kernel.release {
            let _ = release.numbers();
        }
        // Whatever is kept for display must be safe to show.
        for text in [host.identity.hostname, host.identity.system.vendor].into_iter().flatten() {
            prop_assert!(!text.is_empty() && !text.contains(char::is_control));
        }
    }

    #[test]
    fn cpuid_facts_take_any_text(text in "[a-z_0-9= \"\n#]{0,120}|\\PC{0,60}") {
        let _ = CpuidFacts::parse(&text);
    }

    #[test]
    fn cleaned_text_is_bounded_and_harmless(text in any::<String>(), longest in 0_usize..64) {
        let once = clean(&text, longest);
        prop_assert!(once.chars().count() <= longest);
        prop_assert!(!once.contains(char::is_control));
        prop_assert_eq!(clean(&once, longest), once.trim());
    }

    #[test]
    fn any_log_line_is_classified(
        line in "(tsc: Detected |Marking TSC unstable due to|TSC ADJUST: )?[0-9. MHz]{0,40}\\PC{0,20}",
    ) {
        if let Some(event) = TscLogEvent::classify(&line) {
            prop_assert!(!event.to_string().contains(char::is_control));
        }
    }

    #[test]
    fn any_signature_has_a_name(signature in any::<[u8; 12]>()) {
        let name = Hypervisor::from_signature(signature).to_string();
        prop_assert!(!name.is_empty() && !name.contains(char::is_control));
    }
}
