//! Starts the program and takes what it says.

use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long something is waited for that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether it comes true in time.
pub fn comes_true(mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        match holds() {
            false if begun.elapsed() < PATIENCE => sleep(Duration::from_millis(10)),
            held => return held,
        }
    }
}

/// What a run said.
pub struct Said {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// `hwgap run` with these arguments, not yet started. A pause in each window
/// keeps other tests running beside it, also as root.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hwgap"));
    command.arg("run").args(arguments).stdin(Stdio::null());
    command
}

/// Runs to the end.
pub fn run(arguments: &[&str]) -> Said {
    command(arguments).output().unwrap().into()
}

/// A live run of a fifth of a second.
pub fn live(arguments: &[&str]) -> Said {
    let mut all = vec!["--duration", "200ms", "--width", "8ms", "--window", "10ms"];
    all.extend(arguments);
    run(&all)
}

/// Asserts that a run measured: it has a result, whichever.
pub fn measured(said: &Said) {
    assert!(
        matches!(said.status, Some(0 | 1 | 3)),
        "{:?}: {}",
        said.status,
        said.stderr
    );
}

/// Reads a report.
pub fn report(text: &str) -> Value {
    let report: Value = serde_json::from_str(text).unwrap();
    assert_eq!(report["schema"], "hwgap.report");
    report
}
