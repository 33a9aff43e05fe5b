//! Whether there are CPUs to sample, and whether they can be.

use crate::preflight::model::{Effect, Observation};
use crate::sampler::{CalibrationError, EngineError};

use super::found::Found;
use super::look::{cpus, observed, why};
use super::plan::NoCpus;
use super::{Trial, View};

const ONLINE: &str = "sys/devices/system/cpu/online";

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    let mut all: Vec<Found> = no_cpus(view).into_iter().collect();
    match view.trial {
        Trial::Failed(errors) => all.extend(errors.iter().map(failed)),
        Trial::Done(_) => all.push(
            Found::new(
                "samplers",
                Effect::None,
                format!(
                    "Samplers could be set up on {}, and their TSC calibrated.",
                    cpus(&view.plan.cpus)
                ),
            )
            .seen([tried("samplers were set up and taken down again")]),
        ),
        Trial::NotMade => {}
    }
    if !view.plan.cpus.is_empty() {
        all.push(spare(view));
    }
    all
}

fn no_cpus(view: &View<'_>) -> Option<Found> {
    let (text, seen) = match view.plan.no_cpus.as_ref()? {
        NoCpus::Unread(error) => (
            "The CPUs of this machine cannot be found out.",
            observed(ONLINE, why(error)),
        ),
        NoCpus::AllClosed => (
            "This process may not use any CPU that is online.",
            view.look(ONLINE),
        ),
    };
    Some(
        Found::new("no-cpus", Effect::Prevents, text)
            .seen([seen])
            .remedy("mount /sys, and start hwgap in a control group that has CPUs"),
    )
}

fn failed(error: &EngineError) -> Found {
    let (id, remedy) = match error {
        EngineError::Calibration {
            cause: CalibrationError::TrappedTsc { .. },
            ..
        } => (
            "tsc-trapped",
            "let the hypervisor pass RDTSC through to the guest, or run hwgap on the host itself",
        ),
        EngineError::Calibration { .. } => ("tsc-unfit", "report it with the CPU's model"),
        EngineError::Pin { .. } | EngineError::CgroupThreadsFile { .. } => (
            "cpu-unusable",
            "bring the CPU online, or leave it out with --cpus",
        ),
        EngineError::Thread { .. } => (
            "no-threads",
            "raise the limit of processes (ulimit -u), or sample fewer CPUs",
        ),
        EngineError::Occupied { .. } => (
            "cpu-occupied",
            "end what occupies it, leave the CPU out with --cpus, or raise --priority",
        ),
        EngineError::Interrupted => ("interrupted", "let it go on"),
        EngineError::Lost(_)
        | EngineError::Exercise { .. }
        | EngineError::Program { .. }
        | EngineError::Tracer { .. } => ("sampler-lost", "report it: this is a defect of hwgap"),
    };
    Found::new(id, Effect::Prevents, format!("{error}."))
        .seen([tried("a sampler was set up")])
        .remedy(remedy)
}

fn tried(said: &str) -> Observation {
    Observation {
        source: String::from("tried"),
        said: said.to_owned(),
    }
}

/// A run that leaves no CPU to others pauses, so that a shell stays usable.
fn spare(view: &View<'_>) -> Found {
    let condition = |effect, text: &str| view.by("spare-cpu", ONLINE, effect, text);
    if view.plan.housekeeping.is_empty() {
        condition(
            Effect::Limits,
            "No CPU is left for other tasks.",
        )
        .costs(
            "A run samples 80 of each 100 ms and leaves the rest to others; its collector shares \
             a sampled CPU.",
        )
        .remedy("leave a CPU out with --cpus; --width 1s --window 1s samples without a pause")
    } else {
        condition(
            Effect::None,
            &format!("{} are left to other tasks.", cpus(&view.plan.housekeeping)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::CpuId;

    #[test]
    fn what_keeps_a_sampler_from_starting_prevents_a_measurement() {
        let trapped = failed(&EngineError::Calibration {
            cpu: CpuId(3),
            cause: CalibrationError::TrappedTsc { median: 2_000 },
        });
        assert_eq!(trapped.id, "tsc-trapped");
        assert_eq!(trapped.effect, Effect::Prevents);
        assert!(trapped.text.starts_with("CPU 3: a TSC reading takes 2000"));
        let stuck = failed(&EngineError::Calibration {
            cpu: CpuId(3),
            cause: CalibrationError::Stuck,
        });
        assert_eq!(stuck.id, "tsc-unfit");
        let pinned = failed(&EngineError::Pin {
            cpu: CpuId(3),
            cause: std::io::Error::from_raw_os_error(libc::EINVAL),
        });
        assert_eq!(
            (pinned.id.as_str(), pinned.effect),
            ("cpu-unusable", Effect::Prevents)
        );
    }
}
