//! What is asked of a run from outside.

/// Where requests come from while a run goes on: signals, or nothing in a test.
pub trait Requests {
    /// Waits for at most this long.
    fn wait(&self, longest: Nanos) -> Request;
}

use nix::sys::signal::Signal;

use crate::sys::signals::RunSignals;
use crate::units::Nanos;

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
    fn wait(&self, longest: Nanos) -> Request {
        match RunSignals::wait(self, longest) {
            None => Request::GoOn,
            Some(Signal::SIGUSR1) => Request::Tell,
            Some(_) => Request::End,
        }
    }
}
