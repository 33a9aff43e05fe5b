//! What a vendor's ticket carries of the machine, beyond its names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings and parts of the machine at the start of the run. What is `null`
/// or empty for lack of an answer has its reason in `unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Inventory {
    /// The product's version; many vendors leave it blank.
    pub product_version: Option<String>,
    /// The board's version.
    pub board_version: Option<String>,
    /// The BIOS release as major.minor.
    pub bios_release: Option<String>,
    /// Firmware revision of the management controller.
    pub bmc_firmware: Option<String>,
    /// Sockets in use.
    pub sockets: Option<u32>,
    /// Cores in use.
    pub cores: Option<u32>,
    /// CPUs online.
    pub threads: Option<u32>,
    /// `active` or `inactive`.
    pub smt: Option<String>,
    /// CPUs without load balancing.
    pub isolated_cpus: Option<String>,
    /// CPUs whose tick can stop.
    pub nohz_full_cpus: Option<String>,
    /// The kernel's build.
    pub kernel_build: Option<String>,
    /// `realtime`, `dynamic`, `full` or `voluntary-or-none`.
    pub preemption: Option<String>,
    /// `none`, `integrity` or `confidentiality`.
    pub lockdown: Option<String>,
    /// Frequency governors of the sampled CPUs.
    pub governors: Vec<String>,
    /// Frequency drivers of the sampled CPUs.
    pub frequency_drivers: Vec<String>,
    /// `allowed` or `off`.
    pub turbo: Option<String>,
    /// The idle driver.
    pub idle_driver: Option<String>,
    /// Idle states of the first sampled CPU.
    pub idle_states: Vec<IdleStateEntry>,
    /// Vulnerabilities of the CPU and what the kernel does about them.
    pub mitigations: Vec<NamedText>,
    /// Loaded modules that bear on latency, with why.
    pub modules: Vec<NamedText>,
    /// Serial numbers: only with `--with-serials`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serials: Option<Vec<NamedText>>,
    /// What could not be read, and why.
    pub unknown: Vec<NamedText>,
}

/// A name and what there is to say of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedText {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// An idle state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdleStateEntry {
    /// Its name, such as `C6`.
    pub name: String,
    /// How long leaving it takes at worst.
    pub exit_latency_ns: crate::units::Nanos,
    /// Whether the kernel may enter it.
    pub enabled: bool,
}

/// Whether serial numbers enter the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialNumbers {
    /// As asked for.
    Stored,
    /// The rule: they identify the machine's owner.
    LeftOut,
}
