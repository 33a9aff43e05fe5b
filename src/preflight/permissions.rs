//! What this process may do: by what it holds, and by what was tried.

use crate::host::permissions::Capability;
use crate::host::process_limits::{ProcessLimits, SoftLimit};
use crate::host::root::Known;
use crate::preflight::model::{Effect, Observation};
use crate::sampler::Scheduling;

use super::found::Found;
use super::look::{observed, why};
use super::{Trial, View};

const STATUS: &str = "proc/self/status";
const LIMITS: &str = "proc/self/limits";
const PARANOID: &str = "proc/sys/kernel/perf_event_paranoid";
const TRACEPOINT: &str = "events/sched/sched_switch/id";
/// What files alone say of a refusal.
const NEITHER: &str = "neither a capability nor a limit allows it";
/// Locked by a run at the least: the program and the samplers' stacks.
const LOCKED_BYTES: u64 = 8 << 20;

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    let limits = ProcessLimits::read(view.root);
    vec![
        realtime(view, &limits),
        locked_memory(view, &limits),
        perf(view),
        tracefs(view),
    ]
}

fn holds(view: &View<'_>, capability: Capability) -> bool {
    (view.host.permissions.capabilities.as_ref())
        .is_ok_and(|capabilities| capabilities.grants(capability))
}

fn capability_seen(view: &View<'_>, capability: Capability) -> Observation {
    let said = match &view.host.permissions.capabilities {
        Ok(_) if holds(view, capability) => format!("{capability} is held"),
        Ok(_) => format!("{capability} is not held"),
        Err(error) => why(error),
    };
    observed(STATUS, said)
}

fn limit_seen(limit: &Known<SoftLimit>, name: &str) -> Observation {
    let said = match limit {
        Ok(SoftLimit::Unlimited) => format!("{name} unlimited"),
        Ok(SoftLimit::UpTo(most)) => format!("{name} {most}"),
        Err(error) => why(error),
    };
    observed(LIMITS, said)
}

/// Why samplers get no real-time priority, where that is so. What the trial
/// says outweighs what the files say.
pub(super) fn no_realtime(view: &View<'_>) -> Option<String> {
    let limit = ProcessLimits::read(view.root).realtime_priority;
    let by_files = holds(view, Capability::SysNice)
        || limit.is_ok_and(|limit| limit.allows(u64::from(view.plan.priority)));
    match view.trial {
        Trial::Done(tried) => (tried.setups.iter()).find_map(|setup| match &setup.scheduling {
            Scheduling::Ordinary(reason) => Some(reason.clone()),
            Scheduling::Fifo(_) | Scheduling::Scripted => None,
        }),
        Trial::Failed(_) | Trial::NotMade if by_files => None,
        Trial::Failed(_) | Trial::NotMade => Some(NEITHER.to_owned()),
    }
}

fn realtime(view: &View<'_>, limits: &ProcessLimits) -> Found {
    let id = "realtime-right";
    let seen = [
        capability_seen(view, Capability::SysNice),
        limit_seen(&limits.realtime_priority, "Max realtime priority"),
    ];
    match no_realtime(view) {
        None => Found::new(
            id,
            Effect::None,
            format!(
                "Samplers may run at real-time priority {}.",
                view.plan.priority
            ),
        )
        .seen(seen),
        Some(reason) => Found::new(
            id,
            Effect::Disturbs,
            format!("Samplers get no real-time priority: {reason}."),
        )
        .seen(seen)
        .costs("Other tasks displace them; that time is the kernel's and not covered.")
        .remedy("run as root, grant CAP_SYS_NICE (setcap), or raise RLIMIT_RTPRIO (ulimit -r)"),
    }
}

fn locked_memory(view: &View<'_>, limits: &ProcessLimits) -> Found {
    let id = "memory-lock";
    let limit = &limits.locked_memory;
    let by_files = holds(view, Capability::IpcLock)
        || (limit.as_ref()).is_ok_and(|limit| limit.allows(LOCKED_BYTES));
    let refused = match view.trial {
        Trial::Done(tried) => tried.preparation.memory.as_ref().err().cloned(),
        Trial::Failed(_) | Trial::NotMade if by_files => None,
        Trial::Failed(_) | Trial::NotMade => Some(NEITHER.to_owned()),
    };
    let seen = [
        capability_seen(view, Capability::IpcLock),
        limit_seen(limit, "Max locked memory"),
    ];
    match refused {
        None => Found::new(id, Effect::None, "A run can lock its memory.").seen(seen),
        Some(reason) => Found::new(
            id,
            Effect::Slight,
            format!("A run cannot lock its memory: {reason}."),
        )
        .seen(seen)
        .costs("Page faults are possible, and told apart.")
        .remedy("run as root, grant CAP_IPC_LOCK (setcap), or raise RLIMIT_MEMLOCK (ulimit -l)"),
    }
}

fn perf(view: &View<'_>) -> Found {
    let id = "perf-right";
    let held = holds(view, Capability::Perfmon);
    let seen = [
        capability_seen(view, Capability::Perfmon),
        view.look(PARANOID),
    ];
    let condition = |effect, text: &str| Found::new(id, effect, text).seen(seen);
    let remedy = "run as root, grant CAP_PERFMON (setcap), or write -1 to \
                  /proc/sys/kernel/perf_event_paranoid";
    match &view.host.permissions.perf_event_paranoid {
        _ if held => condition(Effect::None, "Perf is open to this process."),
        Ok(..=-1) => condition(Effect::None, "Perf is open to everybody."),
        Ok(0) => condition(
            Effect::Limits,
            "Perf withholds the data of tracepoints from this process.",
        )
        .costs("Of what the kernel does in a gap, only context switches can be identified.")
        .remedy(remedy),
        Ok(_) => condition(Effect::Limits, "Perf shows this process no CPU as a whole.")
            .costs(
                "What the kernel does in a gap is not identified; perf's SMI event cannot be read.",
            )
            .remedy(remedy),
        Err(error) => condition(
            Effect::Limits,
            &format!("Whether perf is there is not known: {}.", why(error)),
        )
        .remedy("a kernel with CONFIG_PERF_EVENTS, and /proc mounted"),
    }
}

fn tracefs(view: &View<'_>) -> Found {
    let id = "tracefs";
    let places = ["sys/kernel/tracing", "sys/kernel/debug/tracing"]
        .map(|place| format!("{place}/{TRACEPOINT}"));
    let readable = places.iter().find(|file| view.root.read_text(file).is_ok());
    let condition = |effect, text: &str| Found::new(id, effect, text);
    match readable {
        Some(file) => {
            condition(Effect::None, "Tracepoints can be looked up.").seen([view.look(file)])
        }
        None if holds(view, Capability::SysAdmin) => condition(
            Effect::None,
            "Tracefs is not mounted where it can be read; hwgap mounts one for itself alone.",
        )
        .seen([
            view.look(&places[0]),
            capability_seen(view, Capability::SysAdmin),
        ]),
        None => condition(Effect::Limits, "Tracefs is not readable by this process.")
            .seen([
                view.look(&places[0]),
                capability_seen(view, Capability::SysAdmin),
            ])
            .costs("Interrupts in a gap have no name.")
            .remedy("mount -t tracefs tracefs /sys/kernel/tracing, and run as root"),
    }
}
