//! What is asked of a run from outside.

/// Where wishes come from while a run goes on: signals, or nothing in a test.
pub trait Wishes {
    /// Waits for at most this long.
    fn wait(&self, milliseconds: u16) -> Wish;
}

use nix::sys::signal::Signal;

use crate::sys::signals::RunSignals;

/// What is asked of a run while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    GoOn,
    /// To say how it stands.
    Tell,
    /// To end.
    End,
}

impl Wishes for RunSignals {
    fn wait(&self, milliseconds: u16) -> Wish {
        match RunSignals::wait(self, milliseconds) {
            None => Wish::GoOn,
            Some(Signal::SIGUSR1) => Wish::Tell,
            Some(_) => Wish::End,
        }
    }
}
