//! Who took the time of a gap, and how sure that is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who took the time. The names are a contract with other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// A System Management Interrupt.
    #[serde(rename = "smi")]
    Smi,
    /// An SMI and this kernel, in one gap.
    #[serde(rename = "smi+os")]
    SmiOs,
    /// The CPU or the platform, and no SMI.
    #[serde(rename = "cpu")]
    Cpu,
    /// Not this kernel; no SMI counter tells firmware from CPU.
    #[serde(rename = "firmware-or-cpu")]
    FirmwareOrCpu,
    /// The hypervisor, or whatever lies below it.
    #[serde(rename = "hypervisor")]
    Hypervisor,
    /// This kernel: interrupts, faults, other tasks.
    #[serde(rename = "os")]
    Os,
    /// The evidence allows no statement.
    #[serde(rename = "unknown")]
    Unknown,
}

impl Cause {
    /// Whether the cause counts against the limit. Of [`Cause::SmiOs`] only
    /// the share that the kernel does not explain counts.
    pub fn is_platform(self) -> bool {
        !matches!(self, Cause::Os | Cause::Unknown)
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Smi => "smi",
            Cause::SmiOs => "smi+os",
            Cause::Cpu => "cpu",
            Cause::FirmwareOrCpu => "firmware-or-cpu",
            Cause::Hypervisor => "hypervisor",
            Cause::Os => "os",
            Cause::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How sure a cause is. The names are a contract with other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Nothing is known.
    None,
    /// The best of several explanations.
    Probable,
    /// One piece of evidence that has no known exception here.
    Strong,
    /// Evidence that excludes every other cause.
    Proved,
}

impl Confidence {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::None => "none",
            Confidence::Probable => "probable",
            Confidence::Strong => "strong",
            Confidence::Proved => "proved",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
