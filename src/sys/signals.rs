//! Signals as a thing to poll, never as an interruption.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The signals that end a run early with a full result, and SIGUSR1, which
/// asks how it stands.
pub struct RunSignals {
    fd: SignalFd,
}

impl RunSignals {
    /// Blocks SIGINT, SIGTERM, SIGHUP and SIGUSR1 for this thread and those that it
    /// starts from now on, and listens for them instead. SIGXFSZ is blocked as
    /// well, so that a report beyond RLIMIT_FSIZE is a write that fails and not
    /// the end of the process.
    ///
    /// # Errors
    /// EMFILE and the like.
    pub fn listen() -> nix::Result<RunSignals> {
        let mut set = SigSet::empty();
        let heard = [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGUSR1,
        ];
        heard.into_iter().for_each(|signal| set.add(signal));
        set.thread_block()?;
        let mut unheard = SigSet::empty();
        unheard.add(Signal::SIGXFSZ);
        unheard.thread_block()?;
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(RunSignals { fd })
    }

    /// Waits for a signal, at most this many milliseconds.
    pub fn wait(&self, milliseconds: u16) -> Option<Signal> {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        // An interrupted or failed poll is no signal; the caller asks again.
        if !matches!(poll(&mut fds, PollTimeout::from(milliseconds)), Ok(1..)) {
            return None;
        }
        let information = self.fd.read_signal().ok().flatten()?;
        Signal::try_from(information.ssi_signo as i32).ok()
    }
}

/// Blocks every signal that can be blocked, for the calling thread.
pub fn block_all() {
    // Cannot fail: the set and the operation are valid.
    let _ = SigSet::all().thread_block();
}
