//! What is done about gaps, and the load: processes are real, the clock is not.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::harness::{Outcome, number, run};
use crate::made_up_host::made_up_host;

const BASE: [&str; 4] = ["--duration", "95ms", "--cpus", "1"];

/// The script `stall` has one gap of the platform's, of 100 us, and several of
/// the kernel's.
fn stalled(arguments: &[&str]) -> Outcome {
    run("stall", "bare-metal-intel", &[&BASE, arguments].concat())
}

fn action(outcome: &Outcome) -> &Value {
    &outcome.report["run"]["actions"]["actions"][0]
}

fn counts(outcome: &Outcome) -> [u64; 2] {
    ["done", "failed"].map(|name| number(&action(outcome)[name]))
}

fn text<'a>(outcome: &'a Outcome, field: &str) -> &'a str {
    let value = &action(outcome)["runs"][0][field];
    value
        .as_str()
        .unwrap_or_else(|| panic!("{field}: {}", action(outcome)))
}

#[test]
fn a_shell_is_told_of_the_gap() {
    let told = "shell:cat; echo; echo $HWGAP_EVENT $HWGAP_CPU $HWGAP_DURATION_NS $HWGAP_GAPS";
    let outcome = stalled(&["--on-gap", told]);
    assert_eq!(counts(&outcome), [1, 0]);
    assert_eq!(number(&outcome.report["run"]["actions"]["gaps"]), 1);
    let (json, words) = text(&outcome, "output").split_once('\n').unwrap();
    let gap: Value = serde_json::from_str(json).unwrap();
    let listed = outcome.report["gaps"].as_array().unwrap();
    let listed = listed
        .iter()
        .find(|gap| number(&gap["platform_ns"]) > 0)
        .unwrap();
    for field in ["cpu", "cause", "duration_ns", "start_utc", "start_cycles"] {
        assert_eq!(gap[field], listed[field], "{field}");
    }
    assert_eq!(words, format!("gap 1 {} 1", listed["duration_ns"]));
    assert_eq!(
        action(&outcome)["runs"][0]["start_cycles"],
        listed["start_cycles"]
    );
    // A scripted clock is not this machine's.
    assert_eq!(action(&outcome)["latency_max_ns"], Value::Null);
    assert_eq!(outcome.report["run"]["ended_by"], "duration");
}

#[test]
fn one_that_fails_is_told() {
    let outcome = stalled(&["--on-gap", "shell:echo no >&2; exit 3"]);
    assert_eq!(counts(&outcome), [0, 1]);
    assert_eq!(action(&outcome)["runs"][0]["exit_status"], 3);
    assert_eq!(text(&outcome, "output"), "no");
    assert!(outcome.finding("action-failed").contains("exit status 3"));
    assert!(outcome.text.contains("1 FAILED"), "{}", outcome.text);
    assert!(!outcome.stderr.contains("no\n"), "{}", outcome.stderr);
}

#[test]
fn one_that_hangs_or_floods_is_killed() {
    for command in ["sleep 1000", "yes", "trap '' TERM; while :; do :; done"] {
        let shell = format!("shell:{command}");
        let outcome = stalled(&["--on-gap", &shell, "--action-timeout", "200ms"]);
        assert_eq!(counts(&outcome), [0, 1], "{command}");
        assert_eq!(text(&outcome, "error"), "killed after 200 ms", "{command}");
        let words = action(&outcome)["runs"][0]["output"]
            .as_str()
            .unwrap_or_default();
        assert!(words.len() <= 2048, "{command}");
        assert_eq!(outcome.report["run"]["ended_by"], "duration", "{command}");
    }
}

#[test]
fn what_it_leaves_in_the_background_is_killed() {
    let outcome = stalled(&["--on-gap", "shell:sleep 1000 & echo $!"]);
    assert_eq!(counts(&outcome), [0, 1]);
    assert!(text(&outcome, "error").contains("background"));
    assert!(!is_alive(text(&outcome, "output")));
}

