//! What is done about gaps and at the end, and the load that is measured under.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cli::{Action, RunArgs, StressArg};
use crate::model::ActedOn;
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

use super::{PlanError, TURNS_EACH};

/// Where a trace goes that has no name.
const TRACE: &str = "hwgap-trace.dat";
/// Traces of a run, where nothing is said.
const TRACES: u64 = 10;
/// The longest time around a gap that a trace holds.
const LONGEST_TRACE: Nanos = Nanos::SECOND;
/// What stress-ng is called.
const STRESS: &str = "stress-ng";

#[derive(Clone, Debug, Default)]
pub struct ActionsPlan {
    /// What is done at a gap.
    pub on_gap: Vec<ActionPlan>,
    /// What is done at the end.
    pub on_end: Vec<ActionPlan>,
}

/// Something that is done.
#[derive(Clone, Debug)]
pub struct ActionPlan {
    pub deed: Deed,
    /// How often at most.
    pub most: u64,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Deed {
    Mark(Option<String>),
    Trace(TracePlan),
    Signal {
        pid: u32,
        signal: nix::sys::signal::Signal,
    },
    Shell {
        command: String,
        timeout: Nanos,
        rights: Rights,
    },
}

/// As it was asked for.
impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deed::Mark(None) => f.write_str("mark"),
            Deed::Mark(Some(instance)) => write!(f, "mark:{instance}"),
            Deed::Trace(trace) => write!(f, "trace={}", trace.file.display()),
            Deed::Signal { pid, signal } => write!(f, "signal:{pid}:{}", &signal.as_str()[3..]),
            Deed::Shell { command, .. } => write!(f, "shell:{command}"),
        }
    }
}

#[derive(Clone, Debug)]
pub struct TracePlan {
    pub file: PathBuf,
    pub before: Nanos,
    pub after: Nanos,
    /// Groups and events; empty for those of a default.
    pub events: Vec<String>,
}

/// With whose rights a process is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// hwgap's own.
    Kept,
    /// Under sudo the caller's; else hwgap's user without any capability.
    Dropped,
}

/// What the machine does while it is measured.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    pub command: Vec<OsString>,
    pub cpus: CpuList,
    /// Whether the sampled CPUs are among them.
    pub on_sampled: bool,
}

/// The gaps that ask for something.
#[derive(Clone, Copy, Debug)]
pub struct TriggerPlan {
    pub above: Nanos,
    pub of: ActedOn,
}

/// Which gaps end the run, and about which something else is done.
pub(super) fn triggers(
    args: &RunArgs,
    threshold: Nanos,
    hardlimit: Nanos,
) -> Result<(Option<TriggerPlan>, Option<TriggerPlan>), PlanError> {
    let asked = &args.actions;
    let trigger = TriggerPlan {
        above: asked.on_gap_above.unwrap_or(hardlimit),
        of: match asked.on_any {
            true => ActedOn::Any,
            false => ActedOn::Platform,
        },
    };
    if trigger.above < threshold {
        return Err(PlanError::ActionBelowThreshold(trigger.above, threshold));
    }
    let stops = asked.on_gap.contains(&Action::Stop);
    if (stops || args.stop_on_gap) && asked.on_gap.contains(&Action::Continue) {
        return Err(PlanError::StopAndContinue);
    }
    let first_of_all = args.stop_on_gap.then_some(TriggerPlan {
        above: threshold,
        of: ActedOn::Platform,
    });
    let stop = match stops {
        true => Some(trigger),
        false => first_of_all,
    };
    let is_other = |action: &Action| !matches!(action, Action::Stop | Action::Continue);
    let act = asked.on_gap.iter().any(is_other).then_some(trigger);
    Ok((stop, act))
}

