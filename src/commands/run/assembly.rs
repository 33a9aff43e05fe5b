//! What all reports of a run have in common: the last one, its checkpoints and
//! what is shown on request.

use crate::attribution::Throttling;
use crate::changes::Earlier;
use crate::evidence::MachineFacts;
use crate::host::Host;
use crate::judgement::assembly::{ReportInput, RunNotes};
use crate::judgement::{Case, exclude_unsteady_gaps, recast_aligned_stalls};
use crate::model::inventory::Inventory;
use crate::model::selftest::SelfTest;
use crate::model::{EngineName, Setting};
use crate::plan::RunPlan;
use crate::quiet::Quieted;
use crate::session::{Limits, Preparation, Rate};

use super::engine::Choice;
use super::turns::Turn;

/// The frame of a run's reports.
pub(super) struct Assembly<'a> {
    pub(super) plan: &'a RunPlan,
    pub(super) host: &'a Host,
    pub(super) machine: &'a MachineFacts,
    pub(super) preparation: &'a Preparation,
    pub(super) choices: &'a [Choice],
    pub(super) inventory: &'a Inventory,
    pub(super) selftest: Option<&'a SelfTest>,
    pub(super) command_line: &'a str,
    pub(super) limits: Limits,
    pub(super) setting: Setting,
    pub(super) throttling: Option<Throttling>,
    pub(super) scripted: bool,
    /// What of the host was changed: for now, and at the end what was put back.
    pub(super) quieted: Option<Quieted>,
    /// What another run has changed of it, where this one changes nothing.
    pub(super) earlier: Option<&'a Earlier>,
}

impl Assembly<'_> {
    /// Brings in what only the whole of the turns tells, and makes cases of
    /// them. It may be done again when more is known.
    pub(super) fn cases<'b>(&'b self, turns: &'b mut [Turn]) -> Vec<Case<'b>> {
        let clocks = turns.last().map(|turn| turn.collected.timeline.clone());
        let fitted = clocks.map_or_else(|| turns[0].collected.timeline.rate(), |all| all.rate());
        let rate = match self.machine.tsc_rate() {
            Some(hz) if !self.scripted => Rate { hz, ..fitted },
            _ => fitted,
        };
        for turn in &mut *turns {
            exclude_unsteady_gaps(&mut turn.collected, self.limits.hardlimit, rate.hz);
            recast_aligned_stalls(&mut turn.collected, rate.hz);
        }
        turns
            .iter()
            .map(|turn| Case {
                plan: self.plan,
                host: self.host,
                machine: self.machine,
                preparation: self.preparation,
                chosen: &self.choices[turn.choice].chosen,
                collected: &turn.collected,
                fitted,
                rate,
            })
            .collect()
    }

    /// What the report holds beside the cases.
    pub(super) fn input<'b>(&'b self, told: &'b RunNotes) -> ReportInput<'b> {
        ReportInput {
            command_line: self.command_line,
            engine: EngineName::of_turns(
                &(self.choices.iter())
                    .map(|choice| choice.chosen.engine)
                    .collect::<Vec<_>>(),
            ),
            hz_source: match (self.scripted, self.machine.tsc_rate()) {
                (true, _) => "script",
                (false, Some(_)) => "CPUID 15h",
                (false, None) => "fit to CLOCK_MONOTONIC_RAW over the run",
            },
            setting: self.setting,
            throttling: self.throttling,
            selftest: self.selftest,
            inventory: self.inventory,
            scripted: self.scripted,
            quieted: self.quieted.as_ref(),
            earlier: self.earlier,
            told,
        }
    }
}
