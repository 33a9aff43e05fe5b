//! The machine, as far as it can be read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine, as far as it can be read. `null` is "not readable".
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HostIdentity {
    /// The host's name.
    pub hostname: Option<String>,
    /// What tells this machine from another of its name: a hash of its
    /// machine-id(5), which cannot be turned back; `null` where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id_hash: Option<String>,
    /// Vendor and product of the machine.
    pub system: SystemIdentity,
    /// Its firmware.
    pub bios: BiosIdentity,
    /// Its processor.
    pub cpu: CpuIdentity,
    /// Its kernel.
    pub kernel: KernelIdentity,
    /// The hypervisor's name, `null` on bare metal.
    pub hypervisor: Option<String>,
}

/// Vendor and product, from the firmware's DMI tables.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SystemIdentity {
    /// System vendor.
    pub vendor: Option<String>,
    /// Product name.
    pub product: Option<String>,
    /// Main board, vendor and name.
    pub board: Option<String>,
}

/// The firmware, from DMI.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct BiosIdentity {
    /// BIOS vendor.
    pub vendor: Option<String>,
    /// BIOS version.
    pub version: Option<String>,
    /// BIOS date, as the vendor writes it.
    pub date: Option<String>,
}

/// The processor, from /proc/cpuinfo.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct CpuIdentity {
    /// `GenuineIntel`, `AuthenticAMD`, …
    pub vendor: Option<String>,
    /// Marketing name.
    pub model_name: Option<String>,
    /// Family number.
    pub family: Option<u32>,
    /// Model number.
    pub model: Option<u32>,
    /// Stepping number.
    pub stepping: Option<u32>,
    /// Microcode revision as the kernel prints it.
    pub microcode: Option<String>,
}

/// The kernel.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct KernelIdentity {
    /// `uname -r`.
    pub release: Option<String>,
    /// /proc/cmdline.
    pub command_line: Option<String>,
}
