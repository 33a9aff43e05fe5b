//! The turns of a run: one for a single engine, several where engines alternate.

use crate::changes::SharedChanges;
use crate::evidence::{MachineFacts, SmiSource};
use crate::host::root::Root;
use crate::model::{EndedBy, EngineName};
use crate::plan::RunPlan;
use crate::privileges::Keep;
use crate::sampler::{CalibrationError, CpuTotals, EngineError, SamplingPlan};
use crate::session::{
    ClockWatch, Collected, Collector, CpuView, JudgedNow, Limits, Observer, Requests, Snapshot,
    Timeline, View,
};
use crate::units::Cycles;

use super::super::Failure;
use super::engine::Choice;
use super::ongoing::Ongoing;

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

/// How many turns a run of so many engines takes.
pub(super) fn count(engines: usize) -> usize {
    order(engines).len()
}

pub(super) struct Turns<'a> {
    pub(super) plan: &'a RunPlan,
    pub(super) machine: &'a MachineFacts,
    pub(super) root: &'a Root,
    pub(super) sampling: SamplingPlan,
    pub(super) smi_sources: Vec<Result<Vec<SmiSource>, String>>,
    /// What the run changes of its host, where anything may be.
    pub(super) changes: Option<SharedChanges>,
    pub(super) limits: Limits,
    pub(super) requests: &'a dyn Requests,
}

/// One turn: the index of its engine, and what came of it.
#[derive(Clone)]
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
        ongoing: &mut Ongoing<'_>,
    ) -> Result<Vec<Turn>, Failure> {
        let order = order(choices.len());
        let sampling = SamplingPlan {
            duration: Cycles(self.sampling.duration.0 / order.len() as u64),
            ..self.sampling.clone()
        };
        let mut forwarder = Forwarder::new(ongoing, self.changes.clone());
        let mut turns = Vec::with_capacity(order.len());
        let mut begin = Cycles(0);
        let mut record = None;
        for choice in order {
            let warm_up = choices[choice].chosen.warm_up;
            let mut engine = choices[choice].build(
                self.plan,
                SamplingPlan {
                    warm_up: sampling.hz.to_cycles(warm_up),
                    ..sampling.clone()
                },
                self.machine,
                self.smi_sources.clone(),
                self.changes.clone(),
                begin,
            );
            forwarder.choice = choice;
            forwarder.engine = choices[choice].chosen.engine;
            let mut collected = Collector::new(
                self.limits,
                &sampling.cpus,
                timeline.clone(),
                clock.clone(),
                self.requests,
                &mut forwarder,
            )
            .after(record.take())
            .warming_up(warm_up)
            .lasting(sampling.hz.to_nanos(sampling.duration))
            .run(engine.as_mut(), self.root)
            .map_err(failure)?;
            (timeline, clock) = (collected.timeline.clone(), collected.clock.clone());
            record = Some(collected.watches.clock_record());
            let last = collected.totals.iter().map(|cpu| cpu.last).max();
            begin = last.unwrap_or_default();
            let ended_by = collected.ended_by;
            if let Some(Turn {
                collected: earlier, ..
            }) = turns.last()
            {
                follow(&earlier.totals, &mut collected.totals);
            }
            turns.push(Turn { choice, collected });
            forwarder.turn_ended(&turns[turns.len() - 1]);
            if ended_by != EndedBy::Duration {
                break;
            }
        }
        share_clocks(&mut turns);
        Ok(turns)
    }
}

/// Joins each CPU's registers to those of the turn before.
fn follow(earlier: &[CpuTotals], later: &mut [CpuTotals]) {
    for cpu in later {
        if let Some(before) = earlier.iter().find(|before| before.cpu == cpu.cpu) {
            cpu.registers.follow(&before.registers);
        }
    }
}

/// The clocks are the whole run's: what became of them later bears on the
/// earlier turns as well.
pub(super) fn share_clocks(turns: &mut [Turn]) {
    let Some((last, earlier)) = turns.split_last_mut() else {
        return;
    };
    for turn in earlier {
        turn.collected.timeline = last.collected.timeline.clone();
        turn.collected.clock = last.collected.clock.clone();
        let record = last.collected.watches.clock_record();
        turn.collected.watches.adopt(record);
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

/// What is told of several turns as of one run.
struct Forwarder<'a, 'scope> {
    ongoing: &'a mut Ongoing<'scope>,
    /// What the run has changed of its host, whose guardian is looked after.
    changes: Option<SharedChanges>,
    choice: usize,
    engine: EngineName,
    /// After the turns that have ended.
    before: View,
    now: View,
}

impl<'a, 'scope> Forwarder<'a, 'scope> {
    fn new(ongoing: &'a mut Ongoing<'scope>, changes: Option<SharedChanges>) -> Self {
        Forwarder {
            ongoing,
            changes,
            choice: 0,
            engine: EngineName::User,
            before: View::default(),
            now: View::default(),
        }
    }

    fn turn_ended(&mut self, turn: &Turn) {
        self.before = self.now.clone();
        self.ongoing.turn_ended(turn);
    }
}

impl Observer for Forwarder<'_, '_> {
    fn keep(&self) -> Option<Keep> {
        self.ongoing.keep.clone()
    }

    fn ready(&mut self) {
        self.ongoing.ready();
    }

    fn gap(&mut self, gap: &JudgedNow<'_>) {
        self.ongoing.gap(self.engine, gap);
    }

    fn act(&mut self, gap: &JudgedNow<'_>) {
        self.ongoing.act(gap);
    }

    fn visited(&mut self, origin: Option<Cycles>) {
        self.ongoing.visited(origin);
    }

    fn wants_snapshot(&mut self) -> bool {
        self.ongoing.wants_snapshot()
    }

    fn snapshot(&mut self, snapshot: Snapshot) {
        self.ongoing.snapshot(self.choice, snapshot);
    }

    fn asked(&mut self) {
        self.ongoing.asked();
    }

    fn tell(&mut self, text: String) {
        self.ongoing.tell(text);
    }

    fn end(&mut self, view: &View) {
        self.now = together(&self.before, view);
        self.ongoing.stood(&self.now);
    }

    fn look(&mut self, view: &View) {
        let changes = self.changes.as_ref();
        if let Some(text) = changes.and_then(|changes| changes.lock().watch_guardian()) {
            self.ongoing.tell(text);
        }
        self.now = together(&self.before, view);
        self.ongoing.look(&self.now);
    }
}

fn together(before: &View, now: &View) -> View {
    let cpu = |(index, now): (usize, &CpuView)| match before.cpus.get(index) {
        None => now.clone(),
        Some(before) => CpuView {
            elapsed: before.elapsed.saturating_add(now.elapsed),
            uncovered: before.uncovered.saturating_add(now.uncovered),
            max_platform: before.max_platform.max(now.max_platform),
            counts: before.counts.and(now.counts),
            above_limit: before.above_limit + now.above_limit,
            unknown: before.unknown.saturating_add(now.unknown),
            smis: before.smis.zip(now.smis).map(|(before, now)| before + now),
            ..now.clone()
        },
    };
    View {
        elapsed: before.elapsed.saturating_add(now.elapsed),
        cpus: now.cpus.iter().enumerate().map(cpu).collect(),
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
