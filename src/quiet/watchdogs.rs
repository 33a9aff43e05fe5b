//! The kernel's lockup detectors: a timer and a stopper thread each few
//! seconds, and an NMI.
//!
//! Source: Documentation/admin-guide/lockup-watchdogs.rst, kernel/watchdog.c.

use crate::changes::{Format, Place};
use crate::units::cpulist::CpuList;

use super::intent::{Act, Intent};
use super::scheduling::off;
use super::step::Step;
use super::{NO_REST, Starve, View};

const MASK: &str = "proc/sys/kernel/watchdog_cpumask";
const BOTH: &str = "proc/sys/kernel/watchdog";
const NMI: &str = "proc/sys/kernel/nmi_watchdog";
const SOFT: &str = "proc/sys/kernel/soft_watchdog";

/// Both detectors leave the sampled CPUs and go on with the others.
pub(super) fn watchdog(view: &View<'_>) -> Vec<Intent> {
    const STEP: Step = Step::Watchdog;
    let place = Place::root(MASK);
    match (view.value(&place), view.has_rest(), view.plan.starve) {
        (Err(reason), ..) => vec![Intent::skip(STEP, place, None, reason)],
        (Ok(old), true, _) => vec![match old.parse::<CpuList>() {
            Ok(list) => {
                let new = view.moved(&list).to_string();
                Intent::set(STEP, place, Format::CpuList, &old, &new)
            }
            Err(error) => Intent::skip(STEP, place, Some(&old), error.to_string()),
        }],
        (Ok(old), false, Starve::Nobody) => vec![Intent::skip(STEP, place, Some(&old), NO_REST)],
        (Ok(_), false, Starve::Host) => {
            let keep = |file| Intent {
                step: STEP,
                setting: String::from(file),
                act: Act::Keep {
                    place: Place::root(file),
                    format: Format::Text,
                },
            };
            let mut all = vec![keep(NMI), keep(SOFT)];
            all.extend(off(view, STEP, BOTH));
            all
        }
    }
}

/// The mask above takes the NMIs off as well; without it, they go everywhere.
pub(super) fn nmi_watchdog(view: &View<'_>) -> Vec<Intent> {
    const STEP: Step = Step::NmiWatchdog;
    let place = Place::root(NMI);
    match view.value(&place) {
        Err(reason) => vec![Intent::skip(STEP, place, None, reason)],
        Ok(old)
            if old != "0"
                && view.plan.steps.contains(Step::Watchdog)
                && view.has_rest()
                && view.value(&Place::root(MASK)).is_ok() =>
        {
            let reason = format!("/{MASK} keeps it off the sampled CPUs");
            vec![Intent::skip(STEP, place, Some(&old), reason)]
        }
        Ok(_) => off(view, STEP, NMI),
    }
}
