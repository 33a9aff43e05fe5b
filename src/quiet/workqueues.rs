//! Kernel work that is bound to no CPU.
//!
//! Source: Documentation/core-api/workqueue.rst, "Affinity Scopes" and
//! "Interface files"; kernel/workqueue.c.

use crate::changes::{Format, Place};
use crate::units::cpumask::{mask_of, parse_mask};

use super::intent::Intent;
use super::step::Step;
use super::{NO_REST, View};

const FOLDER: &str = "sys/devices/virtual/workqueue";
const STEP: Step = Step::Workqueue;

pub(super) fn intents(view: &View<'_>) -> Vec<Intent> {
    let folder = Place::root(FOLDER);
    if !view.has_rest() {
        return vec![Intent::skip(STEP, folder, None, NO_REST)];
    }
    // The mask of all, and those of the queues that show their own.
    let mut all = vec![mask(view, folder.join("cpumask"))];
    for name in view.access.list(&folder).unwrap_or_default() {
        let place = folder.join(&name).join("cpumask");
        if view.value(&place).is_ok() {
            all.push(mask(view, place));
        }
    }
    all
}

fn mask(view: &View<'_>, place: Place) -> Intent {
    match view.value(&place) {
        Ok(old) => match parse_mask(&old) {
            Some(list) => {
                let new = mask_of(&view.moved(&list));
                Intent::set(STEP, place, Format::CpuMask, &old, &new)
            }
            None => Intent::skip(STEP, place, Some(&old), "it holds no mask"),
        },
        Err(reason) => Intent::skip(STEP, place, None, reason),
    }
}
