//! A run as a whole: what could be relied on, what the reader should know, and
//! the verdict.

mod action_findings;
mod agreement;
pub mod assembly;
pub mod circumstances;
mod clock_findings;
pub mod digest;
mod earlier_findings;
mod exclusions;
mod findings;
mod guest_findings;
mod indicator_findings;
mod inventory;
pub mod kernel_account;
pub(crate) mod packages;
pub mod periodicity;
mod periods;
mod pmu_inventory;
mod presence_inventory;
pub mod quieted;
pub mod reattribute;
mod smi_findings;
pub mod smi_sources;
mod stalls;
mod step_findings;
pub mod time_line;
mod tracer_findings;
mod verdict;
mod watch_findings;
mod watch_inventory;
pub mod worst;

pub use agreement::{account, compare};
pub use earlier_findings::earlier_changes;
pub use exclusions::exclude_unsteady_gaps;
pub use findings::findings;
pub use inventory::{inventory, prospects};
pub use periods::period;
pub use stalls::{events as stall_events, list as list_stalls, recast_aligned_stalls};
pub use verdict::{judge, tsc_given_up};

use crate::evidence::MachineFacts;
use crate::host::Host;
use crate::model::EngineName;
use crate::plan::RunPlan;
use crate::session::{Collected, Preparation, Rate};
use crate::units::Nanos;

#[derive(Clone, Debug)]
pub struct Chosen {
    pub engine: EngineName,
    /// Why, where hwgap chose it.
    pub why: Option<String>,
    /// What it samples before each of its turns and discards.
    pub warm_up: Nanos,
}

#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub plan: &'a RunPlan,
    pub host: &'a Host,
    pub machine: &'a MachineFacts,
    /// How the process could prepare itself.
    pub preparation: &'a Preparation,
    pub chosen: &'a Chosen,
    pub collected: &'a Collected,
    /// The TSC's rate against the kernel's clock over the run.
    pub fitted: Rate,
    /// The rate that lengths are converted with: CPUID's where it gives one.
    pub rate: Rate,
}
