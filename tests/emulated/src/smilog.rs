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
}
