//! What of the host is made quiet, and how changes are kept.

use std::path::PathBuf;

use crate::cli::RunArgs;
use crate::host::Host;
use crate::quiet::{QuietPlan, Starve, Steps};
use crate::units::cpulist::CpuList;

use super::PlanError;

/// How changes of the host are kept, so that they can be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Where the journal lies, if not at its usual place.
    pub journal: Option<PathBuf>,
    /// What to do with changes that an earlier run has left.
    pub leftovers: Leftovers,
}

/// What to do with changes that an earlier run has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// Begin nothing on top of them.
    Refuse,
    RestoreFirst,
}

pub(super) fn quiet(
    args: &RunArgs,
    host: &Host,
    cpus: &CpuList,
    priority: u8,
) -> Result<Option<QuietPlan>, PlanError> {
    let Some(text) = &args.quiet_host else {
        return Ok(None);
    };
    let steps = match text.trim() {
        "all" => Steps::all(),
        list => list.parse().map_err(PlanError::BadSteps)?,
    };
    let online = host.topology.sets.online.clone()?;
    Ok(Some(QuietPlan {
        steps,
        starve: match args.starve_host {
            true => Starve::Host,
            false => Starve::Nobody,
        },
        sampled: cpus.clone(),
        rest: online.without(cpus),
        priority,
    }))
}

pub(super) fn keeping(args: &RunArgs) -> Keeping {
    Keeping {
        journal: args.journal.clone(),
        leftovers: match args.restore_first {
            true => Leftovers::RestoreFirst,
            false => Leftovers::Refuse,
        },
    }
}
