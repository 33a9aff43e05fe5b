//! `contrib/hwlatdetect`, for callers that name an interpreter.

use std::process::Command;

use super::harness::{Said, repository};
use super::made_up_host::made_up_host;

fn through(interpreter: Option<&str>, program: &str, arguments: &[&str]) -> Option<Said> {
    let shim = repository("contrib/hwlatdetect");
    let mut command = match interpreter {
        Some(interpreter) => {
            let mut command = Command::new(interpreter);
            command.arg(&shim);
            command
        }
        None => Command::new(&shim),
    };
    match command.args(arguments).env("HWGAP", program).output() {
        Ok(output) => Some(output.into()),
        Err(error) => {
            eprintln!("skipped: {interpreter:?}: {error}");
            None
        }
    }
}

#[test]
fn the_shim_serves_whoever_calls_it() {
    for interpreter in [None, Some("sh"), Some("python3")] {
        // As OpenShift's runner calls it, but shorter and on a script.
        let host = made_up_host("bare-metal-intel", &["drop-in-latency"]);
        let arguments = [
            "--threshold",
            "20",
            "--hardlimit",
            "20",
            "--duration",
            "0.1s",
            "--window",
            "10000000us",
            "--width",
            "950000us",
            "--host-root",
            host.path().to_str().unwrap(),
        ];
        let Some(said) = through(interpreter, env!("CARGO_BIN_EXE_hwgap"), &arguments) else {
            continue;
        };
        assert_eq!(said.status, 1, "{interpreter:?}: {}", said.stderr);
        assert_eq!(said.value("Sample width:"), "950000us");
        assert_eq!(said.value("Max Latency:"), "251us");
    }
}

#[test]
fn the_shim_says_what_is_missing() {
    for interpreter in [None, Some("sh"), Some("python3")] {
        let Some(said) = through(interpreter, "/nowhere/hwgap", &["--duration=1"]) else {
            continue;
        };
        assert_eq!(said.status, 3, "{interpreter:?}");
        assert!(said.stderr.contains("/nowhere/hwgap"), "{}", said.stderr);
        assert!(!said.stderr.contains("Traceback"), "{}", said.stderr);
    }
}
