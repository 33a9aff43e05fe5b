//! To whom a measurement is told: before it, while it goes on, and after it.

use std::io::IsTerminal;

use serde::Serialize;

use crate::attribution::Platform;
use crate::judgement::Chosen;
use crate::plan::RunPlan;
use crate::report::LazyGaps;
use crate::report::model::{Gap, Report};
use crate::session::{Progress, Silent, TerminalProgress};

use super::super::Failure;
use super::output::Sinks;

/// What is known when nothing has been measured yet, and all that can be
/// refused beforehand was found good.
pub(in crate::commands) struct Start<'a> {
    /// What will be done.
    pub(in crate::commands) plan: &'a RunPlan,
    /// Bare metal or guest.
    pub(in crate::commands) platform: Platform,
    /// What samples: one engine, or those that take turns.
    pub(in crate::commands) engines: Vec<&'a Chosen>,
}

/// Somebody who is told.
pub(in crate::commands) trait Presenter {
    /// Opens what the results go to, and says who is told meanwhile.
    ///
    /// # Errors
    /// Where an output cannot be opened: nothing is measured then.
    fn begin(&mut self, start: &Start<'_>) -> Result<Box<dyn Progress>, Failure>;

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
    fn begin(&mut self, start: &Start<'_>) -> Result<Box<dyn Progress>, Failure> {
        self.sinks = Some(Sinks::open(&start.plan.outputs).map_err(Failure::usage)?);
        Ok(match start.plan.outputs.quiet {
            true => Box::new(Silent),
            false => on_terminal(start),
        })
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

/// A bar where standard error is a terminal, else nothing.
pub(in crate::commands) fn on_terminal(start: &Start<'_>) -> Box<dyn Progress> {
    if !std::io::stderr().is_terminal() {
        return Box::new(Silent);
    }
    let word = match start.platform {
        Platform::BareMetal => "platform",
        Platform::Guest => "hypervisor-or-below",
    };
    Box::new(TerminalProgress::new(start.plan.duration, word))
}
