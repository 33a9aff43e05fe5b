//! Signals as a thing to poll, never as an interruption.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;

use crate::units::Nanos;

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

    /// Waits for a signal, at most this long.
    pub fn wait(&self, longest: Nanos) -> Option<Signal> {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        // An interrupted or failed poll is no signal; the caller asks again.
        let longest = TimeSpec::from_duration(longest.as_duration());
        if !matches!(ppoll(&mut fds, Some(longest), None), Ok(1..)) {
            return None;
        }
        let information = self.fd.read_signal().ok().flatten()?;
        Signal::try_from(information.ssi_signo as i32).ok()
    }
}

/// Whether SIGINT, SIGTERM or SIGHUP has come in and nobody has taken it: who
/// ends a run for the second time means it. Only where they are blocked does
/// one wait to be taken.
pub fn is_end_asked() -> bool {
    let mut pending = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigpending fills the set that it is given, and reads nothing.
    let pending = unsafe {
        match libc::sigpending(pending.as_mut_ptr()) {
            0 => pending.assume_init(),
            _ => return false,
        }
    };
    let ends = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];
    // SAFETY: the set is initialised, and these are signals.
    ends.iter()
        .any(|signal| unsafe { libc::sigismember(&raw const pending, *signal) } == 1)
}

/// Keeps SIGXFSZ from ending the program: a file beyond RLIMIT_FSIZE is then a
/// write that fails. For the calling thread and those that it starts.
pub fn block_file_size() {
    let mut unheard = SigSet::empty();
    unheard.add(Signal::SIGXFSZ);
    // Cannot fail: the set and the operation are valid.
    let _ = unheard.thread_block();
}

/// Blocks none, for the calling thread: what it turns into expects that.
pub fn unblock_all() {
    // Cannot fail: the set and the operation are valid.
    let _ = SigSet::empty().thread_set_mask();
}

/// Blocks every signal that can be blocked, for the calling thread.
pub fn block_all() {
    // Cannot fail: the set and the operation are valid.
    let _ = SigSet::all().thread_block();
}
