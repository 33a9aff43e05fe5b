//! From events to segments: at each moment the innermost activity has the
//! CPU, so that nested ones are not counted twice.

use std::collections::VecDeque;

use crate::units::Nanos;

use super::activity::ActivityId;
use super::reader::{Event, What};

/// A stretch of time and who had the CPU in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: Nanos,
    pub(super) end: Nanos,
    pub(super) who: Who,
}

/// Who had the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A named activity.
    Named(ActivityId),
    /// One that began here and whose end is not recorded.
    Mark(ActivityId),
    /// Records of this stretch were lost.
    Lost,
}

/// Deepest nesting followed: interrupt in softirq in interrupt, with NMIs.
const DEEPEST: usize = 16;

/// The state of one CPU.
#[derive(Debug, Default)]
pub(super) struct Fold {
    stack: Vec<ActivityId>,
    /// The task that has the CPU; `None` is the sampler.
    task: Option<ActivityId>,
    latest: Nanos,
}

impl Fold {
    /// Takes the next event, and appends what is certain now.
    pub(super) fn take(&mut self, event: Event, out: &mut VecDeque<Segment>) {
        let Event { time, what } = event;
        // Records of nested contexts may be out of order by a little.
        let time = time.max(self.latest);
        match what {
            What::Enter(id) => {
                self.close_open(id, time, out);
                self.advance(time, out);
                if self.stack.len() < DEEPEST {
                    self.stack.push(id);
                }
            }
            What::Exit(id) => {
                self.advance(time, out);
                // An exit without its entry was begun before the recording.
                if let Some(at) = self.stack.iter().rposition(|&open| open == id) {
                    self.stack.truncate(at);
                }
            }
            What::Done(id, length) => {
                let start = time.saturating_sub(length).max(self.latest);
                self.advance(start, out);
                push(out, start, time, Who::Named(id));
                self.latest = time;
            }
            What::Mark(id) => {
                self.advance(time, out);
                // What another task's fault takes is that task's time.
                if self.task.is_none() {
                    out.push_back(Segment {
                        start: time,
                        end: time,
                        who: Who::Mark(id),
                    });
                }
            }
            What::ToSampler => self.switch(time, None, out),
            What::ToTask(id) => self.switch(time, Some(id), out),
            What::Lost(_) => {
                push(out, self.latest, time, Who::Lost);
                self.stack.clear();
                self.latest = time;
            }
        }
    }

    /// No handler interrupts itself: one that begins while it seems open has lost
    /// its exit, and since when something else had the CPU is not known. A task
    /// takes what it likes.
    fn close_open(&mut self, id: ActivityId, time: Nanos, out: &mut VecDeque<Segment>) {
        let Some(at) = self.stack.iter().position(|&open| open == id) else {
            return;
        };
        self.stack.truncate(at);
        let who = self.task.map_or(Who::Lost, Who::Named);
        push(out, self.latest, time, who);
        self.latest = time;
    }

    /// The time of the latest event.
    pub(super) fn latest(&self) -> Nanos {
        self.latest
    }

    fn switch(&mut self, time: Nanos, to: Option<ActivityId>, out: &mut VecDeque<Segment>) {
        self.advance(time, out);
        // Tasks are switched outside of interrupts: what still seems open has
        // lost its exit.
        self.stack.clear();
        self.task = to;
    }

    /// Gives the time up to `time` to whoever has the CPU. Time of the sampler
    /// is nobody's here.
    fn advance(&mut self, time: Nanos, out: &mut VecDeque<Segment>) {
        if let Some(id) = self.stack.last().copied().or(self.task) {
            push(out, self.latest, time, Who::Named(id));
        }
        self.latest = time;
    }
}

