//! The reports of both sides, read and checked.

use std::path::Path;

use crate::model::absence::HostReport;
use crate::model::{Gap, Report};
use crate::read::saved::{self, ReadError};

/// Why reports cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file is no report.
    #[error("{0}")]
    Unreadable(#[from] ReadError),
    /// A gap that no clock can have seen.
    #[error("{file}: is not a valid report: gaps[{index}] ends before it starts")]
    BackwardGap {
        /// The file.
        file: String,
        /// Which gap, from 0.
        index: usize,
    },
}

/// The report of a guest's run.
///
/// # Errors
/// Names the file, the place and the cause.
pub fn guest(path: &Path) -> Result<Report, InputError> {
    let report: Report<Vec<Gap>> = saved::file(path)?;
    let backward = |gap: &Gap| gap.end_cycles < gap.start_cycles;
    match report.gaps.iter().position(backward) {
        Some(index) => Err(InputError::BackwardGap {
            file: crate::text::clean_text(&path.to_string_lossy()),
            index,
        }),
        None => Ok(report),
    }
}

/// The report of a host.
///
/// # Errors
/// Names the file, the place and the cause.
pub fn host(path: &Path) -> Result<HostReport, InputError> {
    Ok(crate::read::host::file(path)?)
}