#[test]
fn an_ordinary_process_is_started() {
    let script = "shell:grep -E '^(SigBlk|SigIgn|NoNewPrivs|CapEff)' /proc/self/status; \
                  cut -d' ' -f41 /proc/self/stat";
    let outcome = stalled(&["--on-gap", script]);
    let words: Vec<&str> = text(&outcome, "output").split_whitespace().collect();
    let after = |name: &str| words[words.iter().position(|word| *word == name).unwrap() + 1];
    assert_eq!(after("SigBlk:"), "0000000000000000");
    // SIGPIPE ends it.
    assert_eq!(
        u64::from_str_radix(after("SigIgn:"), 16).unwrap() & 1 << 12,
        0
    );
    assert_eq!(after("CapEff:"), "0000000000000000");
    // SCHED_OTHER.
    assert_eq!(words.last(), Some(&"0"));
}

#[test]
fn actions_are_chosen_by_length_and_cause() {
    let gaps = |more: &[&str]| {
        let outcome = stalled(&[&["--on-gap", "shell::"], more].concat());
        number(&outcome.report["run"]["actions"]["gaps"])
    };
    assert_eq!(gaps(&["--on-gap-above", "200us"]), 0);
    assert_eq!(gaps(&["--hardlimit", "200us"]), 0);
    assert_eq!(gaps(&["--hardlimit", "200us", "--on-gap-above", "50us"]), 1);
    let any = stalled(&["--on-gap", "shell::", "--on-any"]);
    let all = any.report["gaps"].as_array().unwrap().len() as u64;
    assert!(all > 1);
    assert_eq!(number(&any.report["run"]["actions"]["gaps"]), all);
    let told = ["done", "failed", "busy"].map(|name| number(&action(&any)[name]));
    assert_eq!(told.iter().sum::<u64>(), all);
    let limited = ["--on-any", "--on-gap-limit", "1", "--on-gap", "shell::"];
    let limited = stalled(&limited);
    assert_eq!(counts(&limited), [1, 0]);
    assert_eq!(number(&action(&limited)["beyond_limit"]), all - 1);
}

#[test]
fn a_gap_may_end_the_run_after_what_else_is_done() {
    let options = ["--duration", "10s", "--cpus", "1", "--on-gap", "stop"];
    let more = [
        "--on-gap",
        "shell:sleep 0.2; echo done",
        "--on-end",
        "shell:echo $HWGAP_EVENT",
    ];
    let outcome = run(
        "stall",
        "bare-metal-intel",
        &[options.as_slice(), &more].concat(),
    );
    assert_eq!(outcome.report["run"]["ended_by"], "gap");
    assert_eq!(text(&outcome, "output"), "done");
    let at_end = &outcome.report["run"]["actions"]["actions"][1];
    assert_eq!(
        (&at_end["when"], &at_end["runs"][0]["output"]),
        (&"end".into(), &"end".into())
    );
}

#[test]
fn a_process_is_sent_a_signal() {
    let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    let signal = format!("signal:{}:TERM", sleeper.id());
    let outcome = stalled(&["--on-gap", &signal]);
    assert_eq!(counts(&outcome), [1, 0]);
    assert_eq!(sleeper.wait().unwrap().signal(), Some(15));
    // Its number is nobody's now.
    let refused = said("bare-metal-intel", &["--on-gap", &signal]);
    assert!(refused.contains(&signal), "{refused}");
}

/// A copy of a host's files, with a trace_marker in its tracefs.
fn with_marker() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts/bare-metal-intel");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(host.join("."))
        .arg(copy.path())
        .status();
    assert!(copied.unwrap().success());
    for file in ["", "instances/mine/"] {
        let folder = copy.path().join("sys/kernel/tracing").join(file);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("available_tracers"), "nop\n").unwrap();
        std::fs::write(folder.join("trace_marker"), "").unwrap();
    }
    copy
}

#[test]
fn a_line_is_written_to_the_trace() {
    let host = with_marker();
    let of = |file: &str| std::fs::read_to_string(host.path().join(file)).unwrap();
    let at = host.path().to_str().unwrap();
    let marks = [
        "--on-gap",
        "mark",
        "--on-gap",
        "mark:mine",
        "--on-end",
        "mark",
    ];
    let outcome = run("stall", at, &[&BASE, marks.as_slice()].concat());
    assert_eq!(counts(&outcome), [1, 0]);
    let mine = of("sys/kernel/tracing/instances/mine/trace_marker");
    assert!(mine.starts_with("hwgap: gap cpu=1 start_tsc="), "{mine}");
    assert!(mine.contains(" duration_ns=100"), "{mine}");
    let missing = said(at, &["--on-gap", "mark:other"]);
    assert!(
        missing.contains("instances/other/trace_marker"),
        "{missing}"
    );
}

