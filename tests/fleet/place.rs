//! Synthetic fleets in a folder, and what the program says of them.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::synthetic::{Fault, Recipe, hosts, write};

/// A policy that most synthetic hosts pass.
pub const POLICY: &str = "name = \"test\"\n[limits]\nworst = \"100us\"\n";

/// A folder for the files of a test.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.file("p.toml", POLICY);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs `hwgap fleet` in this folder.
    pub fn fleet(&self, arguments: &[&str]) -> Said {
        let mut command = Command::cargo_bin("hwgap").unwrap();
        command
            .current_dir(self.0.path())
            .arg("fleet")
            .args(arguments);
        said(&mut command)
    }

    /// The same, its answer as JSON.
    pub fn answer(&self, arguments: &[&str]) -> (i32, Value) {
        let said = self.fleet(&[arguments, &["--format", "json"]].concat());
        (
            said.status,
            serde_json::from_str(&said.text)
                .unwrap_or_else(|error| panic!("{error}: {}{}", said.text, said.errors)),
        )
    }
}

/// What the program said.
pub struct Said {
    pub status: i32,
    pub text: String,
    pub errors: String,
}

pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        status: output.status.code().unwrap(),
        text: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The reports of a synthetic fleet.
pub fn reports(count: usize, seed: u64, faults: &[Fault]) -> Vec<Vec<u8>> {
    let recipe = Recipe {
        hosts: count,
        seed,
        faults: faults.to_vec(),
    };
    let text = |host| {
        let mut text = Vec::new();
        write(&host, &mut text).unwrap();
        text
    };
    hosts(&recipe).map(text).collect()
}

/// One report of a host of this name, changed.
pub fn report(name: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(&reports(1, 5, &[])[0]).unwrap();
    value["host"]["hostname"] = json!(name);
    change(&mut value);
    serde_json::to_vec(&value).unwrap()
}

/// A report of a run of this host that began so many hours after the first,
/// with stalls of these lengths.
pub fn run(
    name: &str,
    hour: usize,
    lengths_us: &[u64],
    change: impl FnOnce(&mut Value),
) -> Vec<u8> {
    let recipe = Recipe {
        hosts: 1,
        seed: 5,
        faults: Vec::new(),
    };
    let mut host = hosts(&recipe).next().unwrap();
    host.number = 60 * hour;
    host.smis = (lengths_us.iter().enumerate())
        .map(|(at, length)| (1.0 + at as f64, *length as f64))
        .collect();
    let mut text = Vec::new();
    write(&host, &mut text).unwrap();
    let mut value: Value = serde_json::from_slice(&text).unwrap();
    value["host"]["hostname"] = json!(name);
    change(&mut value);
    serde_json::to_vec(&value).unwrap()
}

/// Names of hosts with a result.
pub fn with_result<'a>(answer: &'a Value, result: &str) -> Vec<&'a str> {
    let hosts = answer["hosts"].as_array().unwrap().iter();
    let hosts = hosts.filter(|host| host["result"] == result);
    hosts.map(|host| host["host"].as_str().unwrap()).collect()
}

/// Folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
