//! Loaded modules that make firmware work, and the one that counts SMIs.

use crate::host::modules::ModuleRole;
use crate::host::root::ReadError;
use crate::host::smi_source::msr_device;
use crate::model::Platform;
use crate::preflight::model::{Effect, Observation};

use super::View;
use super::found::Found;
use super::look::{observed, why};

const MODULES: &str = "proc/modules";
const SMI_EVENT: &str = "sys/bus/event_source/devices/msr/events/smi";

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    let mut all: Vec<Found> = ROLES.iter().map(|role| loaded(view, role)).collect();
    all.extend(msr_module(view));
    all
}

/// What modules of a role mean for a measurement.
struct Meaning {
    id: &'static str,
    role: ModuleRole,
    effect: Effect,
    text: &'static str,
    costs: &'static str,
    remedy: &'static str,
}

const ROLES: [Meaning; 4] = [
    Meaning {
        id: "smi-modules",
        role: ModuleRole::RaisesSmis,
        effect: Effect::Disturbs,
        text: "Loaded modules work by raising SMIs",
        costs: "What uses them (sensors, vendor tools) makes SMIs in the run.",
        remedy: "unload them (rmmod) for the run, unless the machine needs them",
    },
    Meaning {
        id: "firmware-polls",
        role: ModuleRole::PollsFirmware,
        effect: Effect::Slight,
        text: "Loaded modules ask firmware or a management controller",
        costs: "Some machines answer such questions by SMIs.",
        remedy: "if SMIs show, compare with a run without them",
    },
    Meaning {
        id: "guests",
        role: ModuleRole::RunsGuests,
        effect: Effect::Slight,
        text: "Modules for running virtual machines are loaded",
        costs: "Guests on sampled CPUs, if there are any, take their time.",
        remedy: "keep guests off the sampled CPUs",
    },
    Meaning {
        id: "timer-watchdog",
        role: ModuleRole::Watchdog,
        effect: Effect::Slight,
        text: "The driver of a watchdog timer is loaded",
        costs: "Its expiry may raise an SMI.",
        remedy: "if SMIs show, compare with a run without it",
    },
];

fn loaded(view: &View<'_>, meaning: &Meaning) -> Found {
    let condition = |effect, text: &str| Found::new(meaning.id, effect, text);
    let modules = match &view.host.kernel.modules {
        Ok(modules) => modules,
        Err(ReadError::Missing { .. }) => {
            return condition(Effect::None, "This kernel loads no modules.")
                .seen([view.look(MODULES)]);
        }
        Err(error) => {
            return condition(
                Effect::Unknown,
                &format!("Modules are not known: {}.", why(error)),
            )
            .seen([view.look(MODULES)]);
        }
    };
    let names: Vec<&str> = (modules.iter())
        .filter(|module| module.role == meaning.role)
        .map(|module| module.name)
        .collect();
    if names.is_empty() {
        return condition(Effect::None, "No such module is loaded.")
            .seen([observed(MODULES, "none of those that hwgap knows")]);
    }
    let names = names.join(", ");
    condition(meaning.effect, &format!("{}: {names}.", meaning.text))
        .seen([observed(MODULES, names)])
        .costs(meaning.costs)
        .remedy(meaning.remedy)
}

/// Only Intel counts SMIs in an MSR, and only bare metal's count means
/// anything.
fn msr_module(view: &View<'_>) -> Option<Found> {
    let cpu = view.plan.cpus.first()?;
    let intel = view.machine.cpuid.vendor == "GenuineIntel";
    if !intel || view.machine.platform() == Platform::Guest {
        return None;
    }
    let seen = [
        look_at_device(view, &format!("dev/cpu/{cpu}/msr")),
        view.look(SMI_EVENT),
    ];
    let has_event =
        (view.host.smi_sources.msr_pmu.as_ref()).is_ok_and(|pmu| pmu.smi_config.is_ok());
    let (effect, text) = match (msr_device(view.root, cpu), has_event) {
        (Ok(_), _) => (
            Effect::None,
            "The msr driver gives access to the SMI counter.",
        ),
        (Err(_), true) => (
            Effect::None,
            "The msr driver is missing; perf has an event for the SMI counter.",
        ),
        (Err(_), false) => (
            Effect::Limits,
            "The msr driver is missing, and perf has no event for the SMI counter.",
        ),
    };
    let condition = Found::new("msr-module", effect, text).seen(seen);
    Some(match effect {
        Effect::Limits => condition
            .costs("SMIs cannot be counted.")
            .remedy("modprobe msr"),
        _ => condition,
    })
}

fn look_at_device(view: &View<'_>, file: &str) -> Observation {
    match view.root.existing(file) {
        Ok(_) => observed(file, "exists"),
        Err(error) => observed(file, why(&error)),
    }
}
