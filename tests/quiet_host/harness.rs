//! A copy of a made-up host, and the program started on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::made_up_host::made_up_host;

/// Files of a host by their path below its root.
type Files = BTreeMap<PathBuf, Vec<u8>>;
/// The values in them.
pub type Values = BTreeMap<PathBuf, String>;

/// Requires that each file holds what it held, and names those that do not.
pub fn assert_as_before(before: &Values, host: &Host) {
    let after = host.values();
    let changed: Vec<_> = (before.iter())
        .filter(|(name, value)| after.get(*name) != Some(value))
        .map(|(name, value)| (name, value, after.get(name)))
        .collect();
    assert!(changed.is_empty(), "{changed:#?}");
    assert_eq!(before.len(), after.len());
}

/// A real file shows what was written among its other choices, and with a
/// newline; a made-up one keeps what it got.
fn value(text: &str) -> String {
    let chosen = |word: &str| word.strip_prefix('[')?.strip_suffix(']').map(str::to_owned);
    let choice = text.split_whitespace().find_map(chosen);
    choice.unwrap_or_else(|| text.trim().to_owned())
}

/// A host of four CPUs, in a folder of its own.
pub struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    pub fn new() -> Host {
        let host = Host {
            folder: tempfile::tempdir().unwrap(),
        };
        let fixture = made_up_host("bare-metal-intel", &["quiet"]);
        for (name, content) in files_below(fixture.path()) {
            let path = host.root().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        host.write("proc/sys/kernel/random/boot_id", "one-boot\n");
        host
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    pub fn read(&self, file: &str) -> String {
        let text = fs::read_to_string(self.root().join(file)).unwrap();
        text.trim().to_owned()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The values in all its files.
    pub fn values(&self) -> Values {
        files_below(&self.root())
            .into_iter()
            .map(|(name, text)| (name, value(&String::from_utf8_lossy(&text))))
            .collect()
    }

    /// `hwgap` with these arguments, this host and its journal.
    pub fn hwgap(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hwgap"));
        command
            .args(arguments)
            .arg("--host-root")
            .arg(self.root())
            .arg("--journal")
            .arg(self.journal())
            .stdin(Stdio::null());
        command
    }

    /// `hwgap run` on CPUs 2 and 3.
    pub fn run(&self, more: &[&str]) -> Command {
        self.hwgap(&[&["run", "--cpus", "2,3"], more].concat())
    }
}

fn files_below(root: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(root).unwrap().to_owned();
                    files.insert(name, fs::read(path).unwrap());
                }
            }
        }
    }
    files
}

/// What a command said, with its exit status.
pub fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// The settings of a report or of a plan: step, file, result, value for the run.
pub fn settings(document: &Value) -> Vec<(&str, &str, &str, Option<&str>)> {
    let settings = document["settings"].as_array().unwrap();
    (settings.iter())
        .map(|setting| {
            (
                setting["step"].as_str().unwrap(),
                setting["setting"].as_str().unwrap(),
                setting["result"].as_str().unwrap(),
                setting["during"].as_str(),
            )
        })
        .collect()
}
