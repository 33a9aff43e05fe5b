//! Where the latest self-test of this host is kept, for later reports.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::Host;

use super::{DAYS_VALID, SCHEMA, SelfTest, TestedHost};

/// A result is a few kilobytes; anything longer is not one.
const LONGEST: u64 = 1 << 20;

/// The file: under /var/lib for root, else under the user's state folder (XDG
/// Base Directory Specification). `None` where a user has no home.
pub fn default_path() -> Option<PathBuf> {
    if nix::unistd::Uid::effective().is_root() {
        return Some(PathBuf::from("/var/lib/hwgap/selftest.json"));
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/state")))?;
    Some(state.join("hwgap/selftest.json"))
}

/// Stores a result, in place of an earlier one.
///
/// # Errors
/// Those of the file system.
pub fn save(test: &SelfTest, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("json.{}", std::process::id()));
    let text = serde_json::to_string_pretty(test)?;
    let written = fs::write(&temporary, text + "\n").and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Nothing more can be done about a file that resists.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The stored result, if there is one for this host as it is now: another
/// kernel or microcode has to be tested anew, and so has what was tested long
/// ago.
pub fn load(path: &Path, host: &Host) -> Option<SelfTest> {
    if fs::metadata(path).ok()?.len() > LONGEST {
        return None;
    }
    let test: SelfTest = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    let days = test.days_before(&jiff::Timestamp::now().to_string());
    let is_fresh = days.is_some_and(|days| (-1..=DAYS_VALID).contains(&days));
    (test.schema == SCHEMA && test.host == tested_host(host) && is_fresh).then_some(test)
}

/// What a result holds for.
pub fn tested_host(host: &Host) -> TestedHost {
    let text = |known: &Result<String, _>| known.as_ref().ok().cloned();
    TestedHost {
        hostname: text(&host.identity.hostname),
        kernel: host
            .kernel
            .release
            .as_ref()
            .ok()
            .map(|release| release.as_str().to_owned()),
        cpu: text(&host.cpu_model.name),
        microcode: text(&host.cpu_model.microcode),
    }
}
