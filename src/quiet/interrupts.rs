//! Device interrupts: delivered to other CPUs.
//!
//! Source: Documentation/core-api/irq/irq-affinity.rst, kernel/irq/proc.c.

use crate::changes::{Format, Place};
use crate::host::irqs::{Irq, Mobility, read};
use crate::units::cpumask::{mask_of, parse_mask};

use super::intent::Intent;
use super::step::Step;
use super::{NO_REST, View};

const DEFAULT: &str = "proc/irq/default_smp_affinity";
const STEP: Step = Step::Irq;

pub(super) fn intents(view: &View<'_>) -> Vec<Intent> {
    if !view.has_rest() {
        return vec![Intent::skip(STEP, "/proc/irq", None, NO_REST)];
    }
    let mut all = vec![default(view)];
    match read(view.root) {
        Ok(irqs) => all.extend(irqs.iter().filter_map(|irq| one(view, irq))),
        Err(error) => all.push(Intent::skip(STEP, "/proc/irq", None, error.to_string())),
    }
    all
}

/// Interrupts of devices that start during the run.
fn default(view: &View<'_>) -> Intent {
    let place = Place::root(DEFAULT);
    match view.value(&place) {
        Ok(old) => match parse_mask(&old) {
            Some(mask) => {
                let new = mask_of(&view.moved(&mask));
                Intent::set(STEP, place, Format::CpuMask, &old, &new)
            }
            None => Intent::skip(STEP, place, Some(&old), "it holds no mask"),
        },
        Err(reason) => Intent::skip(STEP, place, None, reason),
    }
}

fn one(view: &View<'_>, irq: &Irq) -> Option<Intent> {
    if irq.allowed.intersection(&view.plan.sampled).is_empty() {
        return None;
    }
    let place = Place::root(format!("proc/irq/{}/smp_affinity_list", irq.number));
    let old = irq.allowed.to_string();
    let mut intent = match irq.mobility {
        Mobility::Fixed => Intent::skip(
            STEP,
            place,
            Some(&old),
            "it cannot be moved (managed, or no affinity support)",
        ),
        Mobility::ByUser => {
            let new = view.moved(&irq.allowed).to_string();
            Intent::set(STEP, place, Format::CpuList, &old, &new)
        }
    };
    if let Some(name) = &irq.name {
        intent.setting.push_str(&format!(" ({name})"));
    }
    Some(intent)
}
