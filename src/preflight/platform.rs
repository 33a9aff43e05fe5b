//! Bare metal or guest.

use crate::preflight::model::{Effect, Observation};

use super::View;
use super::found::Found;

const VENDOR: &str = "sys/class/dmi/id/sys_vendor";

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    let id = "virtualization";
    let cpuid = Observation {
        source: String::from("CPUID 40000000h"),
        said: match view.machine.cpuid.hypervisor() {
            Some(name) => name.to_string(),
            None => String::from("no hypervisor"),
        },
    };
    let seen = [cpuid, view.look(VENDOR)];
    let condition = match &view.machine.hypervisor {
        None => Found::new(
            id,
            Effect::None,
            "No hypervisor shows itself; a hidden one cannot be ruled out.",
        ),
        Some(name) => Found::new(
            id,
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
