//! The loads a scenario can ask for.

use serde::Deserialize;

/// What else the guest does meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    Forks,
    Timers,
    PageFaults,
    Signals,
    Fifo,
    Interrupts,
    Pipes,
    Busy,
    Syscalls,
    InterruptStorm,
    InterruptShower,
}

impl Load {
    /// The name `guest-load` knows it by.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Forks => "forks",
            Self::Timers => "timers",
            Self::PageFaults => "page-faults",
            Self::Signals => "signals",
            Self::Fifo => "fifo",
            Self::Interrupts => "interrupts",
            Self::Pipes => "pipes",
            Self::Busy => "busy",
            Self::Syscalls => "syscalls",
            Self::InterruptStorm => "interrupt-storm",
            Self::InterruptShower => "interrupt-shower",
        }
    }
}
