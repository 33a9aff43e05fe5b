//! Starts the drop-in and takes what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::clients::Answer;
use super::made_up_host::made_up_host;

/// What it said.
pub struct Said {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            status: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    pub fn answer(&self) -> Answer<'_> {
        Answer {
            status: self.status,
            stdout: &self.stdout,
        }
    }

    /// What follows a name at the beginning of a line.
    pub fn value(&self, name: &str) -> &str {
        let mut lines = self.stdout.lines();
        let value = lines.find_map(|line| line.trim_start().strip_prefix(name));
        value
            .unwrap_or_else(|| panic!("no {name:?} in:\n{}", self.stdout))
            .trim()
    }
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `hwgap hwlatdetect` with these arguments, not yet started.
pub fn command<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hwgap"));
    command
        .arg("hwlatdetect")
        .args(arguments)
        .env_remove("HWLATDETECT_FORMAT_VERSION")
        .stdin(Stdio::null());
    command
}

/// The same on a scripted clock, on the host tree of this name.
pub fn on_host<S: AsRef<std::ffi::OsStr>>(script: &str, host: &str, arguments: &[S]) -> Said {
    let host = made_up_host(host, &[script]);
    let mut command = command(arguments);
    command.arg("--host-root").arg(host.path());
    command.output().unwrap().into()
}

/// The same on bare metal.
pub fn scripted<S: AsRef<std::ffi::OsStr>>(script: &str, arguments: &[S]) -> Said {
    on_host(script, "bare-metal-intel", arguments)
}