fn push(out: &mut VecDeque<Segment>, start: Nanos, end: Nanos, who: Who) {
    if end <= start {
        return;
    }
    match out.back_mut() {
        Some(last) if last.who == who && last.end == start => last.end = end,
        _ => out.push_back(Segment { start, end, who }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMER: ActivityId = ActivityId(1);
    const SOFTIRQ: ActivityId = ActivityId(2);
    const TASK: ActivityId = ActivityId(3);

    fn fold(events: &[(u64, What)]) -> Vec<(u64, u64, Who)> {
        let mut out = VecDeque::new();
        let mut fold = Fold::default();
        for &(time, what) in events {
            fold.take(
                Event {
                    time: Nanos(time),
                    what,
                },
                &mut out,
            );
        }
        out.iter()
            .map(|segment| (segment.start.0, segment.end.0, segment.who))
            .collect()
    }

    #[test]
    fn the_innermost_activity_has_the_time() {
        let segments = fold(&[
            (10, What::Enter(SOFTIRQ)),
            (20, What::Enter(TIMER)),
            (30, What::Exit(TIMER)),
            (45, What::Exit(SOFTIRQ)),
        ]);
        assert_eq!(
            segments,
            [
                (10, 20, Who::Named(SOFTIRQ)),
                (20, 30, Who::Named(TIMER)),
                (30, 45, Who::Named(SOFTIRQ))
            ]
        );
    }

    #[test]
    fn a_task_has_the_time_until_the_sampler_is_back() {
        let segments = fold(&[
            (100, What::ToTask(TASK)),
            (150, What::Enter(TIMER)),
            (160, What::Exit(TIMER)),
            (200, What::ToSampler),
            (300, What::Enter(TIMER)),
            (310, What::Exit(TIMER)),
        ]);
        assert_eq!(
            segments,
            [
                (100, 150, Who::Named(TASK)),
                (150, 160, Who::Named(TIMER)),
                (160, 200, Who::Named(TASK)),
                (300, 310, Who::Named(TIMER))
            ]
        );
    }

    #[test]
    fn a_fault_of_another_task_leaves_no_mark() {
        let segments = fold(&[
            (50, What::Mark(SOFTIRQ)),
            (100, What::ToTask(TASK)),
            (150, What::Mark(SOFTIRQ)),
            (200, What::ToSampler),
        ]);
        assert_eq!(
            segments,
            [(50, 50, Who::Mark(SOFTIRQ)), (100, 200, Who::Named(TASK))]
        );
    }

    #[test]
    fn an_nmi_is_cut_out_of_what_it_hit() {
        let segments = fold(&[
            (10, What::Enter(TIMER)),
            (30, What::Done(SOFTIRQ, Nanos(5))),
            (40, What::Exit(TIMER)),
        ]);
        assert_eq!(
            segments,
            [
                (10, 25, Who::Named(TIMER)),
                (25, 30, Who::Named(SOFTIRQ)),
                (30, 40, Who::Named(TIMER))
            ]
        );
    }

    #[test]
    fn lost_records_leave_their_stretch_unknown() {
        let segments = fold(&[
            (10, What::Enter(TIMER)),
            (50, What::Lost(3)),
            (60, What::Enter(TIMER)),
            (70, What::Exit(TIMER)),
        ]);
        assert_eq!(segments, [(10, 50, Who::Lost), (60, 70, Who::Named(TIMER))]);
    }

    #[test]
    fn a_handler_that_begins_again_has_lost_its_exit() {
        let again = [
            (10, What::Enter(TIMER)),
            (50, What::Enter(TIMER)),
            (60, What::Exit(TIMER)),
            (80, What::Enter(TIMER)),
            (90, What::Exit(TIMER)),
        ];
        assert_eq!(
            fold(&again),
            [
                (10, 50, Who::Lost),
                (50, 60, Who::Named(TIMER)),
                (80, 90, Who::Named(TIMER))
            ]
        );
        let beside = [(5, What::ToTask(TASK))].into_iter().chain(again);
        let beside: Vec<(u64, What)> = beside.collect();
        assert_eq!(
            fold(&beside),
            [
                (5, 50, Who::Named(TASK)),
                (50, 60, Who::Named(TIMER)),
                (60, 80, Who::Named(TASK)),
                (80, 90, Who::Named(TIMER))
            ]
        );
    }

    #[test]
    fn stray_exits_and_times_that_step_back_do_no_harm() {
        let segments = fold(&[
            (10, What::Exit(TIMER)),
            (20, What::Enter(TIMER)),
            (15, What::Exit(TIMER)),
        ]);
        assert_eq!(segments, []);
    }
}
