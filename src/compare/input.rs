//! The reports of one side, read and checked.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::model::{Gap, Report};
use crate::read::saved as read;
use crate::read::saved::ReadError;

/// A saved run, as typed fields and as the tree that describes its machine.
#[derive(Clone, Debug)]
pub struct SavedRun {
    pub file: String,
    /// Lower-case hexadecimal SHA-256 of its bytes.
    pub sha256: String,
    pub report: Report,
    /// All that is said of the machine, by whatever version wrote it.
    pub machine: Machine,
}

/// The parts of a report that describe the machine. They are kept as they
/// stand, so that fields of later versions are compared as well.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Machine {
    #[serde(default)]
    pub host: Value,
    /// The object `inventory`, which not all versions write.
    #[serde(default)]
    pub inventory: Value,
}

/// Why files cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{0}")]
    Unreadable(#[from] ReadError),
    /// A report's gap that no clock can have seen.
    #[error("{file}: is not a valid report: gaps[{index}] ends at cycle {end}, before it starts")]
    BackwardGap {
        file: String,
        /// Which gap, from 0.
        index: usize,
        end: u64,
    },
    /// A report without a sampled CPU.
    #[error("{file}: is not a report that can be compared: cpus is empty, nothing was sampled")]
    NoCpu { file: String },
    /// One run counted twice would make chance look like certainty.
    #[error("{first} and {second} hold the same run; name each run once")]
    SameRun { first: String, second: String },
}

/// Reads the reports of both sides.
///
/// # Errors
/// Names the file, the place and the cause.
pub fn load(
    before: &[PathBuf],
    after: &[PathBuf],
) -> Result<(Vec<SavedRun>, Vec<SavedRun>), InputError> {
    let side = |files: &[PathBuf]| -> Result<Vec<SavedRun>, InputError> {
        files.iter().map(|file| one(file)).collect()
    };
    let (before, after) = (side(before)?, side(after)?);
    let all: Vec<&SavedRun> = before.iter().chain(&after).collect();
    for (at, run) in all.iter().enumerate() {
        if let Some(first) = all[..at].iter().find(|first| is_same(first, run)) {
            return Err(InputError::SameRun {
                first: first.file.clone(),
                second: run.file.clone(),
            });
        }
    }
    Ok((before, after))
}

fn one(path: &Path) -> Result<SavedRun, InputError> {
    let (read, machine) = read::hashed_with::<Vec<Gap>, Machine>(path)?;
    let run = SavedRun {
        file: path.to_string_lossy().into_owned(),
        sha256: read.sha256,
        report: read.report,
        machine,
    };
    run.check()?;
    Ok(run)
}

impl SavedRun {
    /// Refuses what the arithmetic of stalls must not meet.
    ///
    /// # Errors
    /// Names the place.
    pub fn check(&self) -> Result<(), InputError> {
        let file = || self.file.escape_debug().to_string();
        if self.report.cpus.is_empty() {
            return Err(InputError::NoCpu { file: file() });
        }
        let backward = |gap: &Gap| gap.end_cycles < gap.start_cycles;
        match self.report.gaps.iter().position(backward) {
            Some(index) => Err(InputError::BackwardGap {
                file: file(),
                index,
                end: self.report.gaps[index].end_cycles.0,
            }),
            None => Ok(()),
        }
    }
}

/// The TSC at the start and the moment of the start tell runs apart, even of
/// one machine.
fn is_same(a: &SavedRun, b: &SavedRun) -> bool {
    let identity = |run: &SavedRun| {
        let report = &run.report;
        (
            report.tsc.origin.clone(),
            report.run.started_utc.clone(),
            report.host.hostname.clone(),
        )
    };
    identity(a) == identity(b)
}
