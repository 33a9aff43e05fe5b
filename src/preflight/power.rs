//! Frequencies, idle states and heat.
//!
//! Source: Documentation/admin-guide/pm/cpufreq.rst and cpuidle.rst;
//! arch/x86/kernel/cpu/mce/therm_throt.c.

use std::collections::BTreeMap;

use crate::host::power::{IdleEntry, IdleState, Turbo};
use crate::host::root::ReadError;
use crate::preflight::model::Effect;
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Nanos};

use super::found::Found;
use super::look::{cpus, few, observed, why};
use super::{Trial, View};

const CPU: &str = "sys/devices/system/cpu";
const DMA_LATENCY: &str = "dev/cpu_dma_latency";
/// Leaving a state of at most this takes no notable time: C1 and polling.
const SHALLOW: Nanos = Nanos(2_000);
/// How many governors a text names.
const NAMED: usize = 3;

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    if view.plan.cpus.is_empty() {
        return Vec::new();
    }
    vec![governor(view), turbo(view), idle_states(view), heat(view)]
}

fn governor(view: &View<'_>) -> Found {
    let id = "governor";
    let mut others: BTreeMap<String, Vec<CpuId>> = BTreeMap::new();
    let mut refused: Option<&ReadError> = None;
    for (cpu, power) in &view.power {
        match &power.governor {
            Ok(name) if name == "performance" => {}
            Ok(name) => {
                let driver = power.driver.as_deref().unwrap_or("unknown driver");
                others
                    .entry(format!("{name} ({driver})"))
                    .or_default()
                    .push(*cpu);
            }
            Err(ReadError::Missing { .. }) => {}
            Err(error) => refused = Some(error),
        }
    }
    let first = others.values().flatten().min().copied();
    let shown = first.or(view.plan.cpus.first()).unwrap_or(CpuId(0));
    let file = format!("{CPU}/cpu{shown}/cpufreq/scaling_governor");
    let seen = [view.look(&file)];
    if let Some(error) = refused {
        let text = format!("A governor cannot be read: {}.", why(error));
        return Found::new(id, Effect::Unknown, text).seen(seen);
    }
    if others.is_empty() {
        let text = "The kernel scales the frequency of no sampled CPU.";
        return Found::new(id, Effect::None, text).seen(seen);
    }
    let names: Vec<String> = (others.iter())
        .map(|(name, list)| {
            let list: CpuList = list.iter().copied().collect();
            format!("{name} on {}", cpus(&list))
        })
        .collect();
    Found::new(
        id,
        Effect::Disturbs,
        format!("The frequency follows the load: {}.", few(&names, NAMED)),
    )
    .seen(seen)
    .costs(
        "A change of frequency can stop the core for microseconds, which looks like the CPU's own.",
    )
    .remedy("write performance to scaling_governor of each sampled CPU")
}

fn turbo(view: &View<'_>) -> Found {
    let id = "turbo";
    let pstate = format!("{CPU}/intel_pstate/no_turbo");
    let file = match view.root.existing(&pstate) {
        Ok(_) => pstate,
        Err(_) => format!("{CPU}/cpufreq/boost"),
    };
    let condition = |effect, text: &str| view.by(id, &file, effect, text);
    match &view.host.power.turbo {
        Ok(Turbo::Off) => condition(Effect::None, "No CPU runs above its base frequency."),
        Ok(Turbo::Allowed) => condition(
            Effect::Slight,
            "CPUs may run above their base frequency, as heat and their neighbours allow.",
        )
        .costs("Steps between such frequencies can stop a core for microseconds.")
        .remedy(match file.ends_with("boost") {
            true => format!("write 0 to /{file}"),
            false => format!("write 1 to /{file}"),
        }),
        Err(error) => view.unread(
            id,
            &file,
            error,
            "The kernel does not control frequencies above the base.",
        ),
    }
}

fn deepest(states: &[IdleState]) -> Option<&IdleState> {
    (states.iter())
        .filter(|state| state.entry == IdleEntry::Enabled)
        .max_by_key(|state| state.exit_latency)
}

fn idle_states(view: &View<'_>) -> Found {
    let id = "idle-states";
    let found = (view.power.iter())
        .filter_map(|(cpu, power)| Some((*cpu, deepest(power.idle_states.as_deref().ok()?)?)))
        .max_by_key(|(_, state)| state.exit_latency)
        .filter(|(_, state)| state.exit_latency > SHALLOW);
    let Some((cpu, state)) = found else {
        let text = "No deep idle state is in use on a sampled CPU.";
        let driver = view.look(&format!("{CPU}/cpuidle/current_driver"));
        return Found::new(id, Effect::None, text).seen([driver]);
    };
    let seen = [observed(
        &format!("{CPU}/cpu{cpu}/cpuidle"),
        format!(
            "deepest state {}, left within {}",
            state.name, state.exit_latency
        ),
    )];
    let held = match view.trial {
        Trial::Done(tried) => Some(&tried.preparation.dma_latency),
        Trial::Failed(_) | Trial::NotMade => None,
    };
    let text = format!(
        "The kernel may enter idle state {}, which takes up to {} to leave.",
        state.name, state.exit_latency
    );
    let condition = |effect, text: &str| Found::new(id, effect, text).seen(seen);
    match held {
        Some(Ok(())) => condition(
            Effect::None,
            &format!("{text} A run holds /{DMA_LATENCY} at 0."),
        ),
        Some(Err(reason)) => condition(Effect::Slight, &text)
            .seen([observed(DMA_LATENCY, reason)])
            .costs("Samplers are never idle, but their siblings and the package may be.")
            .remedy(format!(
                "run as root, or give write access to /{DMA_LATENCY}"
            )),
        None => condition(Effect::Slight, &text)
            .costs("A run that may write /dev/cpu_dma_latency holds such states off."),
    }
}

/// Throttling since boot: the CPU's own counts by core and by package.
fn heat(view: &View<'_>) -> Found {
    let id = "heat";
    let count = |cpu: CpuId, which: &str| {
        let file = format!("{CPU}/cpu{cpu}/thermal_throttle/{which}_throttle_count");
        let known = view.root.read_number::<u64>(&file);
        (file, known)
    };
    let counts: Vec<_> = (view.plan.cpus.iter())
        .flat_map(|cpu| ["core", "package"].map(|which| count(cpu, which)))
        .collect();
    let hot: Vec<_> = (counts.iter())
        .filter(|(_, known)| matches!(known, Ok(1..)))
        .map(|(file, _)| view.look(file))
        .collect();
    if hot.is_empty() {
        let file = counts.first().map_or("", |(file, _)| file);
        let text = match counts.iter().any(|(_, known)| known.is_ok()) {
            true => "No sampled CPU was throttled by heat since boot.",
            false => "The kernel counts no throttling by heat here.",
        };
        return view.by(id, file, Effect::None, text);
    }
    Found::new(
        id,
        Effect::Slight,
        "Heat has throttled sampled CPUs since boot.",
    )
    .seen(hot)
    .costs("Throttling briefly halts the core: such gaps are the CPU's.")
    .remedy("look after cooling; compare the counts before and after a run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disabled_state_does_not_count() {
        let state = |name: &str, latency, entry| IdleState {
            name: name.into(),
            exit_latency: Nanos(latency),
            entry,
        };
        let states = [
            state("C1", 1_000, IdleEntry::Enabled),
            state("C6", 170_000, IdleEntry::Disabled),
        ];
        assert_eq!(deepest(&states).unwrap().name, "C1");
        assert_eq!(deepest(&[]), None);
    }
}
