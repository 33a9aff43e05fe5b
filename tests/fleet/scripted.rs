//! Reports of the program itself, on scripted machines.

use std::path::PathBuf;

use assert_cmd::Command;

use super::place::{Place, root};
use crate::made_up_host::made_up_host;

/// Runs a script, and gives the report that it wrote.
pub fn report(place: &Place, script: &str, options: &[&str]) -> Vec<u8> {
    let file: PathBuf = place.path(&format!("{script}.json"));
    let host = made_up_host("bare-metal-intel", &[script]);
    let output = Command::cargo_bin("hwgap")
        .unwrap()
        .args(["run", "--quiet", "--host-root"])
        .arg(host.path())
        .arg("--output")
        .arg(&file)
        .args(options)
        .output()
        .unwrap();
    let status = output.status.code().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!([0, 1, 3].contains(&status), "{script}: {errors}");
    std::fs::read(&file).unwrap()
}

#[test]
fn reports_with_actions_and_a_command_are_taken() {
    let place = Place::new();
    let gaps = ["--duration", "95ms", "--cpus", "1", "--on-gap", "shell::"];
    for options in [
        &["--on-any", "--on-end", "shell:exit 3"][..],
        &[
            "--on-any",
            "--on-gap-limit",
            "1",
            "--on-gap",
            "shell:exit 1",
        ],
        &["--on-gap-above", "1s", "--", "sh", "-c", "sleep 1; exit 3"],
        &["--", "sleep", "1000"],
    ] {
        let text = report(&place, "stall", &[&gaps[..], options].concat());
        if let Err(problem) = hwgap::read::brief::from_slice(&text) {
            panic!("{options:?}: {problem}");
        }
    }
}

/// What the program writes does not contradict itself.
#[test]
fn reports_of_every_script_are_taken() {
    let place = Place::new();
    let folder = std::fs::read_dir(root().join("fixtures/scripts")).unwrap();
    let mut names: Vec<String> = folder
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    for name in &names {
        let text = report(&place, name, &["--duration", "1s"]);
        if let Err(problem) = hwgap::read::brief::from_slice(&text) {
            panic!("{name}: {problem}");
        }
        // A limit above the threshold, and two engines in turn.
        let options = [
            "--duration",
            "1s",
            "--threshold",
            "10us",
            "--hardlimit",
            "60us",
        ];
        let text = report(&place, name, &options);
        if let Err(problem) = hwgap::read::brief::from_slice(&text) {
            panic!("{name}, with a limit: {problem}");
        }
    }
    assert!(names.len() > 20);
}
