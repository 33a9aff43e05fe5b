//! Polling of the machine-check banks for corrected errors.
//!
//! One interval for all CPUs, shown in the folder of each
//! (arch/x86/kernel/cpu/mce/core.c). Errors that raise an exception or an
//! interrupt are seen as ever.

use crate::changes::{Format, Place};

use super::View;
use super::intent::Intent;
use super::step::Step;

pub(super) fn machine_checks(view: &View<'_>) -> Vec<Intent> {
    const STEP: Step = Step::MachineCheck;
    let Some(cpu) = view.plan.sampled.first() else {
        return Vec::new();
    };
    let place = Place::root(format!(
        "sys/devices/system/machinecheck/machinecheck{cpu}/check_interval"
    ));
    vec![match view.value(&place) {
        Ok(old) => Intent::set(STEP, place, Format::Text, &old, "0"),
        Err(reason) => Intent::skip(STEP, place, None, reason),
    }]
}
