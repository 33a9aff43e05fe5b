//! What `--live-json` tells while a run goes on.

use std::io::{Read, Write, pipe};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::made_up_host::made_up_host;

/// A run of the script, with standard input as the descriptor that is named.
fn run(arguments: &[&str], stdin: Stdio) -> Output {
    let host = made_up_host("bare-metal-intel", &["smi"]);
    Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .args(["run", "--quiet", "--duration", "100ms", "--host-root"])
        .arg(host.path())
        .args(arguments)
        .stdin(stdin)
        .output()
        .unwrap()
}

fn quiet(output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*stderr), (Some(1), ""));
}

/// The last line agrees with the report.
#[test]
fn the_last_line_says_what_the_report_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (live, report) = (path("live.json"), path("report.json"));
    quiet(&run(&["--live-json", &live, "-o", &report], Stdio::null()));
    let text = std::fs::read_to_string(&live).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(last["state"], "ended");
    assert_eq!(last["planned_ns"], report["run"]["planned_ns"]);
    assert_eq!(last["platform_gaps"], report["verdict"]["platform_gaps"]);
    assert_eq!(
        last["platform_max_ns"],
        report["verdict"]["platform_max_ns"]
    );
    assert!(last["platform_gaps"].as_u64() > Some(0), "{last}");
    let cpus = report["cpus"].as_array().unwrap();
    assert_eq!(last["cpus"], cpus.len());
    let sum = |pointer: &str| -> u64 {
        let each = cpus.iter().map(|cpu| cpu.pointer(pointer).unwrap());
        each.map(|value| value.as_u64().unwrap()).sum()
    };
    assert_eq!(last["unknown_ns"], sum("/unknown_ns"));
    for (cause, count) in last["gaps_by_cause"].as_object().unwrap() {
        assert_eq!(*count, sum(&format!("/gaps_by_cause/{cause}")), "{cause}");
    }
}

#[test]
fn a_descriptor_is_named_by_its_number() {
    let (mut reader, writer) = pipe().unwrap();
    quiet(&run(&["--live-json", "0"], writer.into()));
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("}\n"), "{text}");
    assert!(text.starts_with("{\"schema\": \"hwgap.live\""), "{text}");
}

#[test]
fn a_pipe_that_is_full_takes_nothing_and_holds_nobody() {
    let (mut reader, mut writer) = pipe().unwrap();
    // As much as a pipe holds (pipe(7)).
    let filled = vec![b'x'; 65_536];
    writer.write_all(&filled).unwrap();
    quiet(&run(&["--live-json", "0"], writer.into()));
    let mut left = Vec::new();
    reader.read_to_end(&mut left).unwrap();
    assert!(left == filled, "{} bytes", left.len());
}

#[test]
fn a_reader_that_is_gone_is_no_fault_of_the_run() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    quiet(&run(&["--live-json", "0"], writer.into()));
}

#[test]
fn a_socket_is_taken_as_well() {
    let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    quiet(&run(
        &["--live-json", "0"],
        std::os::fd::OwnedFd::from(writer).into(),
    ));
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("}\n"), "{text}");
}

#[test]
fn what_cannot_be_opened_is_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let same = folder.path().join("same.json");
    let same = same.to_str().unwrap();
    for arguments in [
        &["--live-json", "799"][..],
        &["--live-json", "/no/such/folder/live.json"],
        &["--live-json", "-", "--csv", "-"],
        &["--live-json", same, "-o", same],
    ] {
        let output = run(arguments, Stdio::null());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
