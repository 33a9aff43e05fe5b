//! A run as a whole: what could be relied on, what the reader should know, and
//! the verdict.

mod agreement;
mod clock_findings;
mod earlier_findings;
mod exclusions;
mod findings;
mod guest_findings;
mod inventory;
mod periods;
mod pmu_inventory;
mod presence_inventory;
mod smi_findings;
mod stalls;
mod step_findings;
mod tracer_findings;
mod verdict;
mod watch_findings;
mod watch_inventory;
mod witness_findings;

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
use crate::plan::RunPlan;
use crate::report::model::EngineName;
use crate::session::{Collected, Rate};
use crate::sys::memory::Locked;

/// How the process could prepare itself.
#[derive(Clone, Debug)]
pub struct Preparation {
    /// Whether memory is locked, or why not.
    pub memory: Result<Locked, String>,
    /// Whether /dev/cpu_dma_latency is held at 0, or why not.
    pub dma_latency: Result<(), String>,
}

/// The engine of a run.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What sampled.
    pub engine: EngineName,
    /// Why, where hwgap chose it.
    pub why: Option<String>,
}

/// Everything that a judgement rests on.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// What was asked for.
    pub plan: &'a RunPlan,
    /// The machine by its files.
    pub host: &'a Host,
    /// The machine by CPUID.
    pub machine: &'a MachineFacts,
    /// How the process could prepare itself.
    pub preparation: &'a Preparation,
    /// What sampled.
    pub chosen: &'a Chosen,
    /// What was collected.
    pub collected: &'a Collected,
    /// The TSC's rate against the kernel's clock over the run.
    pub fitted: Rate,
    /// The rate that lengths are converted with: CPUID's where it gives one.
    pub rate: Rate,
}