#[test]
fn a_run_ends_with_its_command() {
    // Long enough for its time in user mode to be seen, which ticks sample.
    let loads = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    let command = ["--", "sh", "-c", &format!("echo hello; {loads}; exit 3")];
    let options = ["--cpus", "1", "--format", "json"];
    let outcome = run(
        "stall",
        "bare-metal-intel",
        &[options.as_slice(), &command].concat(),
    );
    let (ran, load) = (&outcome.report["run"], &outcome.report["run"]["command"]);
    assert_eq!(
        (&ran["ended_by"], &ran["planned_ns"]),
        (&"command".into(), &Value::Null)
    );
    assert_eq!(load["arguments"][2], command[3]);
    assert_eq!(
        (&load["exit_status"], &load["was_ended"]),
        (&3.into(), &false.into())
    );
    assert!(number(&load["elapsed_ns"]) > 0 && number(&load["user_ns"]) > 0);
    assert!(outcome.finding("load-failed").contains("exit status 3"));
    // Standard output is the report's alone.
    assert!(serde_json::from_str::<Value>(&outcome.text).is_ok());
    assert!(outcome.stderr.contains("hello"), "{}", outcome.stderr);
}

#[test]
fn a_command_is_an_ordinary_process() {
    let command = "grep SigBlk /proc/self/status; cut -d' ' -f41 /proc/self/stat";
    let outcome = run(
        "stall",
        "bare-metal-intel",
        &["--cpus", "1", "--", "sh", "-c", command],
    );
    // SCHED_OTHER.
    let told = "SigBlk:\t0000000000000000\n0\n";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
}

#[test]
fn a_command_ends_with_its_run() {
    let outcome = stalled(&["--", "sleep", "1000"]);
    let load = &outcome.report["run"]["command"];
    assert_eq!(outcome.report["run"]["ended_by"], "duration");
    assert_eq!(
        (&load["was_ended"], &load["signal"]),
        (&true.into(), &15.into())
    );
    assert!(!outcome.findings().contains(&"load-failed"));
}

/// Whether a process is there; whoever inherits it may not have reaped it yet.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn what_it_started_ends_with_a_run_that_is_killed() {
    let host = made_up_host("bare-metal-intel", &["stall"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    // Its child is to end as well. The end of the run waits for it.
    let shell = format!("shell:sleep 1000 & echo $$ $! >{}; wait", file.display());
    let mut run = Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .args(["run", "--duration", "95ms", "--cpus", "1", "--host-root"])
        .arg(host.path())
        .args(["--on-gap", &shell, "--action-timeout", "60s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = |what: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(60);
        while !what() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        what()
    };
    let pids = || std::fs::read_to_string(&file).unwrap_or_default();
    assert!(until(&|| pids().ends_with('\n')));
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(until(&|| !pids().split_whitespace().any(is_alive)));
}

/// What the program says on standard error where it refuses.
fn said(host: &str, arguments: &[&str]) -> String {
    let host = made_up_host(host, &["stall"]);
    let output = Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .args(["run", "--duration", "95ms", "--host-root"])
        .arg(host.path())
        .args(arguments)
        .env("PATH", "/nowhere")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {words}");
    words
}

#[test]
fn what_cannot_be_done_is_refused() {
    for (arguments, told) in [
        (&["--on-gap", "stop", "--on-gap", "continue"][..], "exclude"),
        (&["--on-end", "stop"], "--on-end"),
        (
            &["--on-gap", "mark", "--on-gap-above", "1us"],
            "--threshold",
        ),
        (
            &["--on-gap", "trace", "--trace-before", "2s"],
            "--trace-before",
        ),
        (&["--load-on-sampled"], "COMMAND"),
        (&["--stress", "cpu"], "stress-ng"),
        (&["--", "hwgap-no-such-program"], "no program"),
    ] {
        let words = said("bare-metal-intel", arguments);
        assert!(words.contains(told), "{arguments:?}: {words}");
    }
}