pub(super) fn actions(args: &RunArgs) -> Result<ActionsPlan, PlanError> {
    let asked = &args.actions;
    let named = asked.on_gap.iter().chain(&asked.on_end);
    let traces = || named.clone().filter(|one| matches!(one, Action::Trace(_)));
    for (name, length) in [("before", asked.trace_before), ("after", asked.trace_after)] {
        if length > LONGEST_TRACE && traces().next().is_some() {
            return Err(PlanError::TraceTooLong(name, length));
        }
    }
    let deed = |action: &Action| {
        Some(match action {
            Action::Stop | Action::Continue => return None,
            Action::Mark(instance) => Deed::Mark(instance.clone()),
            Action::Trace(file) => Deed::Trace(TracePlan {
                file: file.clone().unwrap_or_else(|| PathBuf::from(TRACE)),
                before: asked.trace_before,
                after: asked.trace_after,
                events: asked.trace_events.clone(),
            }),
            &Action::Signal { pid, signal } => Deed::Signal { pid, signal },
            Action::Shell(command) => Deed::Shell {
                command: command.clone(),
                timeout: asked.action_timeout,
                rights: match asked.action_rights {
                    true => Rights::Kept,
                    false => Rights::Dropped,
                },
            },
        })
    };
    if asked.on_end.iter().any(|action| deed(action).is_none()) {
        return Err(PlanError::StopAtTheEnd);
    }
    let most = |deed: &Deed| match (asked.on_gap_limit, deed) {
        (Some(limit), _) => limit,
        (None, Deed::Trace(_)) => TRACES,
        (None, _) => u64::MAX,
    };
    let plans = |actions: &[Action]| -> Vec<ActionPlan> {
        let deeds = actions.iter().filter_map(deed);
        deeds
            .map(|deed| ActionPlan {
                most: most(&deed),
                deed,
            })
            .collect()
    };
    Ok(ActionsPlan {
        on_gap: plans(&asked.on_gap),
        on_end: plans(&asked.on_end),
    })
}

impl ActionsPlan {
    pub fn all(&self) -> impl Iterator<Item = &ActionPlan> {
        self.on_gap.iter().chain(&self.on_end)
    }

    /// Whether anything of the host is changed for it.
    pub fn changes_host(&self) -> bool {
        self.traces().next().is_some()
    }

    pub fn traces(&self) -> impl Iterator<Item = &TracePlan> {
        self.all().filter_map(|action| match &action.deed {
            Deed::Trace(trace) => Some(trace),
            _ => None,
        })
    }
}

pub(super) fn load(
    args: &RunArgs,
    housekeeping: &CpuList,
    usable: &CpuList,
) -> Result<Option<LoadPlan>, PlanError> {
    let asked = &args.actions;
    if asked.stress.is_empty() && asked.load.is_empty() {
        return match asked.load_on_sampled {
            true => Err(PlanError::NoLoad),
            false => Ok(None),
        };
    }
    let cpus = match asked.load_on_sampled {
        true => usable,
        false => housekeeping,
    };
    if cpus.is_empty() {
        return Err(PlanError::NoCpuForLoad);
    }
    let command = match asked.stress.as_slice() {
        [] => asked.load.clone(),
        kinds => stress(kinds, cpus.len()),
    };
    let program = Path::new(&command[0]);
    if !is_there(program) {
        return Err(match asked.stress.is_empty() {
            true => PlanError::NoProgram(program.to_owned()),
            false => PlanError::NoStress,
        });
    }
    if asked.stress.is_empty() && args.duration.is_none() && args.engine.len() > 1 {
        return Err(PlanError::TurnsWithoutDuration(TURNS_EACH));
    }
    Ok(Some(LoadPlan {
        command,
        cpus: cpus.clone(),
        on_sampled: asked.load_on_sampled,
    }))
}

fn stress(kinds: &[StressArg], cpus: usize) -> Vec<OsString> {
    let each = cpus.to_string();
    let folder = std::env::temp_dir();
    let mut command: Vec<OsString> = vec![STRESS.into(), "--timeout".into(), "0".into()];
    for kind in kinds {
        let options = match kind {
            StressArg::Cpu => ["--cpu", &each, "--cpu-method", "all"].map(OsString::from),
            StressArg::Memory => ["--vm", &each, "--vm-bytes", "50%"].map(OsString::from),
            StressArg::Io => [
                "--iomix".into(),
                each.clone().into(),
                "--temp-path".into(),
                folder.clone().into_os_string(),
            ],
        };
        command.extend(options);
    }
    command
}

/// Whether a program can be started by this name, as execvp(3) looks for it.
fn is_there(program: &Path) -> bool {
    let is_program = |path: &Path| {
        let found = path.metadata();
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.components().count() > 1 || program.is_absolute() {
        return is_program(program);
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    std::env::split_paths(&path).any(|folder| is_program(&folder.join(program)))
}
