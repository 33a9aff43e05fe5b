//! Marks and traces in the kernel of this machine, and what is left of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::harness::{comes_true, command, live, measured, report};

/// A tracefs that this process may write to, or a word on why the test is
/// skipped.
fn tracefs() -> Option<PathBuf> {
    let place = Path::new("/sys/kernel/tracing");
    let can = fs::OpenOptions::new()
        .write(true)
        .open(place.join("trace_marker"));
    match can {
        Ok(_) => Some(place.to_owned()),
        Err(error) => {
            eprintln!("skipped: tracefs cannot be written to here: {error}");
            None
        }
    }
}

/// One at a time: each changes the host, and looks at what is left in the kernel.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Those of a run that is gone: others may measure here as well.
fn left_behind(tracefs: &Path) -> Vec<String> {
    let is_alive = |name: &String| {
        let pid = name.split('-').nth(2).unwrap_or_default();
        Path::new("/proc").join(pid).exists()
    };
    let mut names = instances(tracefs);
    names.retain(|name| !is_alive(name));
    names
}

fn instances(tracefs: &Path) -> Vec<String> {
    let entries = fs::read_dir(tracefs.join("instances")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.starts_with("hwgap-trace-"))
        .collect()
}

/// Any gap will do, and there is always a tick.
const ANY: [&str; 6] = [
    "--threshold",
    "1us",
    "--on-any",
    "--format",
    "json",
    "--on-gap",
];

#[test]
fn a_trace_is_saved_and_taken_away() {
    let Some(tracefs) = tracefs() else {
        return;
    };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gap.dat");
    let trace = format!("trace={}", file.display());
    let said = live(
        &[
            &ANY[..],
            &[trace.as_str(), "--on-gap", "mark", "--on-gap-limit", "1"],
        ]
        .concat(),
    );
    measured(&said);
    let report = report(&said.stdout);
    let action = &report["run"]["actions"]["actions"][0];
    assert_eq!(
        (&action["done"], &action["failed"]),
        (&1.into(), &0.into()),
        "{action}"
    );
    assert_eq!(action["runs"][0]["file"], file.to_str().unwrap());
    assert!(
        action["latency_max_ns"]
            .as_u64()
            .is_some_and(|latency| latency > 0)
    );
    let saved = fs::read(&file).unwrap();
    assert!(saved.starts_with(b"\x17\x08\x44tracing6\0"));
    assert_eq!(left_behind(&tracefs), [""; 0]);
    shows(&file, &report, &action["runs"][0]);
}

/// What trace-cmd shows of it: times of all events lie about the gap, and the
/// mark names the gap.
fn shows(file: &Path, report: &Value, run: &Value) {
    let output = Command::new("trace-cmd")
        .arg("report")
        .arg("-i")
        .arg(file)
        .output();
    let Ok(output) = output else {
        eprintln!("skipped in part: trace-cmd is not installed");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let origin: u64 = report["tsc"]["origin"].as_str().unwrap().parse().unwrap();
    let start = origin + run["start_cycles"].as_u64().unwrap();
    let mark = format!("hwgap: gap cpu={} start_tsc={start} ", run["cpu"]);
    assert!(text.contains(&mark), "{text}");
    assert!(!text.contains("[FAILED TO PARSE]"), "{text}");
    // A page of events before the window at most.
    let second = report["tsc"]["hz"].as_f64().unwrap() as u64;
    // "task-pid [cpu]time: event": cycles take all of the column.
    let times = text.lines().filter_map(|line| {
        let time = line.split_once(']')?.1.split_once(':')?.0;
        time.trim().parse::<u64>().ok()
    });
    let times: Vec<u64> = times.collect();
    assert!(times.len() > 1, "{text}");
    assert!(
        times.iter().all(|time| time.abs_diff(start) < 10 * second),
        "{text}"
    );
    assert!(times.iter().any(|time| *time < start), "{text}");
}

#[test]
fn a_run_that_is_killed_leaves_no_instance() {
    let Some(tracefs) = tracefs() else {
        return;
    };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let trace = format!("trace={}", folder.path().join("gap.dat").display());
    let journal = folder.path().join("journal");
    let mut run = command(
        &[
            &ANY[..],
            &[&trace, "--duration", "60s", "--width", "8ms", "--window"],
        ]
        .concat(),
    )
    .args(["10ms", "--journal", journal.to_str().unwrap()])
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let name = format!("hwgap-trace-{}-", run.id());
    let its = || {
        let mut names = instances(&tracefs);
        names.retain(|other| other.starts_with(&name));
        names
    };
    let has_begun = comes_true(|| !its().is_empty());
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(has_begun);
    assert!(comes_true(|| its().is_empty()), "{:?}", its());
}

#[test]
fn events_that_the_kernel_has_not_are_refused() {
    if tracefs().is_none() {
        return;
    }
    let _alone = alone();
    for event in ["no_such_group", "sched:no_such_event", "../sched", ""] {
        let folder = tempfile::tempdir().unwrap();
        let trace = format!("trace={}", folder.path().join("gap.dat").display());
        let said = live(&["--on-gap", &trace, "--trace-events", event]);
        assert_eq!(said.status, Some(2), "{event}: {}", said.stderr);
        assert!(
            said.stderr.contains("--trace-events"),
            "{event}: {}",
            said.stderr
        );
    }
}
