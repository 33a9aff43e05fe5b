//! Where the latest self-test of this host is kept, for later reports.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::state::{self, StateFolder};
use crate::host::Host;
use crate::model::selftest::{DAYS_VALID, SCHEMA, SelfTest, TestedHost};

/// A result is a few kilobytes; anything longer is not one.
const LONGEST: u64 = 1 << 20;

/// The file, in hwgap's own folder. `None` where a user has no home.
pub fn default_path() -> Option<PathBuf> {
    Some(state::default_folder()?.join("selftest.json"))
}

/// Stores a result in hwgap's own folder, in place of an earlier one.
///
/// # Errors
/// Where the folder is not this user's alone, or cannot be had.
pub fn save(test: &SelfTest, path: &Path) -> io::Result<()> {
    let (folder, name) = place(path).ok_or(io::ErrorKind::InvalidInput)?;
    let text = serde_json::to_string_pretty(test)? + "\n";
    (StateFolder::make(folder).and_then(|folder| folder.replace(name, text.as_bytes())))
        .map_err(io::Error::other)
}

/// The stored result, if there is one for this host as it is now: another
/// kernel or microcode has to be tested anew, and so has what was tested long
/// ago. What somebody else may have written says nothing.
pub fn load(path: &Path, host: &Host) -> Option<SelfTest> {
    let (folder, name) = place(path)?;
    let text = StateFolder::open(folder).ok()?.read(name, LONGEST).ok()?;
    let test = parse(&text).filter(|test| test.host == tested_host(host))?;
    let days = test.days_before(&jiff::Timestamp::now().to_string());
    let is_fresh = days.is_some_and(|days| (-1..=DAYS_VALID).contains(&days));
    is_fresh.then_some(test)
}

/// A result from its text; `None` where it is none.
pub fn parse(text: &[u8]) -> Option<SelfTest> {
    let test: SelfTest = serde_json::from_slice(text).ok()?;
    (test.schema == SCHEMA).then_some(test)
}

fn place(path: &Path) -> Option<(&Path, &str)> {
    Some((path.parent()?, path.file_name()?.to_str()?))
}

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
