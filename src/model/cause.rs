//! Who took the time of a gap, and how sure that is.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who took the time. The names are a contract with other programs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
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
    /// The same and this kernel, in one gap.
    #[serde(rename = "cpu+os")]
    CpuOs,
    /// Not this kernel; no SMI counter tells firmware from CPU.
    #[serde(rename = "firmware-or-cpu")]
    FirmwareOrCpu,
    /// The same and this kernel, in one gap.
    #[serde(rename = "firmware-or-cpu+os")]
    FirmwareOrCpuOs,
    /// The hypervisor, or whatever lies below it.
    #[serde(rename = "hypervisor")]
    Hypervisor,
    /// The same and this kernel, in one gap.
    #[serde(rename = "hypervisor+os")]
    HypervisorOs,
    /// This kernel: interrupts, faults, other tasks.
    #[serde(rename = "os")]
    Os,
    /// The evidence allows no statement.
    #[serde(rename = "unknown")]
    Unknown,
}

impl Cause {
    /// Every cause, in the order of reports.
    pub const ALL: [Cause; 10] = [
        Cause::Smi,
        Cause::SmiOs,
        Cause::Cpu,
        Cause::CpuOs,
        Cause::FirmwareOrCpu,
        Cause::FirmwareOrCpuOs,
        Cause::Hypervisor,
        Cause::HypervisorOs,
        Cause::Os,
        Cause::Unknown,
    ];

    /// Whether the cause counts against the limit: with the part of the gap
    /// that is not the kernel's.
    pub fn is_platform(self) -> bool {
        !matches!(self, Cause::Os | Cause::Unknown)
    }

    /// Whether this kernel took a part of the gap too.
    pub fn is_mixed(self) -> bool {
        self.alone() != self
    }

    /// The cause of the platform's part alone.
    pub fn alone(self) -> Cause {
        match self {
            Cause::SmiOs => Cause::Smi,
            Cause::CpuOs => Cause::Cpu,
            Cause::FirmwareOrCpuOs => Cause::FirmwareOrCpu,
            Cause::HypervisorOs => Cause::Hypervisor,
            alone => alone,
        }
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Smi => "smi",
            Cause::SmiOs => "smi+os",
            Cause::Cpu => "cpu",
            Cause::CpuOs => "cpu+os",
            Cause::FirmwareOrCpu => "firmware-or-cpu",
            Cause::FirmwareOrCpuOs => "firmware-or-cpu+os",
            Cause::Hypervisor => "hypervisor",
            Cause::HypervisorOs => "hypervisor+os",
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
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
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
