//! On this machine, whatever it allows.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::clients::samples_of;
use super::harness::{Said, command};

/// What the original writes to; this program leaves it alone.
const SWITCHES: [&str; 7] = [
    "/sys/kernel/tracing/tracing_on",
    "/sys/kernel/tracing/current_tracer",
    "/sys/kernel/tracing/tracing_thresh",
    "/sys/kernel/tracing/tracing_cpumask",
    "/sys/kernel/tracing/hwlat_detector/width",
    "/sys/kernel/tracing/hwlat_detector/window",
    "/proc/self/mounts",
];

#[test]
fn a_live_test_has_all_lines_and_changes_nothing() {
    let state = || SWITCHES.map(|file| fs::read(file).ok());
    let before = state();
    let said = Said::from(
        command(&["--duration", "0.3s", "--threshold", "1us"])
            .output()
            .unwrap(),
    );
    assert_eq!(before, state());
    assert!(matches!(said.status, 0 | 1 | 3), "{}", said.stderr);
    let mut rest = said.stdout.as_str();
    for line in [
        "hwlatdetect:  test duration 0.3 seconds\n",
        "   detector: tracer",
        "   parameters:\n",
        "        CPU list:          None\n",
        "        Latency threshold: 1us\n",
        "        Sample window:      1000000us\n",
        "        Sample width:      500000us\n",
        "     Non-sampling period:  500000us\n",
        "        Output File:       None\n",
        "\nStarting test\n",
        "test finished\n",
        "Max Latency: ",
        "Samples recorded: ",
        "Samples exceeding threshold: ",
        "SMIs during run: ",
        "Coverage: ",
    ] {
        let (_, tail) = rest
            .split_once(line)
            .unwrap_or_else(|| panic!("no {line:?} in its place:\n{}", said.stdout));
        rest = tail;
    }
    assert_eq!(
        samples_of(&said.stdout).count().to_string(),
        said.value("Samples recorded:")
    );
    assert!(!said.stderr.contains("Traceback"), "{}", said.stderr);
}

#[test]
fn a_link_called_hwlatdetect_serves() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("hwlatdetect");
    symlink(env!("CARGO_BIN_EXE_hwgap"), &link).unwrap();
    let output = Command::new(&link)
        .args(["-duration=0.1s", "-threshold", "1ms"])
        .output()
        .unwrap();
    let said = Said::from(output);
    assert!(matches!(said.status, 0 | 1 | 3), "{}", said.stderr);
    assert_eq!(said.value("Latency threshold:"), "1000us");
    let wrong = Said::from(Command::new(&link).arg("--cpu-list=900").output().unwrap());
    assert_eq!(wrong.status, 2);
    assert!(
        wrong.stderr.starts_with("hwlatdetect: --cpu-list"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn hwgaps_own_report_beside() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let said = Said::from(
        command(&["--duration=0.1s", "--json"])
            .arg(&file)
            .output()
            .unwrap(),
    );
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["schema"], "hwgap.report");
    let outcome = match said.status {
        0 => "pass",
        1 => "fail",
        _ => "inconclusive",
    };
    assert_eq!(report["verdict"]["result"], outcome, "{}", said.stderr);
}
