//! What is told of a run while it goes on, and what is left of one that does
//! not come to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::harness::{Said, comes_true, command, live, measured, report, run};

const GENTLE: [&str; 4] = ["--width", "4ms", "--window", "20ms"];

/// Starts a run of an hour with a checkpoint every tenth of a second.
fn start(file: &Path, arguments: &[&str]) -> Child {
    command(&[
        "--duration",
        "1h",
        "--checkpoint",
        "100ms",
        "--threshold",
        "2us",
    ])
    .args(GENTLE)
    .arg("-o")
    .arg(file)
    .args(arguments)
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap()
}

fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(comes_true(holds), "never: {what}");
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

fn end(child: Child) -> Said {
    send(&child, Signal::SIGTERM);
    child.wait_with_output().unwrap().into()
}

fn saved(file: &Path) -> Option<Value> {
    Some(report(&fs::read_to_string(file).ok()?))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect()
}

#[test]
fn a_killed_run_leaves_its_last_checkpoint_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let mut child = start(&file, &[]);
    until("two checkpoints", || {
        saved(&file)
            .is_some_and(|report| report["run"]["checkpoints"]["written"].as_u64() >= Some(2))
    });
    send(&child, Signal::SIGKILL);
    child.wait().unwrap();
    assert_eq!(names(folder.path()), ["report.json"]);
    let report = saved(&file).unwrap();
    assert_eq!(report["run"]["ended_by"], "running");
    assert_eq!(report["run"]["checkpoints"]["interval_ns"], 100_000_000);
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["id"] == "checkpoint"));
    for cpu in report["cpus"].as_array().unwrap() {
        let of = |name: &str| cpu[name].as_u64().unwrap();
        assert!(of("elapsed_ns") > 0 && of("covered_ns") <= of("elapsed_ns"));
        let by_cause = cpu["gaps_by_cause"].as_object().unwrap();
        let judged: u64 = by_cause.values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(of("gaps_seen"), judged + of("gaps_dropped"));
        assert_eq!(of("gaps_recorded"), judged);
    }
    let shown = Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .arg("report")
        .arg(&file)
        .output()
        .unwrap();
    let said = Said::from(shown);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("cut off, or"), "{}", said.stdout);
}

#[test]
fn a_run_that_ends_replaces_its_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let child = start(&file, &["--quiet"]);
    until("a checkpoint", || file.exists());
    let said = end(child);
    measured(&said);
    assert_eq!(said.stderr, "");
    let report = saved(&file).unwrap();
    assert_eq!(report["run"]["ended_by"], "signal");
    assert!(report["run"]["checkpoints"]["written"].as_u64() >= Some(1));
    assert_eq!(report["run"]["checkpoints"]["failed"], 0);
    assert_eq!(names(folder.path()), ["report.json"]);
}

#[test]
fn a_checkpoint_that_cannot_be_saved_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    fs::write(&file, "what was there before").unwrap();
    let mut limited = Command::new("sh");
    // No file may grow beyond a kilobyte: a disk that is full.
    let script = "ulimit -f 1; exec \"$0\" \"$@\"";
    limited.args(["-c", script, env!("CARGO_BIN_EXE_hwgap"), "run"]);
    let said: Said = limited
        .args(["--duration", "1500ms", "--checkpoint", "100ms"])
        .args(GENTLE)
        .arg("-o")
        .arg(&file)
        .output()
        .unwrap()
        .into();
    assert_eq!(said.status, Some(2), "{}", said.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "what was there before");
    assert_eq!(names(folder.path()), ["report.json"]);
    let told = said
        .stderr
        .matches("a checkpoint could not be saved")
        .count();
    assert_eq!(told, 1, "{}", said.stderr);
    assert!(said.stdout.contains("  Covered "), "{}", said.stdout);
}

#[test]
fn usr1_shows_the_run_and_does_not_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let child = start(&file, &[]);
    until("a checkpoint", || file.exists());
    send(&child, Signal::SIGUSR1);
    let asked = saved(&file).unwrap()["run"]["checkpoints"]["written"].as_u64();
    until("a later checkpoint", || {
        saved(&file).unwrap()["run"]["checkpoints"]["written"].as_u64()
            > asked.map(|count| count + 5)
    });
    let said = end(child);
    measured(&said);
    assert_eq!(report_ended_by(&file), "signal");
    assert_eq!(
        said.stderr.matches("\n  Covered ").count(),
        1,
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("still running"), "{}", said.stderr);
}

