//! What this machine is, by the files that the kernel shows.
//!
//! Nothing here measures, changes anything or asks the CPU: CPUID and the
//! affinity calls stand in `sys`. What cannot be read stays an error with its
//! reason ([`Known`]), never a zero or an empty text.
//!
//! [`Host::read`] gathers what costs little whatever the machine's size.
//! Facts about a single CPU have readers of their own ([`topology`],
//! [`power`], [`realtime`], [`smi_source`]) that callers use for the CPUs they
//! sample: asking them of 4,096 CPUs would take longer than the sampling.

pub mod clocksource;
pub mod command_line;
pub mod cpu_model;
pub mod cpuid;
pub mod cpuid_facts;
pub mod debugfs;
pub mod fadt;
pub mod group_limits;
pub mod hypervisor;
pub mod identity;
pub mod inventory;
pub mod irqs;
pub mod kernel;
pub mod kernel_fs;
pub mod kernel_log;
pub mod microcode;
pub mod modules;
pub mod occupants;
pub mod permissions;
pub mod platform;
pub mod power;
pub mod process_limits;
pub mod realtime;
pub mod root;
pub mod smi_source;
mod status;
pub mod text;
pub mod topology;
pub mod tracefs;
pub mod usable;

use clocksource::Clocksource;
use cpu_model::CpuModel;
use identity::Identity;
use kernel::Kernel;
use permissions::Permissions;
use power::Power;
use realtime::Throttling;
use root::{Known, Root};
use smi_source::SmiSources;
use topology::Topology;
use usable::Confinement;

/// The machine at one moment.
#[derive(Clone, Debug)]
pub struct Host {
    pub identity: Identity,
    pub cpu_model: CpuModel,
    pub kernel: Kernel,
    pub topology: Topology,
    /// Which of its CPUs this process may use.
    pub confinement: Confinement,
    /// The clock that its kernel keeps time by.
    pub clocksource: Known<Clocksource>,
    pub smi_sources: SmiSources,
    /// How far real-time tasks are held back.
    pub rt_throttling: Known<Throttling>,
    pub power: Power,
    pub permissions: Permissions,
}

impl Host {
    /// Reads the machine below `root`. Nothing in it fails as a whole.
    pub fn read(root: &Root) -> Host {
        Host {
            identity: Identity::read(root),
            cpu_model: CpuModel::read(root),
            kernel: Kernel::read(root),
            topology: Topology::read(root),
            confinement: Confinement::read(root),
            clocksource: Clocksource::read(root),
            smi_sources: SmiSources::read(root),
            rt_throttling: Throttling::read(root),
            power: Power::read(root),
            permissions: Permissions::read(root),
        }
    }
}
