//! Why there is no journal to write to.

use std::io;
use std::path::Path;

use crate::files::state::{StateError, StateFolder};

use super::lock::LOCK;

/// The longest number of a process, and more.
const LONGEST_HOLDER: u64 = 64;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "another run of hwgap has changed settings of this host and is still going on{0}; wait \
         for it, or end it with SIGTERM"
    )]
    Locked(Holder),
    #[error(
        "an earlier run has left {changes} setting(s) of this host changed ({path}); put them \
         back with 'hwgap restore', or begin with --restore-first"
    )]
    Unrestored { changes: usize, path: String },
    /// Somebody else could have written it.
    #[error(
        "{0} may be written by others, or is another user's, and is ignored; chown it, or chmod \
         go-w it, or name another folder with --journal"
    )]
    NotOurs(String),
    #[error("{path} is not a journal of hwgap: {cause}")]
    Damaged { path: String, cause: String },
    /// The disk or its file system.
    #[error("{path}: {cause}; name another folder with --journal")]
    Io { path: String, cause: io::Error },
}

impl JournalError {
    pub(super) fn of_state(path: &Path, error: StateError) -> JournalError {
        let shown = path.display().to_string();
        match error {
            StateError::NotOurs(_) => JournalError::NotOurs(shown),
            StateError::TooLarge(_) => JournalError::Damaged {
                path: shown,
                cause: String::from("it is too large"),
            },
            StateError::Path(error) => JournalError::Io {
                path: shown,
                cause: error.into_io(),
            },
            StateError::System(cause) => JournalError::Io { path: shown, cause },
        }
    }
}

/// Who holds the lock, as far as it can be read.
#[derive(Debug)]
pub struct Holder(pub(super) Option<u32>);

impl Holder {
    /// Who wrote itself into the lock's file.
    pub(super) fn read(folder: &StateFolder) -> Holder {
        let text = folder.read(LOCK, LONGEST_HOLDER).ok();
        let text = text.and_then(|text| String::from_utf8(text).ok());
        Holder(text.and_then(|text| text.trim().parse().ok()))
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(process) => write!(f, " (process {process})"),
            None => Ok(()),
        }
    }
}
