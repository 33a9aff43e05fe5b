//! Why there is no journal to write to.

use std::fs;
use std::io;
use std::path::Path;

/// Why there is no journal, or none to go on with.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody works on it.
    #[error(
        "another run of hwgap has changed settings of this host and is still going on{0}; wait \
         for it, or end it with SIGTERM"
    )]
    Locked(Holder),
    /// A run left changes behind.
    #[error(
        "an earlier run has left {changes} setting(s) of this host changed ({path}); put them \
         back with 'hwgap restore', or begin with --restore-first"
    )]
    Unrestored {
        /// How many.
        changes: usize,
        /// The journal.
        path: String,
    },
    /// Somebody else could have written it.
    #[error("{0} is not this user's alone, so that what it says is not followed")]
    NotOurs(String),
    /// It is no journal.
    #[error("{path} is not a journal of hwgap: {cause}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        cause: String,
    },
    /// The disk or its file system.
    #[error("{path}: {cause}; name another folder with --journal")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
}

/// Who holds the lock, as far as it can be read.
#[derive(Debug)]
pub struct Holder(pub(super) Option<u32>);

impl Holder {
    /// Who wrote itself into the lock's file.
    pub(super) fn read(lock: &Path) -> Holder {
        let text = fs::read_to_string(lock).ok();
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
