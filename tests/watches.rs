//! What is watched beside a run, through the whole program: a scripted clock,
//! a made-up host, and the report that comes out.

use std::process::Command;

use serde_json::Value;

use crate::made_up_host::made_up_host;

fn run(script: &str, host: &str) -> Value {
    let (host, folder) = (made_up_host(host, &[script]), tempfile::tempdir().unwrap());
    let report = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .args(["run", "--quiet", "--cpus", "1", "--duration", "95ms"])
        .arg("--host-root")
        .arg(host.path())
        .arg("--output")
        .arg(&report)
        .output()
        .unwrap();
    let report = std::fs::read(&report).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    serde_json::from_slice(&report).unwrap()
}

fn finding<'a>(report: &'a Value, id: &str) -> Option<&'a str> {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["id"] == id)?;
    found["text"].as_str()
}

fn source<'a>(report: &'a Value, name: &str) -> &'a Value {
    let sources = report["evidence"].as_array().unwrap();
    sources
        .iter()
        .find(|source| source["source"] == name)
        .unwrap_or_else(|| panic!("no entry {name}"))
}

#[test]
fn smis_that_firmware_hides_from_the_tsc_do_not_pass() {
    let report = run("watched-hidden-smi", "bare-metal-intel");
    assert_eq!(report["gaps"].as_array().unwrap().len(), 0);
    assert_eq!(report["verdict"]["result"], "inconclusive");
    let text = finding(&report, "tsc-adjust-changed").unwrap();
    assert!(text.contains("CPU 1 by -"), "{text}");
    let text = finding(&report, "mperf-ahead").unwrap();
    assert!(text.contains("unknown"), "{text}");
    assert!(finding(&report, "smi-without-gap").is_some());
    let watched = &report["cpus"][0]["watched"];
    assert!(watched["mperf_ahead_ppm"].as_f64().unwrap() > 100_000.0);
    assert!(watched["tsc_adjust"]["after"].as_i64().unwrap() < -10_000_000);
}

#[test]
fn clocks_of_different_rates_by_design_raise_no_suspicion() {
    let report = run("watched-quiet", "bare-metal-intel");
    assert_eq!(report["verdict"]["result"], "pass");
    for id in ["tsc-adjust-changed", "mperf-ahead", "below-base-frequency"] {
        assert_eq!(finding(&report, id), None);
    }
    // What happened before the run is no finding of the run.
    for id in ["thermal-throttling", "hardware-reports"] {
        assert_eq!(finding(&report, id), None);
    }
    let watched = &report["cpus"][0]["watched"];
    assert_eq!(watched["core_throttle_count"], 0);
    assert!(watched["core_throttle_ns"].is_null());
    let [nmi] = &watched["vectors"].as_array().unwrap()[..] else {
        panic!("{watched}")
    };
    assert_eq!((&nmi["name"], &nmi["count"]), (&"NMI".into(), &0.into()));
    assert_eq!(source(&report, "tsc-adjust")["usable"], true);
    assert_eq!(source(&report, "core-clocks")["usable"], true);
}

#[test]
fn the_tick_of_a_host_shows_as_a_period_in_its_guest() {
    let report = run("watched-host-tick", "kvm-guest");
    let text = finding(&report, "host-period").unwrap();
    assert!(
        text.contains("CPU 1: 100 % of them every 4.00 ms"),
        "{text}"
    );
    assert!(text.contains("not the cause"), "{text}");
    let period = &report["cpus"][0]["watched"]["gap_period"];
    assert!(period["gaps"].as_u64().unwrap() >= 20, "{period}");
    let same = run("watched-host-tick", "bare-metal-intel");
    assert_eq!(finding(&same, "host-period"), None);
}

#[test]
fn the_log_of_a_kernel_that_gave_the_tsc_up_is_quoted() {
    let report = run("watched-quiet", "hpet-clocksource");
    let text = finding(&report, "tsc-log-since-boot").unwrap();
    assert!(text.contains("marked the TSC unstable"), "{text}");
    let log = report["tsc"]["log"].as_array().unwrap();
    assert!(log.iter().all(|line| line["seen_utc"].is_null()), "{log:?}");
    assert_eq!(source(&report, "kernel-log")["usable"], true);
}

#[test]
fn each_source_that_is_missing_says_why_and_what_it_costs() {
    let report = run("watched-quiet", "bare-metal-amd");
    for name in ["throttle-counts", "hardware-vectors", "smm-time"] {
        let entry = source(&report, name);
        assert_eq!(entry["usable"], false, "{name}");
        assert!(!entry["reason"].as_str().unwrap().is_empty(), "{name}");
        assert!(!entry["costs"].as_str().unwrap().is_empty(), "{name}");
    }
    let watched = &report["cpus"][0]["watched"];
    for field in ["core_throttle_count", "vectors", "steal_ns", "smm_share"] {
        assert!(watched[field].is_null(), "{field}");
    }
}
