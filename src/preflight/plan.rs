//! Which run the answer is about.

use crate::cli::PreflightArgs;
use crate::host::Host;
use crate::host::root::ReadError;
use crate::plan::{Choice, DEFAULT_PRIORITY, PlanError};
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

/// The threshold for which a CPU is tried: the default of a run.
pub(super) const THRESHOLD: Nanos = Nanos(10_000);

/// The CPUs and the priority of the run that the answer is about.
#[derive(Clone, Debug)]
pub struct PreflightPlan {
    /// The CPUs that it would sample. Empty where this process may use none.
    pub cpus: CpuList,
    /// The CPUs that this process may use and would not sample.
    pub housekeeping: CpuList,
    /// The CPUs that are online and would not be sampled.
    pub not_sampled: CpuList,
    /// The real-time priority of the samplers.
    pub priority: u8,
    /// Why no CPU can be used, where that is so.
    pub no_cpus: Option<NoCpus>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoCpus {
    /// The machine does not say which CPUs are online.
    Unread(ReadError),
    AllClosed,
}

impl PreflightPlan {
    /// For CPUs that are known already, and those that are left to others.
    pub fn of(cpus: CpuList, housekeeping: CpuList) -> PreflightPlan {
        PreflightPlan {
            no_cpus: cpus.is_empty().then_some(NoCpus::AllClosed),
            not_sampled: housekeeping.clone(),
            cpus,
            housekeeping,
            priority: DEFAULT_PRIORITY,
        }
    }

    /// Chooses as a run does. That no CPU can be used is not an error but the
    /// answer.
    ///
    /// # Errors
    /// Names what is wrong with `--cpus`.
    pub fn new(args: &PreflightArgs, host: &Host) -> Result<PreflightPlan, PlanError> {
        let priority = args.priority.unwrap_or(DEFAULT_PRIORITY);
        let none = |reason| PreflightPlan {
            cpus: CpuList::default(),
            housekeeping: CpuList::default(),
            not_sampled: CpuList::default(),
            priority,
            no_cpus: Some(reason),
        };
        let usable = match host.confinement.usable(&host.topology.sets) {
            Ok(usable) if usable.is_empty() => return Ok(none(NoCpus::AllClosed)),
            Ok(usable) => usable,
            Err(error) => return Ok(none(NoCpus::Unread(error))),
        };
        let choice = Choice::new(args.cpus.as_deref(), host, &usable)?;
        Ok(PreflightPlan {
            not_sampled: choice.left_out(),
            housekeeping: choice.housekeeping,
            cpus: choice.cpus,
            priority,
            no_cpus: None,
        })
    }
}
