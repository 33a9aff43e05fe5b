//! The guardian: a process of its own that waits for the run to end, and puts
//! the host back where the run could not.
//!
//! It is this program again, in a session of its own, deaf to signals, on the
//! other end of a pipe that nobody writes to: the pipe ends when the last
//! thread of the run is gone, however that came about. A run that has put
//! everything back itself says so first.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use crate::host::root::Root;
use crate::sys::signals;

use super::access::LiveAccess;
use super::journal::{Found, Locked};
use super::restore::{Restored, restore};
use super::undo::Foreign;

/// The hidden command that the guardian is.
pub const COMMAND: &str = "guardian";
/// What the run writes when there is nothing left to do.
const DISMISSED: u8 = b'd';
/// What the guardian writes when it is ready.
const READY: u8 = b'r';
/// How long the guardian waits for whoever else works on the journal.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a run is guarded.
#[derive(Clone, Debug)]
pub enum Guard {
    /// By this program, which takes the hidden command.
    Program {
        /// Its file.
        file: PathBuf,
        /// Where its host's files lie, if not at `/`.
        root: Option<PathBuf>,
    },
    /// Not: a test within one process.
    Absent,
}

/// The guardian of this process.
#[derive(Debug)]
pub(super) struct Guardian {
    child: Child,
    pipe: ChildStdin,
}

impl Guard {
    /// This program as its own guardian.
    pub fn this_program(root: Option<PathBuf>) -> Guard {
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
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(root) = root {
            command.arg("--host-root").arg(std::path::absolute(root)?);
        }
        std::os::unix::process::CommandExt::arg0(&mut command, "hwgap");
        let mut child = command.spawn()?;
        let (Some(pipe), Some(mut answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("it has no pipes"));
        };
        let mut answer = [0];
        match answers.read(&mut answer)? {
            1 if answer[0] == READY => Ok(Some(Guardian { child, pipe })),
            _ => Err(io::Error::other("it ended before it was ready")),
        }
    }
}

impl Guardian {
    /// Everything is back: lets the guardian go.
    pub(super) fn dismiss(mut self) {
        // One that is gone needs no word.
        let _ = self.pipe.write_all(&[DISMISSED]);
        drop(self.pipe);
        let _ = self.child.wait();
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
    let mut stdout = io::stdout();
    stdout.write_all(&[READY])?;
    stdout.flush()?;
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
