//! The reports of both sides, read and checked.

use std::path::Path;

use crate::model::absence::HostReport;
use crate::model::{EngineName, Gap, Report};
use crate::read::saved::{self, ReadError};
use crate::units::{CpuId, Cycles};

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
    /// Two gaps that no clock can have seen one after the other.
    #[error(
        "{file}: is not a valid report: gaps[{first}] and gaps[{second}] of CPU {cpu} overlap; run hwgap in the guest again"
    )]
    OverlappingGaps {
        /// The file.
        file: String,
        /// The one that begins first, from 0.
        first: usize,
        /// The other one.
        second: usize,
        /// Their CPU.
        cpu: CpuId,
    },
}

/// The report of a guest's run.
///
/// # Errors
/// Names the file, the place and the cause.
pub fn guest(path: &Path) -> Result<Report, InputError> {
    let report: Report<Vec<Gap>> = saved::file(path)?;
    let file = || crate::text::clean_text(&path.to_string_lossy());
    let backward = |gap: &Gap| gap.end_cycles < gap.start_cycles;
    if let Some(index) = report.gaps.iter().position(backward) {
        return Err(InputError::BackwardGap {
            file: file(),
            index,
        });
    }
    match overlapping(&report) {
        Some((first, second)) => Err(InputError::OverlappingGaps {
            file: file(),
            first,
            second,
            cpu: report.gaps[first].cpu,
        }),
        None => Ok(report),
    }
}

/// Two gaps of one CPU that overlap. Engines that take turns have each its own; a
/// tracer of the kernel's rounds moments and lengths.
fn overlapping(report: &Report) -> Option<(usize, usize)> {
    let engine = |gap: &Gap| gap.engine.unwrap_or(report.run.engine);
    let over = |gap: &Gap| match engine(gap) {
        EngineName::Hwlat | EngineName::Osnoise => {
            let length = gap.end_cycles.since(gap.start_cycles);
            gap.start_cycles.saturating_add(Cycles(length.0 / 2))
        }
        _ => gap.end_cycles,
    };
    // The moments of several that share a record are not known.
    let gaps = (report.gaps.iter().enumerate()).filter(|(_, gap)| gap.companions.is_none());
    let of_one = |gap: &Gap| (gap.cpu, engine(gap).name());
    let mut gaps: Vec<(usize, &Gap)> = gaps.collect();
    gaps.sort_by_key(|(_, gap)| (of_one(gap), gap.start_cycles, gap.end_cycles));
    gaps.windows(2).find_map(|two| {
        let [(first, gap), (second, next)] = two else {
            return None;
        };
        let overlap = of_one(gap) == of_one(next) && next.start_cycles < over(gap);
        overlap.then_some((*first, *second))
    })
}

/// The report of a host.
///
/// # Errors
/// Names the file, the place and the cause.
pub fn host(path: &Path) -> Result<HostReport, InputError> {
    Ok(crate::read::host::file(path)?)
}
