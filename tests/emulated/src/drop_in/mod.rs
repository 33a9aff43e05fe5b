//! hwgap in the place of hwlatdetect, and Debian's hwlatdetect beside it: the
//! same machine, the same boot, the same options, the same SMIs.

// The parsers of the programs that call hwlatdetect, as the other tests have
// them.
#[path = "../../../hwlatdetect/clients.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod clients;
mod job;
mod judge;
mod samples;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::guest;
use crate::machine::{Boot, HostFiles};
use crate::patience;
use crate::scenario::Machine;
use crate::suite::Folders;

pub use judge::Findings;

/// The only kernel package with the tracer that Debian's hwlatdetect needs.
pub const KERNEL: &str = "6.1-rt";

/// The name of the boot's folder.
const NAME: &str = "drop-in";

/// Boots the machine, runs both programs, and judges.
///
/// # Errors
/// Where the machine cannot be had.
pub fn run(folders: &Folders) -> Result<Findings> {
    let folder = folders.boot_folder(NAME)?;
    let mut early = vec!["msr"];
    early.extend(guest::LATE_MODULES);
    let machine = Machine {
        kernel: KERNEL.into(),
        ..Machine::default()
    };
    Boot {
        machine: &machine,
        kernel: folders.kernel(KERNEL),
        initramfs: &folders.initramfs(KERNEL, &early, &job::script())?,
        folder: &folder,
        change: None,
        host_files: HostFiles::ReadOnly,
        most: patience::MOST,
    }
    .run()?;
    judge_again(folders)
}

/// Judges what the last boot left.
///
/// # Errors
/// Where it left less than all.
pub fn judge_again(folders: &Folders) -> Result<Findings> {
    judge::judge(&folders.cache.join("runs").join(NAME).join("results"))
}

fn read(results: &Path, name: &str) -> Result<String> {
    fs::read_to_string(results.join(name)).with_context(|| format!("the guest left no {name}"))
}
