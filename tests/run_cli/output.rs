//! Where results go, and what happens when they cannot.

use std::fs;
use std::process::{Command, Stdio};

use super::harness::{Said, command, live, measured, report, run};

const LIVE: [&str; 6] = ["--duration", "200ms", "--width", "8ms", "--window", "10ms"];

#[test]
fn json_on_standard_output_is_a_whole_report() {
    let said = live(&["--format", "json"]);
    measured(&said);
    let report = report(&said.stdout);
    assert_eq!(report["run"]["ended_by"], "duration");
    assert_eq!(report["run"]["engine"], "user");
    for cpu in report["cpus"].as_array().unwrap() {
        let of = |name: &str| cpu[name].as_u64().unwrap();
        assert!(of("iterations") > 0);
        assert!(of("covered_ns") <= of("elapsed_ns"));
        assert!(of("gaps_seen") >= of("gaps_recorded"));
        assert!(cpu["smi"].is_object() != cpu["smi_reason"].is_string());
    }
}

#[test]
fn quiet_says_nothing() {
    let said = live(&["--quiet"]);
    measured(&said);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
}

#[test]
fn what_is_no_terminal_gets_neither_colour_nor_progress() {
    let said = live(&[]);
    measured(&said);
    assert!(!said.stdout.contains('\u{1b}'));
    assert!(said.stderr.is_empty(), "{}", said.stderr);
    let too_long = said.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(too_long, None);
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such/report.json");
    // The default duration: waiting for it would show.
    let said = run(&["-o", missing.to_str().unwrap()]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("does not exist"), "{}", said.stderr);
    let said = run(&["--csv", folder.path().to_str().unwrap()]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("folder"), "{}", said.stderr);
    let said = run(&["-o", "/proc/version"]);
    assert_eq!(said.status, Some(2));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn two_results_do_not_share_standard_output() {
    let said = run(&["-o", "-", "--csv", "-"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("standard output"), "{}", said.stderr);
}

#[test]
fn a_full_device_leaves_the_summary_and_exit_status_2() {
    let said = live(&["-o", "/dev/full"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stdout.contains("  Covered "), "{}", said.stdout);
    assert!(said.stderr.contains("/dev/full"), "{}", said.stderr);
    assert!(said.stderr.contains("full"), "{}", said.stderr);
}

#[test]
fn a_full_standard_output_still_leaves_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let said: Said = command(&LIVE)
        .arg("-o")
        .arg(&file)
        .stdout(full)
        .output()
        .unwrap()
        .into();
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("standard output"), "{}", said.stderr);
    report(&fs::read_to_string(file).unwrap());
}

#[test]
fn a_file_that_may_not_grow_is_no_reason_to_die() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    fs::write(&file, "what was there before").unwrap();
    let said: Said = Command::new("sh")
        .args(["-c", "ulimit -f 1; exec \"$0\" \"$@\""])
        .args([env!("CARGO_BIN_EXE_hwgap"), "run"])
        .args(LIVE)
        .arg("-o")
        .arg(&file)
        .output()
        .unwrap()
        .into();
    assert_eq!(said.status, Some(2), "{}", said.stderr);
    assert!(said.stdout.contains("  Covered "), "{}", said.stdout);
    assert_eq!(fs::read_to_string(&file).unwrap(), "what was there before");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "the temporary file was left"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for format in ["text", "json"] {
        let mut child = command(&LIVE)
            .args(["--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let said: Said = child.wait_with_output().unwrap().into();
        measured(&said);
        assert_eq!(said.stderr, "");
    }
}

#[test]
fn csv_has_a_row_for_each_gap() {
    let folder = tempfile::tempdir().unwrap();
    let (json, csv) = (folder.path().join("r.json"), folder.path().join("r.csv"));
    let said = live(&[
        "--threshold",
        "2us",
        "-o",
        json.to_str().unwrap(),
        "--csv",
        csv.to_str().unwrap(),
    ]);
    measured(&said);
    let report = report(&fs::read_to_string(json).unwrap());
    let rows = fs::read_to_string(csv).unwrap().lines().count();
    assert_eq!(rows, 1 + report["gaps"].as_array().unwrap().len());
}
