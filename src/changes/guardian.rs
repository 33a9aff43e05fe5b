//! The guardian: a process of its own that waits for the run to end, and puts
//! the host back where the run could not.
//!
//! It is this program again, in a session of its own, deaf to signals, on the
//! other end of a pipe that nobody writes to: the pipe ends when the last
//! thread of the run is gone, however that came about. A run that has put
//! everything back itself says so first.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::root::Root;
use crate::sys::signals;
use crate::waits::{self, Patience};

use super::access::LiveAccess;
use super::journal::{Found, Locked};
use super::process;
use super::restore::{Restored, restore};
use super::undo::Foreign;

/// The hidden command that the guardian is.
pub const COMMAND: &str = "guardian";
/// What the run writes when there is nothing left to do.
const DISMISSED: u8 = b'd';
const READY: u8 = b'r';
/// How long the guardian waits for whoever else works on the journal.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub enum Guard {
    /// By this program, which takes the hidden command.
    Program {
        file: PathBuf,
        /// Where its host's files lie.
        root: Root,
    },
    /// Not: a test within one process.
    Absent,
}

#[derive(Debug)]
pub(super) struct Guardian {
    child: Child,
    pipe: ChildStdin,
}

impl Guard {
    pub fn this_program(root: Root) -> Guard {
        Guard::Program {
            // The link leads to the running program even where its file was
            // replaced or removed.
            file: PathBuf::from("/proc/self/exe"),
            root,
        }
    }

    /// Starts the guardian and waits until it is ready.
    pub(super) fn start(&self, folder: &Path, run: &str) -> io::Result<Option<Guardian>> {
        let Guard::Program { file, root } = self else {
            return Ok(None);
        };
        let mut command = Command::new(file);
        command
            .args([COMMAND, "--run", run, "--journal"])
            .arg(std::path::absolute(folder)?)
            .arg("--host-root")
            .arg(std::path::absolute(root.path(""))?)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        std::os::unix::process::CommandExt::arg0(&mut command, "hwgap");
        let mut child = command.spawn()?;
        let (Some(pipe), Some(mut answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("it has no pipes"));
        };
        let patience = Patience::begin(waits::GUARDIAN_READY);
        while !is_readable(&answers)? {
            if patience.is_over() || signals::is_end_asked() {
                // Nothing was changed yet.
                let _ = child.kill();
                let waited = patience.elapsed().as_secs();
                return Err(io::Error::other(format!(
                    "it was not ready after {waited} s"
                )));
            }
        }
        let mut answer = [0];
        match answers.read(&mut answer)? {
            1 if answer[0] == READY => Ok(Some(Guardian { child, pipe })),
            _ => Err(io::Error::other("it ended before it was ready")),
        }
    }
}

fn is_readable(pipe: &impl AsFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    let tick = u16::try_from(waits::TICK.as_millis()).unwrap_or(u16::MAX);
    match poll(&mut fds, tick) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// What has become of a guardian in mid-run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It waits for the end of the run.
    Well,
    /// It was stopped, and was told to go on.
    Woken,
    Dead,
}

impl Guardian {
    /// Everything is back: lets the guardian go.
    pub(super) fn dismiss(mut self) {
        let pid = self.pid();
        // One that is gone needs no word.
        let _ = self.pipe.write_all(&[DISMISSED]);
        drop(self.pipe);
        // A stopped one hears nothing.
        let _ = kill(pid, Signal::SIGCONT);
        let patience = Patience::begin(waits::GUARDIAN_END);
        while matches!(self.child.try_wait(), Ok(None)) {
            if patience.is_over() {
                // All is back by now, so that nothing is lost with it. One that
                // the kernel does not let go is left to it.
                let _ = self.child.kill();
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(super) fn look(&mut self) -> Health {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return Health::Dead;
        }
        match process::state(&Root::live(), self.child.id()) {
            Some('T' | 't') => {
                // It may be one that debugs it, who will stop it again.
                let _ = kill(self.pid(), Signal::SIGCONT);
                Health::Woken
            }
            _ => Health::Well,
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }
}

/// The guardian's life. Returns what it put back; `None` where there was
/// nothing to do.
///
/// # Errors
/// Where the pipes fail, or the journal cannot be read.
pub fn guard(folder: &Path, run: &str, root: Root) -> io::Result<Option<Restored>> {
    // Neither the terminal's signals nor those of a service's end reach it.
    nix::unistd::setsid()?;
    signals::block_all();
    // A host short of memory must not lose both. Needs CAP_SYS_RESOURCE.
    let _ = std::fs::write("/proc/self/oom_score_adj", "-1000");
    // A run that is dead by now does not hear it, and needs its guardian.
    let mut stdout = io::stdout();
    let _ = stdout.write_all(&[READY]).and_then(|()| stdout.flush());
    let mut word = Vec::new();
    io::stdin().read_to_end(&mut word)?;
    if word.contains(&DISMISSED) {
        return Ok(None);
    }
    let found = Locked::take(folder, PATIENCE).and_then(Locked::look);
    match found.map_err(io::Error::other)? {
        Found::Left(left) if left.header.run == run => {
            restore(*left, &LiveAccess::new(root), Foreign::Report).map(Some)
        }
        // Somebody else was faster.
        Found::Left(_) | Found::Nothing(_) => Ok(None),
    }
}
