//! The ground truth: what kept the vCPU out of the guest, by whom it was done.

use serde::{Deserialize, Serialize};

/// What was done to a vCPU, and when. The times are those of whoever did it: the
/// TSC of the outer machine, or for [`Plant::Device`] that of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    pub what: Plant,
    pub start: u64,
    pub end: u64,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plant {
    /// A task of real-time priority has the vCPU's CPU.
    Task,
    /// Many timers fall due at once.
    Storm,
    /// The VMM is stopped by a signal.
    Stop,
    /// The guest reads a block from a device that the VMM emulates.
    Device,
    /// The vCPU's thread has to go to another CPU.
    Migration,
    /// The machine is in SMM.
    Smi,
}

impl Plant {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "FIFO task",
            Self::Storm => "interrupt storm",
            Self::Stop => "SIGSTOP",
            Self::Device => "slow device",
            Self::Migration => "migration",
            Self::Smi => "SMI",
        }
    }
}
