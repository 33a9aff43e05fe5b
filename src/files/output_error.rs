//! Why an output cannot be written, with the next step.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::PathError;

/// An output that cannot be written. The message holds the reason, so the error
/// has no source: a chain would print it twice.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {file:?}: {reason}")]
pub struct OutputError {
    /// The output as the user named it.
    pub file: PathBuf,
    /// Why, and the next step.
    pub reason: Reason,
}

/// Why an output cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    #[error("the name is empty; name a file, or - for standard output")]
    NoName,
    #[error("it is a folder; name a file in it")]
    IsFolder,
    /// The target is a block device.
    #[error("it is a disk; name a file")]
    IsDisk,
    #[error("the folder {0:?} does not exist; create it first (mkdir -p)")]
    FolderMissing(PathBuf),
    /// What should be the folder of the target is none.
    #[error("{0:?} is not a folder; choose another path")]
    NotAFolder(PathBuf),
    /// A socket, or something that is stranger still.
    #[error("it is neither a file nor a pipe nor a device; name a file")]
    NoFile,
    /// A link that another user made, or one of procfs.
    #[error("{0}; name the file itself")]
    Link(PathError),
    #[error("it is a pipe that nobody has read for {0} s; start its reader first")]
    NoReader(u64),
    /// A symbolic link without a target.
    #[error("it is a symbolic link to nothing; remove it or create what it names")]
    DanglingLink,
    #[error("no permission to write to {0:?}; choose another folder, or change its owner or mode")]
    Denied(PathBuf),
    /// A file system mounted read-only.
    #[error("{0:?} lies on a read-only file system; choose another folder")]
    ReadOnly(PathBuf),
    #[error("the disk is full or the quota used up; free some space, or choose another folder")]
    Full,
    #[error("its reader has closed it")]
    Closed,
    #[error("{0}")]
    Other(io::Error),
}

impl OutputError {
    pub(crate) fn new(file: &Path, reason: Reason) -> OutputError {
        OutputError {
            file: file.to_owned(),
            reason,
        }
    }

    /// Whether the reader of a pipe has gone, which is no fault of the run.
    pub fn is_closed(&self) -> bool {
        matches!(self.reason, Reason::Closed)
    }
}

impl Reason {
    pub(crate) fn of_path(path: &Path, error: PathError) -> Reason {
        match error {
            PathError::Missing(folder) => Reason::FolderMissing(folder),
            PathError::NotAFolder(place) => Reason::NotAFolder(place),
            PathError::System(error) => Reason::of_open(path, error),
            link @ (PathError::ForeignLink(_) | PathError::MagicLink(_)) => Reason::Link(link),
        }
    }

    pub(crate) fn of_open(place: &Path, error: io::Error) -> Reason {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Reason::Denied(place.to_owned()),
            io::ErrorKind::ReadOnlyFilesystem => Reason::ReadOnly(place.to_owned()),
            io::ErrorKind::NotADirectory => Reason::NotAFolder(place.to_owned()),
            _ => Reason::of_write(error),
        }
    }

    pub(crate) fn of_write(error: io::Error) -> Reason {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Reason::Full,
            io::ErrorKind::BrokenPipe => Reason::Closed,
            _ => Reason::Other(error),
        }
    }
}
