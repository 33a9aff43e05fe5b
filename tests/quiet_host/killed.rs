//! Runs that are killed, their guardians, and what is left to `hwgap restore`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::harness::{Host, assert_as_before, said};

const INTERVAL: &str = "proc/sys/vm/stat_interval";

/// A run that goes on until it is killed, with its host quiet.
fn running(host: &Host) -> Child {
    // Ten years of the script's clock take longer than any test.
    let mut command = host.run(&["--duration", "3650d", "--quiet-host", "--quiet"]);
    let run = command.stderr(Stdio::piped()).spawn().unwrap();
    wait_until(|| host.read(INTERVAL) == "3600");
    run
}

fn wait_until(holds: impl Fn() -> bool) {
    while !holds() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The guardian of a run: its only child.
fn guardian(run: &Child) -> Pid {
    let children = format!("/proc/{0}/task/{0}/children", run.id());
    let text = fs::read_to_string(children).unwrap();
    Pid::from_raw(text.trim().parse().unwrap())
}

/// Kills the guardian of a run that cannot start another one in its place.
fn kill_guardian_unnoticed(run: &Child) {
    kill(Pid::from_raw(run.id() as i32), Signal::SIGSTOP).unwrap();
    kill(guardian(run), Signal::SIGKILL).unwrap();
}

/// A finding of a report; null where it has none of that name.
fn finding(report: &str, id: &str) -> Value {
    let report: Value = serde_json::from_str(report).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["id"] == id);
    found.cloned().unwrap_or_default()
}

fn journal_is_gone(host: &Host) -> bool {
    !host.journal().join("changes.journal").exists()
}

#[test]
fn the_guardian_puts_back_what_a_killed_run_left() {
    let host = Host::new();
    let before = host.values();
    let mut run = running(&host);
    run.kill().unwrap();
    let output = run.wait_with_output().unwrap();
    // Its words end when the guardian does, which has the same standard error.
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("its guardian has put"), "{words}");
    assert!(journal_is_gone(&host));
    assert_as_before(&before, &host);
}

#[test]
fn a_guardian_heeds_no_signal_but_sigkill() {
    let host = Host::new();
    let mut run = running(&host);
    let guardian = guardian(&run);
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        kill(guardian, signal).unwrap();
    }
    run.kill().unwrap();
    run.wait_with_output().unwrap();
    assert_eq!(host.read(INTERVAL), "1");
}

#[test]
fn signals_that_end_a_run_put_all_back() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let host = Host::new();
        let before = host.values();
        let run = running(&host);
        kill(Pid::from_raw(run.id() as i32), signal).unwrap();
        let output = run.wait_with_output().unwrap();
        assert!(output.status.code().is_some(), "{signal}");
        assert!(journal_is_gone(&host), "{signal}");
        assert_as_before(&before, &host);
    }
}

#[test]
fn restore_does_what_the_guardian_could_not() {
    let host = Host::new();
    let before = host.values();
    let mut run = running(&host);
    kill_guardian_unnoticed(&run);
    run.kill().unwrap();
    run.wait_with_output().unwrap();
    assert_eq!(host.read(INTERVAL), "3600");

    // A new run does not begin on top of it,
    let (status, _, stderr) = said(&mut host.run(&["--quiet-host"]));
    assert_eq!(status, Some(3), "{stderr}");
    assert!(stderr.contains("hwgap restore"), "{stderr}");
    // one that changes nothing begins, and says so,
    let plain = ["--duration", "100ms", "--format", "json"];
    let (_, stdout, stderr) = said(&mut host.run(&plain));
    assert!(stderr.contains("an earlier run has left"), "{stderr}");
    let finding = finding(&stdout, "host-left-changed");
    assert!(
        finding["remedy"]
            .as_str()
            .unwrap()
            .contains("hwgap restore"),
        "{finding}"
    );
    assert_eq!(host.read(INTERVAL), "3600");
    // a look changes nothing,
    let (status, stdout, _) = said(&mut host.hwgap(&["restore", "--dry-run"]));
    assert_eq!(status, Some(0), "{stdout}");
    assert!(stdout.contains("would be put back"), "{stdout}");
    assert_eq!(host.read(INTERVAL), "3600");
    // what somebody else has set stays,
    host.write(INTERVAL, "7\n");
    let (status, stdout, _) = said(&mut host.hwgap(&["restore"]));
    assert_eq!(status, Some(3), "{stdout}");
    assert!(stdout.contains("somebody else has set it to 7"), "{stdout}");
    // and goes at a word.
    let (status, _, _) = said(&mut host.hwgap(&["restore", "--force"]));
    assert_eq!(status, Some(0));
    assert_as_before(&before, &host);
    let (status, stdout, _) = said(&mut host.hwgap(&["restore"]));
    assert_eq!((status, stdout.trim()), (Some(0), "Nothing to put back."));
}