fn report_ended_by(file: &Path) -> String {
    saved(file).unwrap()["run"]["ended_by"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn gaps_are_streamed_as_rows_of_the_reports_csv() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let (json, csv, events) = (path("r.json"), path("r.csv"), path("events.csv"));
    let said = live(&[
        "--threshold",
        "2us",
        "--keep-gaps",
        "all",
        "-o",
        json.to_str().unwrap(),
        "--csv",
        csv.to_str().unwrap(),
        "--events-csv",
        events.to_str().unwrap(),
    ]);
    measured(&said);
    let places = |file: &Path| -> Vec<(String, String, String)> {
        let mut rows = csv::Reader::from_path(file).unwrap();
        let place =
            |row: csv::StringRecord| (row[0].to_owned(), row[1].to_owned(), row[4].to_owned());
        let mut all: Vec<_> = rows.records().map(|row| place(row.unwrap())).collect();
        all.sort();
        all
    };
    let lengths_apart = |a: &str, b: &str| -> u64 {
        let length = |text: &str| -> u64 { text.parse().unwrap() };
        length(a).abs_diff(length(b))
    };
    let (streamed, listed) = (places(&events), places(&csv));
    assert_eq!(streamed.len(), listed.len());
    for (row, other) in streamed.iter().zip(&listed) {
        assert_eq!((&row.0, &row.1), (&other.0, &other.1));
        // The rate is known better at the end.
        assert!(lengths_apart(&row.2, &other.2) < 1_000, "{row:?} {other:?}");
    }
    let report = report(&fs::read_to_string(&json).unwrap());
    let account = &report["run"]["events"];
    assert_eq!(account["rows"].as_u64(), Some(streamed.len() as u64));
    assert_eq!(account["rows_lost"], 0);
}

#[test]
fn rows_that_find_no_room_are_counted() {
    let said = live(&["--threshold", "2us", "--events-csv", "/dev/full"]);
    assert_eq!(said.status, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("/dev/full"), "{}", said.stderr);
}

#[test]
fn lines_of_progress_come_where_there_is_no_terminal() {
    let said = live(&["--progress", "1ms"]);
    measured(&said);
    let lines: Vec<&str> = said.stderr.lines().collect();
    // A look comes every fifth of a second: the last may be too late.
    for line in &lines {
        assert!(
            line.starts_with("hwgap: ") && line.contains("covered at least"),
            "{line}"
        );
    }
    let none = live(&["--progress", "0"]);
    assert_eq!(none.stderr, "");
}

#[test]
fn a_sampler_that_is_moved_off_its_cpu_ends_and_says_so() {
    let cpus = nix::sched::sched_getaffinity(Pid::from_raw(0)).unwrap();
    let usable: Vec<usize> = (0..nix::sched::CpuSet::count())
        .filter(|&cpu| cpus.is_set(cpu).unwrap_or(false))
        .collect();
    let [first, second, ..] = usable[..] else {
        println!("skipped: one CPU, nowhere to move to");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let child = start(&file, &["--cpus", &second.to_string()]);
    until("a checkpoint", || file.exists());
    let threads = format!("/proc/{}/task", child.id());
    let sampler = fs::read_dir(threads)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|task| {
            fs::read_to_string(task.join("comm"))
                .unwrap()
                .starts_with("sampler/")
        })
        .unwrap();
    let thread: i32 = sampler
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut elsewhere = nix::sched::CpuSet::new();
    elsewhere.set(first).unwrap();
    nix::sched::sched_setaffinity(Pid::from_raw(thread), &elsewhere).unwrap();
    // All samplers have ended then, and the run with them.
    let said: Said = child.wait_with_output().unwrap().into();
    assert!(matches!(said.status, Some(1 | 3)), "{}", said.stderr);
    let report = saved(&file).unwrap();
    assert_eq!(report["run"]["ended_by"], "error");
    assert!(
        report["cpus"][0]["ended_early"]
            .as_str()
            .unwrap()
            .contains("moved off")
    );
    assert_ne!(report["verdict"]["result"], "pass");
}

#[test]
fn wishes_that_cannot_be_met_are_refused_before_the_run() {
    let said = run(&["--checkpoint", "10s"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("--output"), "{}", said.stderr);
    let said = run(&["--checkpoint", "1ms", "-o", "report.json"]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.contains("shorter than 100 ms"),
        "{}",
        said.stderr
    );
    let said = run(&["--events-csv", "/no/such/folder/events.csv"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("does not exist"), "{}", said.stderr);
    let said = run(&["--events-csv", "-", "--csv", "-"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("standard output"), "{}", said.stderr);
}
