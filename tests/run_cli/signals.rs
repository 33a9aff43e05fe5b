//! Signals end a run early, with a whole result.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::harness::{Said, command, measured, report};

/// A run of an hour, told to end as soon as it listens.
fn ended_by(signal: Signal, arguments: &[&str]) -> Said {
    let child = command(&["--duration", "1h", "--format", "json"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_it_listens(&child, signal);
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, signal).unwrap();
    child.wait_with_output().unwrap().into()
}

/// The signal is blocked when the program has begun to listen for it.
fn wait_until_it_listens(child: &Child, signal: Signal) {
    let bit = 1u64 << (signal as i32 - 1);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
        if mask & bit != 0 {
            return;
        }
        sleep(Duration::from_millis(5));
    }
    panic!("the program never listened for {signal}");
}

#[test]
fn a_signal_ends_a_run_with_a_whole_report() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let said = ended_by(signal, &["--width", "8ms", "--window", "10ms"]);
        measured(&said);
        let report = report(&said.stdout);
        assert_eq!(report["run"]["ended_by"], "signal", "{signal}");
        assert!(report["verdict"]["result"].is_string());
    }
}

#[test]
fn a_signal_is_heard_in_a_long_pause() {
    // A window of an hour, of which almost nothing is sampled.
    let said = ended_by(Signal::SIGINT, &["--width", "1ms", "--window", "1h"]);
    measured(&said);
    assert_eq!(report(&said.stdout)["run"]["ended_by"], "signal");
}
