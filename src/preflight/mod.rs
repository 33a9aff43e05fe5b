//! What this host allows and what will disturb a measurement on it, before one
//! is begun: each condition with what was seen, what follows, and the remedy.
//!
//! One file a subject, each a function from [`View`] to conditions. They read
//! files below a root and change nothing. [`trial`] is the part that tries:
//! it sets the samplers of a run up and takes them down again.

mod boot;
mod clock;
mod cpus;
mod firmware;
mod found;
mod interrupts;
mod isolation;
mod kernel;
mod limits;
mod look;
mod memory;
pub mod model;
mod permissions;
mod plan;
mod platform;
mod power;
mod scheduling;
mod siblings;
pub mod trial;
mod verdict;
mod watchdogs;

use found::Found;

pub use plan::PreflightPlan;
pub use trial::Trial;
pub use verdict::readiness;

use crate::evidence::MachineFacts;
use crate::host::Host;
use crate::host::command_line::CommandLine;
use crate::host::debugfs::Debugfs;
use crate::host::power::CpuPower;
use crate::host::root::Root;
use crate::judgement::prospects;
use crate::model::EvidenceSource;
use crate::preflight::model::{Condition, Subject};
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

/// Everything that the conditions are found from.
pub struct View<'a> {
    root: &'a Root,
    host: &'a Host,
    machine: &'a MachineFacts,
    plan: &'a PreflightPlan,
    trial: &'a Trial,
    debugfs: Debugfs,
    /// Power saving of each CPU that would be sampled.
    power: Vec<(CpuId, CpuPower)>,
}

impl View<'_> {
    /// The options that the kernel was booted with, where they are shown.
    fn boot_options(&self) -> Option<&CommandLine> {
        self.host.kernel.command_line.as_ref().ok()
    }

    /// The CPUs that the kernel has; none where it does not say.
    fn online(&self) -> CpuList {
        let online = self.host.topology.sets.online.as_ref();
        online.cloned().unwrap_or_default()
    }
}

impl<'a> View<'a> {
    /// Puts it together, and reads how the sampled CPUs save power.
    pub fn new(
        root: &'a Root,
        host: &'a Host,
        machine: &'a MachineFacts,
        plan: &'a PreflightPlan,
        trial: &'a Trial,
    ) -> View<'a> {
        let power = (plan.cpus.iter())
            .map(|cpu| (cpu, CpuPower::read(root, cpu)))
            .collect();
        View {
            root,
            host,
            machine,
            plan,
            trial,
            debugfs: Debugfs::find(root),
            power,
        }
    }
}

/// What one subject's files and settings show.
type Look = fn(&View<'_>) -> Vec<Found>;

/// All conditions, the gravest first; of equal ones, what costs most by rule
/// of thumb.
pub fn conditions(view: &View<'_>) -> Vec<Condition> {
    let subjects: [(Subject, Look); 15] = [
        (Subject::Cpus, cpus::conditions),
        (Subject::Clock, clock::conditions),
        (Subject::Permissions, permissions::conditions),
        (Subject::Permissions, limits::conditions),
        (Subject::Scheduling, limits::tasks),
        (Subject::Scheduling, scheduling::conditions),
        (Subject::Isolation, isolation::conditions),
        (Subject::Interrupts, interrupts::conditions),
        (Subject::Cpus, siblings::conditions),
        (Subject::Power, power::conditions),
        (Subject::Platform, firmware::conditions),
        (Subject::Watchdogs, watchdogs::conditions),
        (Subject::Memory, memory::conditions),
        (Subject::Platform, platform::conditions),
        (Subject::Kernel, kernel::conditions),
    ];
    let mut all: Vec<Condition> = (subjects.into_iter())
        .flat_map(|(subject, of)| of(view).into_iter().map(move |found| found.about(subject)))
        .collect();
    all.sort_by_key(|condition| condition.effect);
    all
}

/// Every source of evidence as a run would have it.
pub fn evidence(view: &View<'_>) -> Vec<EvidenceSource> {
    match view.trial {
        Trial::Done(tried) => prospects(
            view.host,
            view.machine,
            &tried.setups,
            &tried.records,
            &tried.engines,
        ),
        Trial::Failed(_) | Trial::NotMade => Vec::new(),
    }
}
