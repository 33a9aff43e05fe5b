//! Recorded and made-up machines, as they are and spoiled.

use std::path::Path;

use super::{SCHEMA, copy, effect, json, of_host, text, tree};

#[test]
fn host_trees_give_the_golden_texts_and_their_exit_status() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, status) in [
        ("bare-metal-amd", 1),
        ("bare-metal-intel", 1),
        ("big-machine", 1),
        ("hpet-clocksource", 3),
        ("hyperv-guest", 1),
        ("isolated-cpus", 0),
        ("kvm-guest", 1),
        ("vmware-guest", 1),
    ] {
        let verbose = text(&of_host(&tree(name), &["--verbose"]));
        let output = of_host(&tree(name), &[]);
        let text = text(&output);
        assert!(text.lines().count() <= 40, "{name}:\n{text}");
        let usable = of_host(&tree(name), &["--require", "usable"]);
        let of_usable = if status == 3 { 3 } else { 0 };
        assert_eq!(usable.status.code(), Some(of_usable), "{name}");
        assert_eq!(output.status.code(), Some(status), "{name}:\n{text}");
        for line in text.lines() {
            assert!(line.len() <= 80, "{name}, {} columns: {line}", line.len());
            assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line:?}");
        }
        for (name, text) in [
            (name.to_owned(), &text),
            (format!("{name}-verbose"), &verbose),
        ] {
            let file = golden.join(format!("preflight-{name}.txt"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&file, text).unwrap();
            }
            let wanted = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(
                *text == wanted,
                "{name} differs from its golden file:\n{text}"
            );
        }
    }
}

#[test]
fn the_json_says_the_same_with_all_evidence() {
    let output = of_host(&tree("bare-metal-intel"), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    assert_eq!(report["schema"], SCHEMA);
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["plan"]["cpus"], "1-3");
    assert_eq!(report["plan"]["tried"], false);
    assert_eq!(report["verdict"]["result"], "will-be-disturbed");
    let findings = report["findings"].as_array().unwrap();
    let disturbing = findings.iter().filter(|one| one["effect"] == "disturbs");
    assert_eq!(report["verdict"]["disturbances"], disturbing.count());
    let irq = findings
        .iter()
        .find(|one| one["id"] == "irq-affinity")
        .unwrap();
    assert_eq!(
        irq["evidence"][0]["source"],
        "/proc/irq/125/effective_affinity_list"
    );
    assert_eq!(irq["evidence"][0]["said"], "1");
    for finding in findings {
        let id = &finding["id"];
        assert!(!finding["evidence"].as_array().unwrap().is_empty(), "{id}");
        if finding["effect"] == "disturbs" {
            assert!(finding["consequence"].is_string(), "{id}");
            assert!(finding["remedy"].is_string(), "{id}");
        }
    }
    let whole = String::from_utf8(output.stdout).unwrap();
    assert!(
        !whole.contains("fixtures/hosts"),
        "the root shows in the answer"
    );
}

#[test]
fn each_finding_has_one_name() {
    for name in ["bare-metal-amd", "isolated-cpus", "kvm-guest"] {
        let report = json(&of_host(&tree(name), &["--format", "json"]));
        let mut ids: Vec<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["id"].as_str().unwrap().to_owned())
            .collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}");
    }
}

