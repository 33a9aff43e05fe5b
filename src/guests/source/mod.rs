//! Where the events of vCPUs come from: BPF programs, else tracepoints.

use super::event::Event;
use super::find::{FoundGuest, Wanted};
use crate::host::root::Root;
use crate::model::absence::{HostSource, SmiRise};
use crate::units::Nanos;

/// Which source is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// BPF programs where they can be had.
    Best,
    /// Tracepoints, every record of them.
    Tracepoints,
}

/// Why vCPUs cannot be observed.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Whatever is missing, with its remedy.
    #[error("{0}")]
    Missing(String),
}

/// What is known of the source so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which one it is.
    pub source: HostSource,
    /// Why that is not BPF, where it is not.
    pub reason: Option<String>,
    /// Records that the kernel could not keep.
    pub lost_records: u64,
    /// How far the times of events may be from the TSC, at most.
    pub clock_error: Nanos,
    /// The time that the kernel's hooks took, where it counts that.
    pub hooks: Option<Nanos>,
}

/// An open source. The kernel forgets all of it when this is dropped.
pub struct Source {}

/// Begins to record absences longer than `threshold`.
///
/// # Errors
/// Where neither source can be had, or there is no KVM.
pub fn open(
    _wanted: &Wanted,
    _threshold: Nanos,
    _choice: Choice,
    _root: &Root,
) -> Result<Source, SourceError> {
    Err(SourceError::Missing(String::from("not yet")))
}

impl Source {
    /// What has happened since the last call, in order of time, up to what is
    /// complete. To be called about every 50 ms.
    pub fn poll(&mut self) -> Vec<Event> {
        Vec::new()
    }

    /// The same, with all that is left: the observation ends.
    pub fn finish(&mut self) -> Vec<Event> {
        Vec::new()
    }

    /// The guests that are known by now: also those that were found since it
    /// began. Their TSC and waiting times are those of the latest poll.
    pub fn guests(&self) -> &[FoundGuest] {
        &[]
    }

    /// When the SMI count of a CPU rose, in cycles of the host's TSC itself; or why
    /// it cannot be read.
    pub fn smi_rises(&self) -> Result<&[SmiRise], &str> {
        Err("not yet")
    }

    /// What is known of the source so far.
    pub fn standing(&self) -> Standing {
        Standing {
            source: HostSource::Bpf,
            reason: None,
            lost_records: 0,
            clock_error: Nanos(0),
            hooks: None,
        }
    }
}
