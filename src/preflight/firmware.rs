//! Loaded modules that make firmware work, and the one that counts SMIs.

use crate::attribution::Platform;
use crate::host::modules::ModuleRole;
use crate::host::root::ReadError;
use crate::host::smi_source::msr_device;
use crate::report::preflight::model::{Condition, Effect, Observation, Subject};

use super::View;
use super::look::{look, observed, why};

const MODULES: &str = "proc/modules";
const SMI_EVENT: &str = "sys/bus/event_source/devices/msr/events/smi";
const SUBJECT: Subject = Subject::Platform;

pub(super) fn conditions(view: &View<'_>) -> Vec<Condition> {
    let mut all = vec![
        by_role(
            view,
            "smi-modules",
            ModuleRole::RaisesSmis,
            Effect::Disturbs,
            "Loaded modules work by raising SMIs",
            "What uses them (sensors, vendor tools) makes SMIs in the run.",
        ),
        by_role(
            view,
            "firmware-polls",
            ModuleRole::PollsFirmware,
            Effect::Slight,
            "Loaded modules ask firmware or a management controller",
            "Some machines answer such questions by SMIs.",
        ),
        by_role(
            view,
            "guests",
            ModuleRole::RunsGuests,
            Effect::Slight,
            "Modules for running virtual machines are loaded",
            "Guests on sampled CPUs, if there are any, take their time.",
        ),
        by_role(
            view,
            "timer-watchdog",
            ModuleRole::Watchdog,
            Effect::Slight,
            "The driver of a watchdog timer is loaded",
            "Its expiry may raise an SMI.",
        ),
    ];
    all.extend(msr_module(view));
    all
}

fn by_role(
    view: &View<'_>,
    id: &str,
    role: ModuleRole,
    effect: Effect,
    text: &str,
    costs: &str,
) -> Condition {
    let condition = |effect, text: String| Condition::new(id, SUBJECT, effect, text);
    let modules = match &view.host.kernel.modules {
        Ok(modules) => modules,
        Err(ReadError::Missing { .. }) => {
            return condition(Effect::None, String::from("This kernel loads no modules."))
                .seen([look(view.root, MODULES)]);
        }
        Err(error) => {
            return condition(
                Effect::Unknown,
                format!("Modules are not known: {}.", why(error)),
            )
            .seen([look(view.root, MODULES)]);
        }
    };
    let names: Vec<&str> = (modules.iter())
        .filter(|module| module.role == role)
        .map(|module| module.name)
        .collect();
    if names.is_empty() {
        return condition(Effect::None, String::from("No such module is loaded."))
            .seen([observed(MODULES, "none of those that hwgap knows")]);
    }
    condition(effect, format!("{text}: {}.", names.join(", ")))
        .seen([observed(MODULES, names.join(", "))])
        .costs(costs)
        .remedy(format!(
            "rmmod {}, unless the machine needs it",
            names.join(" ")
        ))
}

/// Only Intel counts SMIs in an MSR, and only bare metal's count means
/// anything.
fn msr_module(view: &View<'_>) -> Option<Condition> {
    let cpu = view.plan.cpus.first()?;
    let intel = view.machine.cpuid.vendor == "GenuineIntel";
    if !intel || view.machine.platform() == Platform::Guest {
        return None;
    }
    let seen = [
        look_at_device(view, &format!("dev/cpu/{cpu}/msr")),
        look(view.root, SMI_EVENT),
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
    let condition = Condition::new("msr-module", SUBJECT, effect, text).seen(seen);
    Some(match effect {
        Effect::Limits => condition
            .costs("SMIs cannot be counted.")
            .remedy("modprobe msr"),
        _ => condition,
    })
}

/// Whether the device is there; it is not read here.
fn look_at_device(view: &View<'_>, file: &str) -> Observation {
    match view.root.existing(file) {
        Ok(_) => observed(file, "exists"),
        Err(error) => observed(file, why(&error)),
    }
}
