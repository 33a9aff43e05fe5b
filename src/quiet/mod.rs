//! Quieting the host for the time of a run: as far as user space can, what
//! would interrupt a sampler is moved off the sampled CPUs or held.
//!
//! One file a family of settings, each a function from [`View`] to what it
//! would do ([`Intent`]). They read and change nothing, so that a dry run
//! shows what a run would do. [`apply`] carries the intents out through
//! [`Changes`](crate::changes::Changes), which puts all of it back.
//!
//! What must never happen is that no CPU is left to ordinary tasks: where all
//! are sampled, or a CPU's own kernel threads would starve, the settings that
//! keep them alive stay, unless [`Starve::Host`] was asked for in so many
//! words.

mod apply;
mod intent;
mod interrupts;
mod machine;
mod memory;
mod partition;
mod power;
mod scheduling;
mod step;
mod threads;
mod watchdogs;
mod workqueues;

pub use apply::{CgroupThreadsFile, Quieted, apply};
pub use intent::{Act, Intent, Record, Result};
pub use step::{Step, StepError, Steps};

use crate::changes::{Access, Place};
use crate::host::root::Root;
use crate::units::cpulist::CpuList;

/// Whether ordinary tasks may be left without any CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starve {
    Nobody,
    /// The user wants that, in so many words.
    Host,
}

#[derive(Clone, Debug)]
pub struct QuietPlan {
    pub steps: Steps,
    /// Whether ordinary tasks may starve.
    pub starve: Starve,
    pub sampled: CpuList,
    /// All other CPUs that are online: where things are moved.
    pub rest: CpuList,
    /// Real-time priority of the samplers.
    pub priority: u8,
}

pub struct View<'a> {
    root: &'a Root,
    access: &'a dyn Access,
    plan: &'a QuietPlan,
}

impl<'a> View<'a> {
    pub fn new(root: &'a Root, access: &'a dyn Access, plan: &'a QuietPlan) -> View<'a> {
        View { root, access, plan }
    }

    /// The value of a file, trimmed, or why there is none.
    fn value(&self, place: &Place) -> std::result::Result<String, String> {
        let text = self.access.read(place);
        text.map(|text| text.trim().to_owned())
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => String::from("this host has no such setting"),
                _ => error.to_string(),
            })
    }

    /// `old` without the sampled CPUs; all others where nothing is left of it.
    fn moved(&self, old: &CpuList) -> CpuList {
        let left = old.without(&self.plan.sampled);
        match left.intersection(&self.plan.rest).is_empty() {
            true => self.plan.rest.clone(),
            false => left,
        }
    }

    /// Whether there is a CPU to move anything to.
    fn has_rest(&self) -> bool {
        !self.plan.rest.is_empty()
    }
}

/// Where a step needs another CPU and there is none.
const NO_REST: &str = "every CPU is sampled: there is none to move it to";

/// What one step would do.
type Family = fn(&View<'_>) -> Vec<Intent>;

/// Everything that the plan's steps would do, in the order in which they are
/// taken.
pub fn intents(view: &View<'_>) -> Vec<Intent> {
    let families: [(Step, Family); 15] = [
        (Step::Irq, interrupts::intents),
        (Step::Workqueue, workqueues::intents),
        (Step::Partition, partition::intents),
        (Step::KernelThreads, threads::intents),
        (Step::RtThrottling, scheduling::rt_throttling),
        (Step::FairServer, scheduling::fair_server),
        (Step::TimerMigration, scheduling::timer_migration),
        (Step::NumaBalancing, scheduling::numa_balancing),
        (Step::Watchdog, watchdogs::watchdog),
        (Step::NmiWatchdog, watchdogs::nmi_watchdog),
        (Step::MachineCheck, machine::machine_checks),
        (Step::VmStat, memory::statistics),
        (Step::HugePages, memory::huge_pages),
        (Step::Ksm, memory::same_pages),
        (Step::Governor, power::intents),
    ];
    (families.iter())
        .filter(|(step, _)| view.plan.steps.contains(*step))
        .flat_map(|(_, family)| family(view))
        .collect()
}
