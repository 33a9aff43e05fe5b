//! Limits that would end or cripple a run, and real-time tasks that it would
//! have to wait for.

use crate::host::occupants::{Owner, RealtimeTask, State, allowed, realtime_tasks};
use crate::preflight::model::{Effect, Observation};
use crate::session::limits::{self, Need, Priority, Records};
use crate::units::Nanos;

use super::found::Found;
use super::look::{cpus, few, observed};
use super::permissions::no_realtime;
use super::{Trial, View};

const LIMITS: &str = "proc/self/limits";
/// The length of a run that names none.
const DURATION: Nanos = Nanos(120 * 1_000_000_000);
const MOST_NAMED: usize = 5;

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    // They are about this process on this machine; of another one's files they
    // say nothing.
    if matches!(view.trial, Trial::NotMade) {
        return Vec::new();
    }
    let need = Need {
        cpus: view.plan.cpus.len() as u64,
        stretch: DURATION,
        duration: DURATION,
        priority: match no_realtime(view) {
            None => Priority::Realtime,
            Some(_) => Priority::Ordinary,
        },
        records: Records::allowed_to(view.host),
    };
    let found = limits::shortfalls(view.root, need);
    if found.is_empty() {
        let text = "No limit of this process or its control group ends or cripples a run of 120 s.";
        return vec![
            Found::new("limits", Effect::None, text).seen([observed(LIMITS, "high enough")]),
        ];
    }
    let condition = |one: &limits::Shortfall| {
        let effect = match one.effect {
            limits::Effect::Ends => Effect::Prevents,
            limits::Effect::Cripples => Effect::Limits,
        };
        let text = format!("{} {}, if it lasts 120 s.", one.limit, one.text);
        Found::new("limits", effect, text)
            .seen([observed(LIMITS, &one.text)])
            .costs(format!("{}.", one.consequence))
            .remedy(format!("raise {}", one.limit))
    };
    found.iter().map(condition).collect()
}

/// Who has his turn before a sampler, or keeps it, on the CPUs to sample.
pub(super) fn tasks(view: &View<'_>) -> Vec<Found> {
    let id = "realtime-tasks";
    let own = std::process::id();
    if matches!(view.trial, Trial::NotMade) || no_realtime(view).is_some() {
        return Vec::new();
    }
    let on_sampled = |task: &RealtimeTask| {
        let may = allowed(view.root, task);
        may.iter().any(|cpu| view.plan.cpus.contains(cpu))
    };
    let all = realtime_tasks(view.root, view.plan.priority, own).into_iter();
    let found: Vec<RealtimeTask> = all
        // The kernel's own wait until there is work, and cannot be helped.
        .filter(|task| task.owner == Owner::User || task.state == State::Runnable)
        .filter(on_sampled)
        .collect();
    let priority = view.plan.priority;
    let where_ = cpus(&view.plan.cpus);
    let seen = |task: &RealtimeTask| Observation {
        source: format!("/proc/{}/task/{}/stat", task.process, task.thread),
        said: task.to_string(),
    };
    let condition = |effect, text: &str| {
        Found::new(id, effect, text).seen(found.iter().take(MOST_NAMED).map(seen))
    };
    let names: Vec<String> = found.iter().map(ToString::to_string).collect();
    let others = found.iter().filter(|task| task.is_sampler()).count();
    let busy = found.iter().any(|task| task.state == State::Runnable);
    vec![if found.is_empty() {
        condition(
            Effect::None,
            &format!("No real-time task of priority {priority} or above may run on {where_}."),
        )
    } else if others > 0 {
        condition(
            Effect::Disturbs,
            &format!(
                "Another run of hwgap samples here: {}.",
                few(&names, MOST_NAMED)
            ),
        )
        .costs("Of two samplers on one CPU, the second waits for the first.")
        .remedy("wait for it, or sample other CPUs")
    } else {
        condition(
            match busy {
                true => Effect::Disturbs,
                false => Effect::Slight,
            },
            &format!(
                "Real-time tasks of priority {priority} or above may run on {where_}: {}.",
                few(&names, MOST_NAMED)
            ),
        )
        .costs("A sampler waits for them; that time is the kernel's and not covered.")
        .remedy("move them to other CPUs (taskset -p), or raise --priority")
    }]
}