/// Each of these on its own takes a tuned machine from ready to disturbed.
#[test]
fn a_tuned_machine_is_ready_until_one_setting_is_spoiled() {
    for (id, file, content) in [
        ("isolation", "sys/devices/system/cpu/isolated", "2-6"),
        ("nohz-full", "sys/devices/system/cpu/nohz_full", "3-7"),
        ("workqueues", "sys/devices/virtual/workqueue/cpumask", "80"),
        ("irq-affinity", "proc/irq/126/effective_affinity_list", "7"),
        (
            "fair-server",
            "sys/kernel/debug/sched/fair_server/cpu7/runtime",
            "50000000",
        ),
        ("nmi-watchdog", "proc/sys/kernel/nmi_watchdog", "1"),
        ("soft-watchdog", "proc/sys/kernel/watchdog_cpumask", "0-2"),
        (
            "governor",
            "sys/devices/system/cpu/cpu5/cpufreq/scaling_governor",
            "powersave",
        ),
        ("numa-balancing", "proc/sys/kernel/numa_balancing", "1"),
        ("smi-modules", "proc/modules", "dcdbas 1 0 - Live 0x0"),
        (
            "smt-siblings",
            "sys/devices/system/cpu/cpu2/topology/thread_siblings_list",
            "0,2",
        ),
        (
            "realtime-right",
            "proc/self/status",
            "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-1",
        ),
    ] {
        let folder = copy("isolated-cpus");
        let spoil = |text: &str| {
            std::fs::write(folder.path().join(file), format!("{text}\n")).unwrap();
        };
        if id == "nmi-watchdog" {
            let mask = folder.path().join("proc/sys/kernel/watchdog_cpumask");
            std::fs::write(mask, "0-7\n").unwrap();
            // The soft watchdog has the same mask.
            std::fs::write(folder.path().join("proc/sys/kernel/soft_watchdog"), "0\n").unwrap();
        }
        spoil(content);
        let output = of_host(folder.path(), &["--format", "json", "--cpus", "2-7"]);
        assert_eq!(output.status.code(), Some(1), "{id}");
        let report = json(&output);
        assert_eq!(effect(&report, id), "disturbs");
        assert_eq!(report["verdict"]["disturbances"], 1, "{id}: {report:#}");
    }
}

#[test]
fn hostile_and_broken_files_are_not_known_rather_than_fine() {
    let bad = "\u{1b}[2J9999999999999999999999,-\u{202e}";
    for (id, file) in [
        ("workqueues", "sys/devices/virtual/workqueue/cpumask"),
        ("irq-default", "proc/irq/default_smp_affinity"),
        ("nmi-watchdog", "proc/sys/kernel/nmi_watchdog"),
        ("timer-migration", "proc/sys/kernel/timer_migration"),
        (
            "machine-checks",
            "sys/devices/system/machinecheck/machinecheck2/check_interval",
        ),
        ("numa-balancing", "proc/sys/kernel/numa_balancing"),
        ("huge-pages", "sys/kernel/mm/transparent_hugepage/enabled"),
        ("ksm", "sys/kernel/mm/ksm/run"),
        ("vm-statistics", "proc/sys/vm/stat_interval"),
        ("rt-throttling", "proc/sys/kernel/sched_rt_runtime_us"),
        (
            "fair-server",
            "sys/kernel/debug/sched/fair_server/cpu2/runtime",
        ),
        ("turbo", "sys/devices/system/cpu/intel_pstate/no_turbo"),
        ("lockdown", "sys/kernel/security/lockdown"),
        (
            "clocksource",
            "sys/devices/system/clocksource/clocksource0/available_clocksource",
        ),
    ] {
        let folder = copy("isolated-cpus");
        let content = if id == "clocksource" { "\n" } else { bad };
        std::fs::write(folder.path().join(file), content).unwrap();
        let output = of_host(folder.path(), &["--format", "json"]);
        assert_eq!(effect(&json(&output), id), "unknown");
        assert!(
            !output.stdout.contains(&0x1b),
            "{id}: an escape came through"
        );
        assert!(!text(&output).contains('\u{202e}'), "{id}");
    }
}

#[test]
fn without_a_cpu_to_use_nothing_can_be_measured() {
    let folder = copy("kvm-guest");
    std::fs::remove_file(folder.path().join("sys/devices/system/cpu/online")).unwrap();
    let output = of_host(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).starts_with("CANNOT MEASURE: The CPUs of this machine"));
}

#[test]
fn wrong_usage_names_the_option() {
    for arguments in [["--cpus", "400-500"], ["--cpus", "x"], ["--priority", "99"]] {
        let output = of_host(&tree("kvm-guest"), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(arguments[0]), "{said}");
    }
}
