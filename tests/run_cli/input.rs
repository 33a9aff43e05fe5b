//! Options that cannot be meant: refused before anything is measured, with
//! exit status 2 and a message that names the option and the way out.

use super::harness::{live, measured, run};
use super::made_up_host::made_up_host;

#[track_caller]
fn refused(arguments: &[&str], expected: &[&str]) {
    let said = run(arguments);
    assert_eq!(said.status, Some(2), "{arguments:?}: {}", said.stderr);
    assert!(said.stdout.is_empty(), "{}", said.stdout);
    for part in expected {
        assert!(
            said.stderr.contains(part),
            "{arguments:?}: '{part}' is not in: {}",
            said.stderr
        );
    }
}

#[test]
fn cpus_that_do_not_exist_are_named() {
    refused(&["--cpus", "65000"], &["CPU 65000", "does not exist"]);
    refused(&["--cpus", "0,70000-70002"], &["70000"]);
}

#[test]
fn lists_that_are_none_are_refused() {
    refused(&["--cpus", ""], &["--cpus"]);
    refused(&["--cpus", " "], &["--cpus"]);
    refused(&["--cpus", "a"], &["--cpus", "1-3,5"]);
    refused(&["--cpus", "3-1"], &["--cpus"]);
    refused(&["--cpus", "0-4294967295"], &["--cpus"]);
    refused(&["--cpus", "99999999999999999999"], &["--cpus"]);
}

#[test]
fn lengths_of_time_beyond_reason_are_refused() {
    refused(&["--duration", "0"], &["--duration", "zero"]);
    refused(&["--duration", "0ns"], &["--duration", "zero"]);
    refused(&["--duration=-5s"], &["--duration"]);
    refused(&["--duration", "11000d"], &["ten years"]);
    refused(&["--duration", "99999999999999w"], &["longer than"]);
    refused(&["--duration", "10 parsec"], &["unit"]);
    refused(&["--duration", ""], &["length of time"]);
    refused(&["--duration", "nan"], &["number"]);
    refused(&["--threshold", "0"], &["--threshold", "zero"]);
}

#[test]
fn a_threshold_under_the_floor_is_refused_with_the_floor() {
    refused(
        &["--threshold", "1ns", "--duration", "100ms"],
        &["--threshold", "floor", " ns", "or more"],
    );
}

#[test]
fn limits_and_windows_must_fit_together() {
    refused(
        &["--threshold", "20us", "--hardlimit", "10us"],
        &["--hardlimit", "--threshold"],
    );
    refused(
        &["--width", "2s", "--window", "1s"],
        &["--width", "--window"],
    );
    refused(&["--width", "1s"], &["--window"]);
    refused(&["--window", "1s"], &["--width"]);
    refused(
        &["--width", "5us", "--window", "1s"],
        &["--width", "--threshold"],
    );
    refused(&["--priority", "99"], &["--priority"]);
    refused(&["--priority", "0"], &["--priority"]);
}

#[test]
fn hosts_whose_cpus_cannot_be_sampled_say_why() {
    let on = |host: &str, cpus: &str, expected: &[&str]| {
        let host = made_up_host(host, &["quiet"]);
        let root = host.path().to_str().unwrap();
        refused(&["--host-root", root, "--cpus", cpus], expected);
    };
    on("vmware-guest", "3", &["CPU 3", "offline", "online"]);
    on("vmware-guest", "2", &["CPU 2", "cpuset"]);
    on("vmware-guest", "5", &["CPU 5", "not present"]);
    on("bare-metal-intel", "isolated", &["isolated", "isolcpus"]);
}

#[test]
fn help_has_examples_and_exit_statuses() {
    let said = run(&["--help"]);
    assert_eq!(said.status, Some(0));
    for part in ["Examples:", "hwgap run --duration 10s", "Exit status:"] {
        assert!(said.stdout.contains(part), "{part}");
    }
    assert!(
        !said.stdout.contains("--host-root"),
        "a hidden option shows"
    );
}

#[test]
fn two_runs_at_once_both_measure() {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| live(&["--quiet"]));
        measured(&live(&["--quiet"]));
        measured(&other.join().unwrap());
    });
}

#[test]
fn without_arguments_it_says_what_to_type() {
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(2));
    let text = String::from_utf8(said.stderr).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        text.lines()
            .all(|line| line.starts_with("hwgap ") && line.len() <= 80)
    );
}

#[test]
fn the_version_comes_with_a_commit_or_says_that_none_is_known() {
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .arg("--version")
        .output()
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    let begin = concat!("hwgap ", env!("CARGO_PKG_VERSION"), " (");
    assert!(text.starts_with(begin) && text.contains("commit"), "{text}");
}
