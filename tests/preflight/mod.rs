//! `hwgap preflight`: its text for the host trees, compared with the files in
//! tests/golden, its JSON, and its answer on this machine.
//!
//! After a wanted change write the files anew and read the difference:
//! `UPDATE_GOLDEN=1 cargo test --test all preflight && git diff tests/golden`.

mod live;
mod trees;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const SCHEMA: &str = "hwgap.preflight";

fn hwgap() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hwgap"));
    command.env_remove("NO_COLOR").arg("preflight");
    command
}

fn tree(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/hosts")
        .join(name);
    assert!(folder.is_dir(), "{} is missing", folder.display());
    folder
}

fn of_host(folder: &Path, more: &[&str]) -> Output {
    let mut command = hwgap();
    command.arg("--host-root").arg(folder).args(more);
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A copy of a tree that the caller may change.
fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new("cp")
        .arg("-r")
        .arg(format!("{}/.", tree(name).display()))
        .arg(folder.path())
        .status();
    assert!(done.unwrap().success());
    folder
}

/// The effect of a finding; a panic where it is not there.
fn effect(report: &Value, id: &str) -> String {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["id"] == id);
    let effect = &found.unwrap_or_else(|| panic!("no finding {id}"))["effect"];
    effect.as_str().unwrap().to_owned()
}