#[test]
fn a_run_can_be_told_to_restore_first() {
    let host = Host::new();
    let before = host.values();
    let mut run = running(&host);
    kill_guardian_unnoticed(&run);
    run.kill().unwrap();
    run.wait_with_output().unwrap();
    let more = ["--duration", "100ms", "--quiet-host", "--restore-first"];
    let (status, _, stderr) = said(&mut host.run(&more));
    assert!(
        matches!(status, Some(0 | 1 | 3)) && stderr.is_empty(),
        "{stderr}"
    );
    assert_as_before(&before, &host);
}

#[test]
fn while_a_run_goes_on_nothing_is_restored_and_no_other_begins() {
    let host = Host::new();
    let mut run = running(&host);
    for mut command in [host.hwgap(&["restore"]), host.run(&["--quiet-host"])] {
        let (status, _, stderr) = said(&mut command);
        assert_eq!(status, Some(3), "{stderr}");
        assert!(
            stderr.contains(&format!("process {}", run.id())),
            "{stderr}"
        );
    }
    assert_eq!(host.read(INTERVAL), "3600");
    // A run that changes nothing may begin, and says whose host it measures.
    let plain = ["--duration", "100ms", "--format", "json"];
    let (_, stdout, _) = said(&mut host.run(&plain));
    let text = finding(&stdout, "host-left-changed")["text"].to_string();
    assert!(text.contains(&format!("process {}", run.id())), "{text}");
    run.kill().unwrap();
    run.wait_with_output().unwrap();
    assert_eq!(host.read(INTERVAL), "1");
    let (_, stdout, stderr) = said(&mut host.run(&plain));
    assert!(stderr.is_empty(), "{stderr}");
    assert!(finding(&stdout, "host-left-changed").is_null());
}

#[test]
fn in_the_place_of_a_guardian_that_was_killed_there_is_another_one() {
    let host = Host::new();
    let before = host.values();
    let mut run = running(&host);
    let first = guardian(&run);
    kill(first, Signal::SIGKILL).unwrap();
    let replaced = || {
        let children = format!("/proc/{0}/task/{0}/children", run.id());
        let text = fs::read_to_string(children).unwrap();
        let number: Option<i32> = text.trim().parse().ok();
        number.is_some_and(|number| number != first.as_raw())
    };
    wait_until(replaced);
    // It is ready a moment later; until then the run is stopped with it.
    std::thread::sleep(Duration::from_millis(500));
    run.kill().unwrap();
    let output = run.wait_with_output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.contains("the guardian has died; another one"),
        "{words}"
    );
    assert!(words.contains("its guardian has put"), "{words}");
    assert_as_before(&before, &host);
}

#[test]
fn a_guardian_that_was_stopped_is_woken() {
    let host = Host::new();
    let before = host.values();
    let mut run = running(&host);
    let guardian = guardian(&run);
    kill(guardian, Signal::SIGSTOP).unwrap();
    let mut words = BufReader::new(run.stderr.take().unwrap());
    let mut line = String::new();
    words.read_line(&mut line).unwrap();
    assert!(line.contains("the guardian was stopped"), "{line}");
    run.kill().unwrap();
    // Its words end when the guardian does.
    words.read_to_string(&mut line).unwrap();
    run.wait().unwrap();
    assert_as_before(&before, &host);
}

#[test]
fn a_guardian_that_is_stopped_at_the_end_keeps_nobody() {
    let host = Host::new();
    let before = host.values();
    let run = running(&host);
    let guardian = guardian(&run);
    let process = Pid::from_raw(run.id() as i32);
    // The run has no look at it any more.
    kill(process, Signal::SIGTERM).unwrap();
    kill(guardian, Signal::SIGSTOP).unwrap();
    let output = run.wait_with_output().unwrap();
    assert!(output.status.code().is_some());
    assert!(journal_is_gone(&host));
    assert_as_before(&before, &host);
}
