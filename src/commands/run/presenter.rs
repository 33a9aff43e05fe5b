//! To whom a measurement is told: before it, while it goes on, and after it.

use serde::Serialize;

use crate::host::topology::Topology;
use crate::judgement::Chosen;
use crate::model::{Gap, LazyGaps, Outcome, Platform, Report, Verdict};
use crate::plan::{ProgressPlan, RunPlan};
use crate::render::standing::Standing;
use crate::session::{Progress, Silent};
use crate::units::Nanos;

use super::super::Failure;
use super::ongoing::{Display, Target};
use super::output::Sinks;

/// What is known when nothing has been measured yet, and all that can be
/// refused beforehand was found good.
pub(in crate::commands) struct Start<'a> {
    /// What will be done.
    pub(in crate::commands) plan: &'a RunPlan,
    /// Where each CPU stands.
    pub(in crate::commands) topology: &'a Topology,
    /// Bare metal or guest.
    pub(in crate::commands) platform: Platform,
    /// What samples: one engine, or those that take turns.
    pub(in crate::commands) engines: Vec<&'a Chosen>,
}

pub(in crate::commands) trait Presenter {
    /// Opens what the results go to, while signals still end the program.
    ///
    /// # Errors
    /// Where an output cannot be opened: nothing is measured then.
    fn open(&mut self, plan: &RunPlan) -> Result<(), Failure>;

    /// Says who is told meanwhile.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    fn begin(&mut self, start: &Start<'_>) -> Result<Box<dyn Progress>, Failure>;

    /// Where the report so far is saved now and then, if anywhere.
    fn checkpoints(&self, _plan: &RunPlan) -> Option<Target> {
        None
    }

    /// What the exit status is to say.
    fn outcome(&self, verdict: &Verdict) -> Outcome {
        verdict.result
    }

    /// Shows and saves what came of it.
    ///
    /// # Errors
    /// Where an output cannot be written.
    fn end<F, I>(self, report: &Report<LazyGaps<F>>) -> Result<(), Failure>
    where
        F: Fn() -> I,
        I: Iterator<Item = Gap>,
        Report<LazyGaps<F>>: Serialize;
}

/// The outputs of `hwgap run`.
#[derive(Default)]
pub(super) struct Outputs {
    sinks: Option<Sinks>,
}

impl Presenter for Outputs {
    fn open(&mut self, plan: &RunPlan) -> Result<(), Failure> {
        self.sinks = Some(Sinks::open(&plan.outputs).map_err(Failure::usage)?);
        Ok(())
    }

    fn begin(&mut self, start: &Start<'_>) -> Result<Box<dyn Progress>, Failure> {
        Ok(match start.plan.outputs.progress {
            ProgressPlan::Nothing => Box::new(Silent),
            ProgressPlan::Shown(interval) => shown(start, interval),
        })
    }

    fn checkpoints(&self, plan: &RunPlan) -> Option<Target> {
        let file = plan.outputs.json.clone()?;
        let interval = plan.outputs.checkpoint?;
        // What was written to a pipe cannot be replaced.
        let replaced = self.sinks.as_ref().is_some_and(Sinks::json_is_replaced);
        replaced.then(|| Target::new(file, interval))
    }

    fn end<F, I>(self, report: &Report<LazyGaps<F>>) -> Result<(), Failure>
    where
        F: Fn() -> I,
        I: Iterator<Item = Gap>,
        Report<LazyGaps<F>>: Serialize,
    {
        match self.sinks {
            Some(sinks) => sinks.write(report).map_err(Failure::usage),
            None => Ok(()),
        }
    }
}

/// A live view where standard error is a terminal, else a line at each
/// `interval`, or nothing.
pub(in crate::commands) fn shown(start: &Start<'_>, interval: Option<Nanos>) -> Box<dyn Progress> {
    let package = |cpu| Some((cpu, start.topology.place_of(cpu)?.package?));
    let standing = Standing {
        duration: start.plan.planned,
        platform: start.platform,
        packages: start.plan.cpus.iter().filter_map(package).collect(),
    };
    // Without a thread for it the run is not shown, and goes on.
    match Display::start(standing, interval, start.plan.load.as_ref()) {
        Ok(display) => Box::new(display),
        Err(_) => Box::new(Silent),
    }
}
