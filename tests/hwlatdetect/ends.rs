//! What cannot be done, and how that is said.

use super::harness::{Said, command, scripted};

#[test]
fn wrong_usage_ends_with_2_and_a_sentence() {
    for (arguments, word) in [
        (&["--w", "5"][..], "--w"),
        (&["--threshold", "fast"], "--threshold"),
        (&["--threshold=1500ns"], "whole microseconds"),
        (&["--threshold=0"], "--threshold is zero"),
        (&["--duration", "5parsec"], "parsec"),
        (&["--cpu-list", "900"], "--cpu-list: CPU 900"),
        (&["--cpu-list", "a-b"], "--cpu-list"),
        (&["--format-version", "3"], "2.10"),
        (&["cpu0"], "cpu0"),
        (&["--report", "/nowhere/samples"], "/nowhere"),
    ] {
        let said = scripted("quiet", arguments);
        assert_eq!(said.status, 2, "{arguments:?}: {}", said.stderr);
        assert!(said.stderr.contains(word), "{arguments:?}: {}", said.stderr);
        assert_eq!(said.stdout, "", "{arguments:?}");
        for trace in ["Traceback", "panicked", "--cpus"] {
            assert!(
                !said.stderr.contains(trace),
                "{arguments:?}: {}",
                said.stderr
            );
        }
    }
}

#[test]
fn a_report_file_that_cannot_be_written_does_not_hide_the_result() {
    let arguments = ["--duration=0.1s", "--cpu-list=1", "--report=/dev/full"];
    let said = scripted("drop-in-latency", &arguments);
    assert_eq!(said.status, 2, "{}", said.stderr);
    assert!(said.stderr.contains("/dev/full"), "{}", said.stderr);
    assert_eq!(said.value("Max Latency:"), "251us");
    assert!(!said.stdout.contains("report saved"), "{}", said.stdout);
}

#[test]
fn an_empty_value_is_no_value() {
    let said = scripted(
        "quiet",
        &[
            "--duration=0.1s",
            "--threshold=",
            "--hardlimit",
            "",
            "--window=",
            "--width=",
            "--report=",
            "--cpu-list=",
        ],
    );
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(said.value("Latency threshold:"), "10us");
    assert_eq!(said.value("CPU list:"), "None");
    assert_eq!(said.value("Output File:"), "None");
}

#[test]
fn the_last_of_two_values_counts() {
    let said = scripted(
        "quiet",
        &["--duration=9h", "--thr=5", "--thr=7", "--dur=0.1"],
    );
    assert_eq!(said.value("Latency threshold:"), "7us", "{}", said.stderr);
}

#[test]
fn durations_that_the_original_cannot_read() {
    for (given, shown) in [("0.05s", "0.05"), ("60ms", "0.06"), ("0.001m50ms", "0.11")] {
        let said = scripted("quiet", &["--duration", given]);
        assert_eq!(said.status, 0, "{given}: {}", said.stderr);
        let line = format!("hwlatdetect:  test duration {shown} seconds\n");
        assert!(said.stdout.starts_with(&line), "{}", said.stdout);
    }
}

#[test]
fn a_reader_that_goes_away_does_not_change_the_status() {
    use std::process::Stdio;
    let mut child = command(&["--duration=300ms", "--threshold=1us", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let said = Said::from(child.wait_with_output().unwrap());
    assert!(matches!(said.status, 0 | 1 | 3), "{}", said.stderr);
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
}
