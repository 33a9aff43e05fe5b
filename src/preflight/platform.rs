//! Bare metal or guest.

use crate::preflight::model::{Condition, Effect, Observation, Subject};

use super::View;
use super::look::look;

const VENDOR: &str = "sys/class/dmi/id/sys_vendor";
const SUBJECT: Subject = Subject::Platform;

pub(super) fn conditions(view: &View<'_>) -> Vec<Condition> {
    let id = "virtualization";
    let cpuid = Observation {
        source: String::from("CPUID 40000000h"),
        said: match view.machine.cpuid.hypervisor() {
            Some(name) => name.to_string(),
            None => String::from("no hypervisor"),
        },
    };
    let seen = [cpuid, look(view.root, VENDOR)];
    let condition = match &view.machine.hypervisor {
        None => Condition::new(
            id,
            SUBJECT,
            Effect::None,
            "No hypervisor shows itself; a hidden one cannot be ruled out.",
        ),
        Some(name) => Condition::new(
            id,
            SUBJECT,
            Effect::Limits,
            format!("This is a virtual machine under {name}."),
        )
        .costs(
            "A stall may come from the hypervisor, another guest or the machine below; SMIs \
                 of that machine cannot be counted.",
        )
        .remedy("to judge the hardware, run hwgap on the host itself"),
    };
    vec![condition.seen(seen)]
}
