//! A process that a run starts, with all that it starts in turn: a process
//! group, which is ended as one.
//!
//! It is started by this program's hidden `launch`, through vfork (posix_spawn):
//! a fork would give every page of the samplers a fault.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::plan::Rights;
use crate::sys::usage::{Reaped, reap};
use crate::units::cpulist::CpuList;
use crate::waits::{self, Patience};

/// Between two looks.
const TICK: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Process(Child);

/// A process that outlives a run which is killed, and ends what that has started:
/// on the other end of a pipe, as the guardian is.
pub(super) struct Watch {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Watch {
    /// Starts it.
    pub(super) fn start() -> io::Result<Watch> {
        let mut command = this_program();
        command.arg("--watch").current_dir("/");
        command.stdin(Stdio::piped());
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = child.stdin.take();
        Ok(Watch { child, pipe })
    }

    /// The group that it is to end; 0 where there is none.
    fn over(&mut self, group: Pid) {
        if let Some(pipe) = &mut self.pipe {
            // One that has died cannot be helped: the program still ends with
            // the run.
            let _ = pipe.write_all(format!("{group}\n").as_bytes());
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let patience = Patience::begin(waits::GUARDIAN_END);
        while matches!(self.child.try_wait(), Ok(None)) && !patience.is_over() {
            std::thread::sleep(TICK);
        }
    }
}

/// The hidden `launch`. The link leads to the running program even where its file
/// was replaced or removed.
fn this_program() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("hwgap").arg("launch");
    command
}

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
        watch: &mut Watch,
        set: impl FnOnce(&mut Command) -> io::Result<()>,
    ) -> io::Result<Process> {
        let mut command = this_program();
        command
            .args(["--parent", &std::process::id().to_string()])
            .args(["--cpus", &cpus.to_string()]);
        if rights == Rights::Dropped {
            command.arg("--drop-rights");
        }
        command.arg("--").args(program).process_group(0);
        set(&mut command)?;
        let process = command.spawn().map(Process)?;
        watch.over(process.pid());
        Ok(process)
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
    pub(super) fn end(self, watch: &mut Watch) -> io::Result<Ended> {
        self.signal(Signal::SIGKILL);
        if !self.ends_within(waits::PROCESS_KILLED) {
            return Err(io::Error::other("it was killed and has not ended"));
        }
        // Its number may be another's from here on.
        watch.over(Pid::from_raw(0));
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
