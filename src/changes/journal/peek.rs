//! A look at what an earlier run has left, by a run that changes nothing: it
//! takes nothing over, and removes nothing.

use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use rustix::fs::OFlags;

use crate::files::state::StateFolder;

use super::super::access::Access;
use super::super::restore::booted_since;
use super::error::{Holder, JournalError};
use super::form::{self, Content};
use super::{JOURNAL, LARGEST, lock};

/// Why settings of the host may not be its own.
#[derive(Debug, thiserror::Error)]
pub enum Earlier {
    /// A run was cut off, and nobody has put back what it changed.
    #[error("an earlier run has left {changes} setting(s) of this host changed ({path})")]
    Unrestored { changes: usize, path: String },
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
    let found = match StateFolder::open(folder) {
        Err(error) if error.is_missing() => return None,
        Err(error) => Err(JournalError::of_state(folder, error)),
        Ok(folder) => content(&folder, &path).map(|content| (folder, content)),
    };
    let (folder, content) = match found {
        Ok((folder, Some(content))) => (folder, content),
        Ok((_, None)) => return None,
        Err(error) => return Some(Earlier::Unknown(error)),
    };
    let changes = content.standing.len() + content.unreadable;
    if changes == 0 || booted_since(&content.header.boot_id, access) {
        return None;
    }
    // Only now: whoever wants the lock meanwhile would have been refused for
    // what the journal says.
    Some(match is_held(&folder) {
        true => Earlier::AtWork(Holder::read(&folder)),
        false => Earlier::Unrestored {
            changes,
            path: shown,
        },
    })
}

fn content(folder: &StateFolder, path: &Path) -> Result<Option<Content>, JournalError> {
    let text = match folder.read(JOURNAL, LARGEST) {
        Err(error) if error.is_missing() => return Ok(None),
        read => read.map_err(|error| JournalError::of_state(path, error))?,
    };
    form::read(&String::from_utf8_lossy(&text)).map_err(|cause| JournalError::Damaged {
        path: path.display().to_string(),
        cause,
    })
}

/// Whether somebody works on the journal.
fn is_held(folder: &StateFolder) -> bool {
    let Ok(file) = folder.file(lock::LOCK, OFlags::RDONLY) else {
        return false;
    };
    let tried = Flock::lock(file, FlockArg::LockSharedNonblock);
    matches!(tried, Err((_, Errno::EWOULDBLOCK)))
}
