//! The ground truth: every SMI the handler took, by its own TSC readings.

use serde::{Deserialize, Serialize};

/// What `smi-injector dump` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmiLog {
    /// SMIs that entered the handler since it was installed.
    pub count: u64,
    /// SMIs that were counted but no longer fitted into the log.
    pub lost: u64,
    /// The logged SMIs, in order.
    pub smis: Vec<Smi>,
}

/// One SMI, in TSC cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smi {
    /// The TSC at the handler's first instruction.
    pub entry: u64,
    /// The TSC right before it left.
    pub exit: u64,
    /// What it interrupted; not known of another firmware's handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit: Option<Hit>,
}

/// What an SMI interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The privilege level: 3 is a program, 0 the kernel.
    pub ring: u8,
    /// The lower half of the instruction pointer.
    pub rip: u32,
    /// The lower half of the address of the kernel's current task, where the
    /// injector was told to look for it.
    pub task: Option<u32>,
}
