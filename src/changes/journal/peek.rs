//! A look at what an earlier run has left, by a run that changes nothing: it
//! takes nothing over, and removes nothing.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::super::access::Access;
use super::super::restore::booted_since;
use super::error::{Holder, JournalError};
use super::form::{self, Content};
use super::{JOURNAL, check, lock};

/// Why settings of the host may not be its own.
#[derive(Debug, thiserror::Error)]
pub enum Earlier {
    /// A run was cut off, and nobody has put back what it changed.
    #[error("an earlier run has left {changes} setting(s) of this host changed ({path})")]
    Unrestored {
        /// How many changes.
        changes: usize,
        /// The journal.
        path: String,
    },
    /// Another run goes on, or its changes are being put back.
    #[error("another run of hwgap holds settings of this host changed{0}")]
    AtWork(Holder),
    /// There is a journal, and what it says cannot be known.
    #[error("whether an earlier run has left settings of this host changed is not known: {0}")]
    Unknown(JournalError),
}

/// What stands in the journal of `folder`, unless that is of an earlier boot of
/// the host. `None` where nothing is left.
pub fn peek(folder: &Path, access: &dyn Access) -> Option<Earlier> {
    let path = folder.join(JOURNAL);
    let shown = path.display().to_string();
    let content = match content(&path) {
        Ok(Some(content)) => content,
        Ok(None) => return None,
        Err(error) => return Some(Earlier::Unknown(error)),
    };
    let changes = content.standing.len() + content.unreadable;
    if changes == 0 || booted_since(&content.header.boot_id, access) {
        return None;
    }
    // Only now: whoever wants the lock meanwhile would have been refused for
    // what the journal says.
    Some(match is_held(folder) {
        true => Earlier::AtWork(Holder::read(&folder.join(lock::LOCK))),
        false => Earlier::Unrestored {
            changes,
            path: shown,
        },
    })
}

fn content(path: &Path) -> Result<Option<Content>, JournalError> {
    let shown = path.display().to_string();
    let io = |cause| JournalError::Io {
        path: shown.clone(),
        cause,
    };
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(io)?,
    };
    check(&metadata, &shown)?;
    let text = fs::read(path).map_err(io)?;
    form::read(&String::from_utf8_lossy(&text))
        .map_err(|cause| JournalError::Damaged { path: shown, cause })
}

/// Whether somebody works on the journal.
fn is_held(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(lock::LOCK)) else {
        return false;
    };
    let tried = Flock::lock(file, FlockArg::LockSharedNonblock);
    matches!(tried, Err((_, Errno::EWOULDBLOCK)))
}
