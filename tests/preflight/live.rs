//! This machine, as the user of the tests and as an ordinary one.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use serde_json::Value;

use super::{SCHEMA, effect, hwgap, json};

/// nobody, whoever that is.
const NOBODY: u32 = 65_534;

/// What any host's answer must have.
fn check_live(output: &Output) -> Value {
    let status = output.status.code().unwrap();
    let report = json(output);
    assert_eq!(report["schema"], SCHEMA);
    assert_eq!(report["plan"]["tried"], true, "{report:#}");
    let expected = match report["verdict"]["result"].as_str().unwrap() {
        "ready" => 0,
        "will-be-disturbed" => 1,
        "cannot-measure" => 3,
        other => panic!("{other}"),
    };
    assert_eq!(status, expected);
    if status != 3 {
        let sources = report["evidence"].as_array().unwrap();
        for name in ["footprint", "smi-counter", "kernel-records", "tsc"] {
            assert!(sources.iter().any(|one| one["source"] == name), "{name}");
        }
        for missing in sources.iter().filter(|one| one["usable"] == false) {
            assert!(missing["costs"].is_string(), "{missing:#}");
        }
        assert_eq!(effect(&report, "samplers"), "none");
    }
    report
}

#[test]
fn this_machine_gets_an_answer() {
    check_live(&hwgap().args(["--format", "json"]).output().unwrap());
}

#[test]
fn an_ordinary_user_gets_an_answer_too() {
    if !nix::unistd::geteuid().is_root() {
        // Then the test above was this one.
        return;
    }
    // The folder of the build may be closed to others.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let binary = folder.path().join("hwgap");
    std::fs::copy(env!("CARGO_BIN_EXE_hwgap"), &binary).unwrap();
    let output = Command::new(&binary)
        .args(["preflight", "--format", "json"])
        .current_dir("/")
        .gid(NOBODY)
        .uid(NOBODY)
        .output()
        .unwrap();
    let report = check_live(&output);
    if output.status.code() != Some(3) {
        assert_eq!(effect(&report, "realtime-right"), "disturbs");
    }
}
