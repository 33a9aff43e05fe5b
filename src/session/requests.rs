//! What is asked of a run from outside.

/// Where wishes come from while a run goes on: signals, or nothing in a test.
pub trait Requests {
    /// Waits for at most this long.
    fn wait(&self, milliseconds: u16) -> Request;
}

use nix::sys::signal::Signal;

use crate::sys::signals::RunSignals;

/// What is asked of a run while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Nothing.
    GoOn,
    /// To say how it stands.
    Tell,
    /// To end.
    End,
    /// The command that the run was for has ended.
    Done,
}

impl Requests for RunSignals {
    fn wait(&self, milliseconds: u16) -> Request {
        match RunSignals::wait(self, milliseconds) {
            None => Request::GoOn,
            Some(Signal::SIGUSR1) => Request::Tell,
            Some(_) => Request::End,
        }
    }
}
