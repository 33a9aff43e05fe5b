//! The turns of a run: one for a single engine, several where engines alternate.

use crate::evidence::{MachineFacts, SmiSource};
use crate::host::root::Root;
use crate::plan::RunPlan;
use crate::report::model::EndedBy;
use crate::sampler::{CalibrationError, EngineError, SamplingPlan};
use crate::session::{
    ClockWatch, Collected, Collector, Limits, LiveGap, Progress, Stopper, Timeline,
};
use crate::units::{Cycles, Nanos};

use super::super::Failure;
use super::engine::Choice;

/// Which of several engines has each turn: forth, back, back and forth. In this
/// order (of two engines Thue and Morse's) a drift of the machine that is even,
/// or that grows evenly, weighs alike on all.
fn order(engines: usize) -> Vec<usize> {
    let forth = || 0..engines;
    if engines == 1 {
        return vec![0];
    }
    let all = forth().chain(forth().rev()).chain(forth().rev());
    all.chain(forth()).collect()
}

/// What all turns have in common.
pub(super) struct Turns<'a> {
    pub(super) plan: &'a RunPlan,
    pub(super) machine: &'a MachineFacts,
    pub(super) root: &'a Root,
    pub(super) sampling: SamplingPlan,
    pub(super) smi_sources: Vec<Result<Vec<SmiSource>, String>>,
    pub(super) limits: Limits,
    pub(super) stopper: &'a dyn Stopper,
}

/// One turn: the index of its engine, and what came of it.
pub(super) struct Turn {
    pub(super) choice: usize,
    pub(super) collected: Collected,
}

impl Turns<'_> {
    /// Takes the turns until the run ends.
    ///
    /// # Errors
    /// Those of the engines.
    pub(super) fn take(
        &self,
        choices: &[Choice],
        mut timeline: Timeline,
        mut clock: ClockWatch,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Turn>, Failure> {
        let order = order(choices.len());
        let sampling = SamplingPlan {
            duration: Cycles(self.sampling.duration.0 / order.len() as u64),
            ..self.sampling.clone()
        };
        let mut progress = Onward::new(progress);
        let mut turns = Vec::with_capacity(order.len());
        let mut begin = Cycles(0);
        let mut record = None;
        for choice in order {
            let mut engine = choices[choice].build(
                self.plan,
                sampling.clone(),
                self.machine,
                self.smi_sources.clone(),
                begin,
            );
            let collected = Collector::new(
                self.limits,
                sampling.cpus.len(),
                timeline.clone(),
                clock.clone(),
                self.stopper,
                &mut progress,
            )
            .after(record.take())
            .run(engine.as_mut(), self.root)
            .map_err(failure)?;
            (timeline, clock) = (collected.timeline.clone(), collected.clock.clone());
            record = Some(collected.watches.clock_record());
            let last = collected.totals.iter().map(|cpu| cpu.last).max();
            begin = last.unwrap_or_default();
            let ended_by = collected.ended_by;
            turns.push(Turn { choice, collected });
            if ended_by != EndedBy::Duration {
                break;
            }
        }
        progress.whole.end();
        // The clocks are the whole run's: what became of them later bears on
        // the earlier turns as well.
        for turn in &mut turns {
            turn.collected.timeline = timeline.clone();
            turn.collected.clock = clock.clone();
            if let Some(record) = &record {
                turn.collected.watches.adopt(record.clone());
            }
        }
        Ok(turns)
    }
}

fn failure(error: EngineError) -> Failure {
    match error {
        EngineError::Calibration {
            cause: CalibrationError::ThresholdBelowFloor { .. },
            ..
        } => Failure::usage(error),
        _ => Failure::NoVerdict(error.to_string()),
    }
}

/// The state of a run.
#[derive(Clone, Copy, Default)]
struct State {
    elapsed: Nanos,
    worst: Nanos,
    gaps: u64,
}

/// One progress for several turns.
struct Onward<'a> {
    whole: &'a mut dyn Progress,
    /// After the turns that have ended.
    before: State,
    now: State,
}

impl<'a> Onward<'a> {
    fn new(whole: &'a mut dyn Progress) -> Onward<'a> {
        Onward {
            whole,
            before: State::default(),
            now: State::default(),
        }
    }
}

impl Progress for Onward<'_> {
    fn show(&mut self, elapsed: Nanos, worst_platform: Nanos, gaps: u64) {
        self.now = State {
            elapsed: self.before.elapsed.saturating_add(elapsed),
            worst: self.before.worst.max(worst_platform),
            gaps: self.before.gaps + gaps,
        };
        let State {
            elapsed,
            worst,
            gaps,
        } = self.now;
        self.whole.show(elapsed, worst, gaps);
    }

    fn found(&mut self, gap: LiveGap) {
        self.whole.found(gap);
    }

    fn end(&mut self) {
        self.before = self.now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::TURNS_EACH;

    #[test]
    fn all_engines_have_as_many_turns_and_their_means_fall_together() {
        assert_eq!(order(1), [0]);
        assert_eq!(order(2), [0, 1, 1, 0, 1, 0, 0, 1]);
        for engines in 2..5 {
            let order = order(engines);
            let places = |engine: usize| -> Vec<usize> {
                (0..order.len())
                    .filter(|&turn| order[turn] == engine)
                    .collect()
            };
            let sum: usize = places(0).iter().sum();
            for engine in 0..engines {
                assert_eq!(places(engine).len(), TURNS_EACH);
                assert_eq!(places(engine).iter().sum::<usize>(), sum);
            }
        }
    }
}
