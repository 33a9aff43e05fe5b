//! The frequency of the sampled CPUs: at its highest, and staying there.
//!
//! Source: Documentation/admin-guide/pm/cpufreq.rst and intel_pstate.rst. CPUs
//! of one policy share their files, so that a neighbour may run faster too.

use crate::changes::{Format, Place};
use crate::units::CpuId;

use super::View;
use super::intent::{Act, Intent};
use super::step::Step;

const STEP: Step = Step::Governor;

pub(super) fn intents(view: &View<'_>) -> Vec<Intent> {
    let folder = |cpu: CpuId| Place::root(format!("sys/devices/system/cpu/cpu{cpu}/cpufreq"));
    let mut all = Vec::new();
    for cpu in view.plan.sampled.iter() {
        let folder = folder(cpu);
        let governor = folder.join("scaling_governor");
        let old = match view.value(&governor) {
            Ok(old) => old,
            Err(reason) => {
                all.push(Intent::skip(STEP, governor, None, reason));
                // One driver for all CPUs: the first speaks for them.
                break;
            }
        };
        // Drivers that choose frequencies themselves change their preference
        // along with the governor.
        all.push(Intent {
            step: STEP,
            setting: folder.to_string(),
            act: Act::Keep {
                place: folder.join("energy_performance_preference"),
                format: Format::Text,
            },
        });
        all.push(Intent::set(
            STEP,
            governor,
            Format::Text,
            &old,
            "performance",
        ));
        let least = folder.join("scaling_min_freq");
        let most = view.value(&folder.join("scaling_max_freq"));
        all.push(match (view.value(&least), most) {
            (Ok(old), Ok(most)) => Intent::set(STEP, least, Format::Text, &old, &most),
            (Err(reason), _) | (_, Err(reason)) => Intent::skip(STEP, least, None, reason),
        });
    }
    all
}
