//! How a run samples: the limits of its process, the plan of its samplers, the
//! pace of its collector and the rights that it keeps.

use crate::evidence::MachineFacts;
use crate::evidence::watches::{FreezeRequest, RegisterSources};
use crate::files::patient::tell;
use crate::host::Host;
use crate::host::permissions::Capability;
use crate::host::process_limits::ProcessLimits;
use crate::host::root::Root;
use crate::model::{EngineName, Platform};
use crate::plan::RunPlan;
use crate::privileges::{Keep, Writes};
use crate::sampler::{Readings, SamplingPlan, Window};
use crate::session::{Pace, limits};
use crate::sys::sched;
use crate::units::{Cycles, Hertz, Nanos};

use super::super::Failure;
use super::engine::{Choice, USER_WARM_UP};

/// Raises the limits of this process, and refuses a run that one of them would
/// end.
pub(super) fn within_limits(root: &Root, host: &Host, plan: &RunPlan) -> Result<(), Failure> {
    limits::raise();
    let allowed = ProcessLimits::read(root).realtime_priority;
    let held = host.permissions.capabilities.as_ref();
    let is_realtime = held.is_ok_and(|held| held.grants(Capability::SysNice))
        || allowed.is_ok_and(|limit| limit.allows(u64::from(plan.priority)));
    let need = limits::Need {
        cpus: plan.cpus.len() as u64,
        stretch: match plan.width < plan.window {
            true => plan.width.min(plan.duration),
            false => (plan.duration).saturating_add(plan.warm_up.unwrap_or(USER_WARM_UP)),
        },
        duration: plan.duration,
        priority: match is_realtime {
            true => limits::Priority::Realtime,
            false => limits::Priority::Ordinary,
        },
        records: limits::Records::allowed_to(host),
    };
    for one in limits::shortfalls(root, need) {
        match one.effect {
            limits::Effect::Ends => return Err(Failure::NoVerdict(one.to_string())),
            limits::Effect::Cripples => tell(&format!("hwgap: {one}\n")),
        }
    }
    Ok(())
}

/// The rights that a run keeps while it samples.
pub(super) fn keep(plan: &RunPlan, choices: &[Choice], scripted: bool) -> Keep {
    match choices {
        _ if scripted => Keep::All("a scripted clock takes no rights"),
        _ if plan.quiet.is_some()
            || plan.freeze_on_smi == FreezeRequest::SetForRun
            || plan.actions.changes_host() =>
        {
            Keep::All("the host is put back at the end")
        }
        [only] if only.chosen.engine == EngineName::User => {
            let outputs = &plan.outputs;
            let files = [&outputs.json, &outputs.csv, &outputs.html];
            let writes = files.iter().any(|file| file.is_some())
                || outputs.events.is_some()
                || outputs.live.is_some();
            Keep::least(match writes {
                true => Writes::Files,
                false => Writes::Nothing,
            })
        }
        _ => Keep::All("this engine uses them while it samples"),
    }
}

/// How often to collect. Where all CPUs are sampled, the collector must come
/// before the samplers, or records would be lost until they pause.
pub(super) fn pace(plan: &RunPlan, scripted: bool) -> Pace {
    if scripted || !plan.housekeeping.is_empty() {
        return match plan.act {
            Some(_) => Pace::Prompt,
            None => Pace::OwnCpu,
        };
    }
    // Without the right to it, the samplers have no such priority either.
    let _ = sched::set_fifo(plan.priority + 1);
    Pace::SharedCpu
}

pub(super) fn sampling_plan(
    plan: &RunPlan,
    machine: &MachineFacts,
    hz: Hertz,
    registers: RegisterSources,
    keep: Keep,
) -> SamplingPlan {
    let cycles = |length: Nanos| -> Cycles { hz.to_cycles(length) };
    SamplingPlan {
        cpus: plan.cpus.iter().collect(),
        threshold: cycles(plan.threshold),
        limit: cycles(plan.hardlimit),
        // Each engine has its own.
        warm_up: Cycles(0),
        duration: cycles(plan.duration),
        window: if plan.width == plan.window {
            Window::Continuous
        } else {
            Window::Partial {
                width: cycles(plan.width),
                window: cycles(plan.window),
            }
        },
        priority: plan.priority,
        threads_file: None,
        hz,
        smi_readings: match machine.platform() {
            Platform::BareMetal => Readings::AfterGaps,
            Platform::Guest => Readings::StartAndEnd,
        },
        registers,
        keep,
    }
}
