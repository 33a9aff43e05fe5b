//! The lock beside the journal: one works on it at a time.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::error::{Holder, JournalError};

/// The lock's file. It stays, so that all lock the same one.
pub(super) const LOCK: &str = "changes.lock";

/// The lock of a folder, held.
#[derive(Debug)]
pub struct Locked {
    pub(super) lock: Flock<File>,
    pub(super) folder: PathBuf,
}

impl Locked {
    /// Makes the folder where there is none, and takes its lock, waiting for
    /// it as long as `patience`.
    ///
    /// # Errors
    /// `Locked` where somebody has it, `Io` where the folder cannot be had.
    pub fn take(folder: &Path, patience: Duration) -> Result<Locked, JournalError> {
        let io = |path: &Path| {
            let path = path.display().to_string();
            move |cause| JournalError::Io { path, cause }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io(folder))?;
        let path = folder.join(LOCK);
        let open = || -> io::Result<File> {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)
        };
        let began = Instant::now();
        let mut file = open().map_err(io(&path))?;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(mut lock) => {
                    // For whoever meets the lock; nothing depends on it.
                    let _ = lock.set_len(0);
                    let _ = writeln!(lock, "{}", std::process::id());
                    return Ok(Locked {
                        lock,
                        folder: folder.to_owned(),
                    });
                }
                Err((_, Errno::EWOULDBLOCK)) if began.elapsed() >= patience => {
                    return Err(JournalError::Locked(Holder::read(&path)));
                }
                Err((again, Errno::EWOULDBLOCK | Errno::EINTR)) => {
                    file = again;
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err((_, errno)) => return Err(io(&path)(errno.into())),
            }
        }
    }
}
