//! Writing to what may take nothing: a pipe that nobody reads, a terminal that
//! was stopped with Ctrl-S.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat};

use crate::sys::signals;
use crate::waits::{self, Patience};

/// What a pipe that is ready takes without waiting (pipe(7), PIPE_BUF).
const AT_ONCE: usize = 4096;

/// Set where standard output has once taken nothing for as long as it is
/// waited for: each later text would wait again.
static STDOUT_IS_STUCK: AtomicBool = AtomicBool::new(false);

/// A writer that waits only so long for room.
#[derive(Debug)]
pub struct Patient {
    out: File,
    patience: Duration,
    /// Set once it has waited in vain.
    stuck: Option<&'static AtomicBool>,
    is_regular: bool,
}

impl Patient {
    /// Standard output. Nothing of the program's is left in a buffer before it.
    ///
    /// # Errors
    /// Where it is closed, or no descriptor is left.
    pub fn stdout(patience: Duration) -> io::Result<Patient> {
        let out = io::stdout().as_fd().try_clone_to_owned()?;
        let patience = match STDOUT_IS_STUCK.load(Ordering::Relaxed) {
            true => Duration::ZERO,
            false => patience,
        };
        Ok(Patient {
            stuck: Some(&STDOUT_IS_STUCK),
            ..Patient::new(out.into(), patience)
        })
    }

    /// A pipe or a device.
    pub fn new(out: File, patience: Duration) -> Patient {
        let kind = fstat(&out).map(|stat| FileType::from_raw_mode(stat.st_mode));
        Patient {
            is_regular: kind == Ok(FileType::RegularFile),
            out,
            patience,
            stuck: None,
        }
    }

    fn wait(&mut self) -> io::Result<()> {
        let patience = Patience::begin(self.patience);
        loop {
            let mut fds = [PollFd::new(self.out.as_fd(), PollFlags::POLLOUT)];
            let tick = u16::try_from(waits::TICK.min(self.patience).as_millis());
            match poll(&mut fds, tick.unwrap_or(u16::MAX)) {
                Ok(1..) => return Ok(()),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            if patience.is_over() || signals::is_end_asked() {
                self.patience = Duration::ZERO;
                if let Some(stuck) = self.stuck {
                    stuck.store(true, Ordering::Relaxed);
                }
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "its reader takes nothing; the rest was not written",
                ));
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_regular || bytes.is_empty() {
            return self.out.write(bytes);
        }
        let mut bytes = &bytes[..bytes.len().min(AT_ONCE)];
        loop {
            self.wait()?;
            match self.out.write(bytes) {
                // Less room than the system said.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    bytes = &bytes[..bytes.len().div_ceil(2)];
                    std::thread::sleep(Duration::from_millis(1));
                }
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says something on standard error, where anybody reads that.
pub fn tell(text: &str) {
    // Nothing can be said of a standard error that takes nothing.
    let _ = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|out| Patient::new(out.into(), waits::STDERR).write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_nobody_reads_is_given_up() {
        let (_reader, writer) = std::io::pipe().unwrap();
        let mut out = Patient::new(
            File::from(std::os::fd::OwnedFd::from(writer)),
            Duration::from_millis(20),
        );
        let error = out.write_all(&vec![b'x'; 1 << 20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    }
}
