//! A tracer that samples, with all of its CPUs, and how far its run has come.

use std::sync::mpsc::Receiver;

use crate::sampler::engine::SamplingPlan;
use crate::sampler::engines::tracer::brackets::Reading;
use crate::sampler::engines::tracer::cpu::TracedCpu;
use crate::sampler::engines::tracer::line::Line;
use crate::sampler::engines::tracer::session::{Rhythm, Session};
use crate::sampler::engines::tracer::wall_clock::WallClock;
use crate::units::{CpuId, Cycles, Nanos};

/// Patience with first readings, and with windows beyond their width.
const PATIENCE: Nanos = Nanos(1_000_000_000);

/// The tracer at work.
pub(super) struct Live {
    pub(super) session: Session,
    pub(super) rhythm: Rhythm,
    readings: Receiver<(usize, Reading)>,
    pub(super) cpus: Vec<TracedCpu>,
    clock: WallClock,
    course: Course,
}

/// How far the run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// The tracer samples, and nothing counts yet.
    SetUp,
    /// The SMI poller were let go at this moment: each has a reading to make
    /// before the first sample that counts.
    Released(Cycles),
    /// Samples count from this moment on.
    Begun(Cycles),
    /// The time was over at the second moment: windows that were open then are
    /// waited for.
    Closing(Cycles, Cycles),
    /// The sampling has ended.
    Ended(Cycles),
}

/// What a look at the run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    GoesOn,
    /// It has just ended.
    Ended,
}

impl Live {
    pub(super) fn new(
        session: Session,
        rhythm: Rhythm,
        readings: Receiver<(usize, Reading)>,
        cpus: Vec<TracedCpu>,
    ) -> Live {
        Live {
            session,
            rhythm,
            readings,
            cpus,
            clock: WallClock::default(),
            course: Course::SetUp,
        }
    }

    /// The SMI poller are let go.
    pub(super) fn release(&mut self, at: Cycles) {
        self.course = Course::Released(at);
    }

    /// Since when samples count.
    pub(super) fn begun(&self) -> Option<Cycles> {
        match self.course {
            Course::SetUp | Course::Released(_) => None,
            Course::Begun(at) | Course::Closing(at, _) | Course::Ended(at) => Some(at),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.course, Course::Ended(_))
    }

    /// Takes the run on once its time has come, or at once where it was
    /// `stopped`. All that was recorded up to `now` has been collected.
    pub(super) fn proceed(&mut self, now: Cycles, stopped: bool, plan: &SamplingPlan) -> Step {
        let patience = plan.hz.to_cycles(PATIENCE);
        match self.course {
            Course::Released(at) => {
                let all = self.cpus.iter().all(TracedCpu::is_counted);
                let past = now.since(at).saturating_sub(plan.warm_up);
                let is_warm = now.since(at) >= plan.warm_up;
                if stopped || (is_warm && (all || past >= patience)) {
                    self.begin(now);
                }
            }
            Course::Begun(at) if stopped || now.since(at) >= plan.duration => {
                self.close(at, now);
            }
            Course::Closing(begun, at) => {
                let width = plan.hz.to_cycles(self.rhythm.width);
                let open = self.cpus.iter().any(TracedCpu::is_open);
                if !open || now.since(at) >= width.saturating_add(patience) {
                    self.course = Course::Ended(begun);
                    // Where that fails the instance is removed all the same.
                    let _ = self.session.switch_off();
                    return Step::Ended;
                }
            }
            Course::SetUp | Course::Begun(_) | Course::Ended(_) => {}
        }
        Step::GoesOn
    }

    fn begin(&mut self, at: Cycles) {
        self.course = Course::Begun(at);
        self.cpus.iter_mut().for_each(|cpu| cpu.begin(at));
    }

    fn close(&mut self, begun: Cycles, at: Cycles) {
        self.course = Course::Closing(begun, at);
        self.cpus.iter_mut().for_each(|cpu| cpu.close(at));
    }

    /// Takes what has come. Readings first: what was recorded before one of
    /// them is in the pipe by then.
    pub(super) fn collect(&mut self) {
        self.clock.mark();
        while let Ok((index, reading)) = self.readings.try_recv() {
            if let Some(cpu) = self.cpus.get_mut(index) {
                cpu.read(reading);
            }
        }
        let (cpus, clock) = (&mut self.cpus, &self.clock);
        let place = |cpus: &[TracedCpu], cpu: CpuId| cpus.iter().position(|own| own.cpu == cpu);
        self.session.drain(&mut |line| match Line::parse(line) {
            Some(Line::Record { cpu, at, text }) => {
                if let Some(index) = place(cpus, cpu) {
                    cpus[index].take(at, &text, clock);
                }
            }
            Some(Line::Lost { cpu, records }) => {
                if let Some(index) = place(cpus, cpu) {
                    cpus[index].lose(records);
                }
            }
            None => {}
        });
    }
}
