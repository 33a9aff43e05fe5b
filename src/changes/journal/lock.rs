//! The lock beside the journal: one works on it at a time.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use rustix::fs::OFlags;

use crate::files::state::StateFolder;

use super::error::{Holder, JournalError};

/// The lock's file. It stays, so that all lock the same one.
pub(super) const LOCK: &str = "changes.lock";

#[derive(Debug)]
pub struct Locked {
    pub(super) lock: Flock<File>,
    pub(super) folder: StateFolder,
}

impl Locked {
    /// Makes the folder where there is none, and takes its lock, waiting for
    /// it as long as `patience`.
    ///
    /// # Errors
    /// `Locked` where somebody has it, `NotOurs` where others may write to the
    /// folder, `Io` where it cannot be had.
    pub fn take(folder: &Path, patience: Duration) -> Result<Locked, JournalError> {
        let path = folder.join(LOCK);
        let folder =
            StateFolder::make(folder).map_err(|error| JournalError::of_state(folder, error))?;
        let flags = OFlags::RDWR | OFlags::CREATE;
        let opened = folder.file(LOCK, flags);
        let mut file: File = opened.map_err(|error| JournalError::of_state(&path, error))?;
        let began = Instant::now();
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(mut lock) => {
                    // For whoever meets the lock; nothing depends on it.
                    let _ = lock.set_len(0);
                    let _ = writeln!(lock, "{}", std::process::id());
                    return Ok(Locked { lock, folder });
                }
                Err((_, Errno::EWOULDBLOCK)) if began.elapsed() >= patience => {
                    return Err(JournalError::Locked(Holder::read(&folder)));
                }
                Err((again, Errno::EWOULDBLOCK | Errno::EINTR)) => {
                    file = again;
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err((_, errno)) => {
                    return Err(JournalError::Io {
                        path: path.display().to_string(),
                        cause: errno.into(),
                    });
                }
            }
        }
    }
}
