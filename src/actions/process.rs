//! A process that a run starts, with all that it starts in turn: a process
//! group, which is ended as one.
//!
//! It is started by this program's hidden `launch`, through vfork (posix_spawn):
//! a fork would give every page of the samplers a fault.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::plan::Rights;
use crate::sys::usage::{Reaped, reap};
use crate::units::cpulist::CpuList;
use crate::waits::Patience;

/// How long one that was killed is waited for: one in a system call that hangs
/// does not end.
const KILLED: Duration = Duration::from_secs(1);
/// Between two looks.
const TICK: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Process(Child);

/// How a process ended.
pub(super) struct Ended {
    pub(super) reaped: Reaped,
    /// Whether others of its group were still there, and were killed.
    pub(super) left_others: bool,
}

impl Process {
    /// Starts a program on these CPUs (any where there is none), at ordinary
    /// priority.
    pub(super) fn start(
        program: &[OsString],
        cpus: &CpuList,
        rights: Rights,
        set: impl FnOnce(&mut Command) -> io::Result<()>,
    ) -> io::Result<Process> {
        // The link leads to the running program even where its file was
        // replaced or removed.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("hwgap")
            .arg("launch")
            .arg("--cpus")
            .arg(cpus.to_string());
        if rights == Rights::Dropped {
            command.arg("--drop-rights");
        }
        command.arg("--").args(program).process_group(0);
        set(&mut command)?;
        command.spawn().map(Process)
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).unwrap_or(i32::MAX))
    }

    pub(super) fn signal(&self, signal: Signal) {
        // One that is gone needs none.
        let _ = killpg(self.pid(), signal);
    }

    /// Waits at most so long for its end. Its number stays its own until it is
    /// reaped.
    pub(super) fn ends_within(&self, most: Duration) -> bool {
        let patience = Patience::begin(most);
        loop {
            if has_ended(self.pid(), WaitPidFlag::WNOHANG) {
                return true;
            }
            if patience.is_over() {
                return false;
            }
            std::thread::sleep(TICK);
        }
    }

    /// Ends what is left of its group, and reaps it.
    ///
    /// # Errors
    /// Where it does not end, killed or not.
    pub(super) fn end(self) -> io::Result<Ended> {
        self.signal(Signal::SIGKILL);
        if !self.ends_within(KILLED) {
            return Err(io::Error::other("it was killed and has not ended"));
        }
        let reaped = reap(self.0.id())?;
        Ok(Ended {
            reaped,
            left_others: killpg(self.pid(), None).is_ok(),
        })
    }
}

/// Whether a child has ended; it is not reaped by that. Without WNOHANG, waits
/// until it has.
pub(super) fn has_ended(pid: Pid, flags: WaitPidFlag) -> bool {
    loop {
        let waited = waitid(
            Id::Pid(pid),
            WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | flags,
        );
        match waited {
            Ok(WaitStatus::StillAlive) => return false,
            Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return true,
        }
    }
}
