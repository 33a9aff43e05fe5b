//! The stretches that a gap consists of, by the kernel's records.

use crate::units::Nanos;

use super::activity::{ActivityId, ActivityKind, Names};
use super::costs::{Costs, Passage, Way};
use super::fold::{Segment, Who};
use super::kernel_time::{SHARES, Share, Standing};

/// A stretch of a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) what: What,
    /// From the begin of the gap.
    pub(super) at: Nanos,
    pub(super) length: Nanos,
}

/// What a stretch is.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Way(Passage),
    Handler(ActivityId),
    Task,
}

impl What {
    /// Which kind of way it is, if one.
    pub(super) fn way(self) -> Option<Way> {
        match self {
            What::Way(passage) => Some(passage.way()),
            What::Handler(_) | What::Task => None,
        }
    }

    /// Whether it is a way that leaves or begins a task.
    pub(super) fn is_switch(self) -> bool {
        matches!(self, What::Way(passage) if passage.is_switch())
    }
}

/// A gap's stretches, before it is known what they usually take.
#[derive(Clone, Debug)]
pub struct Measured {
    pub(super) standing: Standing,
    by: Vec<(ActivityId, Nanos)>,
    pub(super) places: Vec<Place>,
}

impl Measured {
    /// Measures the segments that fall into `start..end`.
    pub(super) fn of<'a>(
        segments: impl Iterator<Item = &'a Segment>,
        start: Nanos,
        end: Nanos,
        names: &Names,
    ) -> Measured {
        let mut measured = Measured {
            standing: Standing::Nothing,
            by: Vec::new(),
            places: Vec::new(),
        };
        let mut reached = Reached {
            at: start,
            from: None,
            fault: None,
        };
        for segment in segments {
            let (begun, ended) = (segment.start.max(start), segment.end.min(end));
            let (Who::Named(id) | Who::Mark(id)) = segment.who else {
                measured.standing = Standing::Lost;
                continue;
            };
            let to = Some(names.place(id));
            measured.between(start, reached, begun, to);
            let (standing, what) = match names.kind(id) {
                ActivityKind::Fault => (Standing::Fault, What::Handler(id)),
                ActivityKind::Interrupt => (Standing::Interrupts, What::Handler(id)),
                ActivityKind::Task => (Standing::Tasks, What::Task),
            };
            measured.standing = more_telling(measured.standing, standing);
            measured.add(
                id,
                what,
                begun.saturating_sub(start),
                ended.saturating_sub(begun),
            );
            reached = Reached {
                at: ended.max(reached.at),
                from: to,
                fault: match segment.who {
                    Who::Mark(id) => Some(id),
                    _ => reached.fault,
                },
            };
        }
        measured.between(start, reached, end, None);
        measured
    }

    /// The stretch from what was reached to `until`: a way, or what a fault
    /// took. Its end is not recorded, so that it has all that nobody else has
    /// from its begin on.
    fn between(&mut self, start: Nanos, reached: Reached, until: Nanos, to: Option<ActivityId>) {
        let (at, length) = (
            reached.at.saturating_sub(start),
            until.saturating_sub(reached.at),
        );
        let passage = Passage {
            from: reached.from,
            to,
        };
        match (reached.fault, length) {
            (_, Nanos(0)) => {}
            (Some(id), _) => self.add(id, What::Handler(id), at, length),
            (None, _) => self.places.push(Place {
                what: What::Way(passage),
                at,
                length,
            }),
        }
    }

    fn add(&mut self, id: ActivityId, what: What, at: Nanos, length: Nanos) {
        self.sum(id, length);
        if length > Nanos(0) {
            self.places.push(Place { what, at, length });
        }
    }

    fn sum(&mut self, id: ActivityId, length: Nanos) {
        match self.by.iter_mut().find(|(known, _)| *known == id) {
            Some((_, sum)) => *sum = sum.saturating_add(length),
            None => self.by.push((id, length)),
        }
    }

    /// The activities that took most, largest first.
    pub(super) fn shares(&self) -> [Option<Share>; SHARES] {
        let mut by = self.by.clone();
        by.sort_by_key(|&(_, length)| std::cmp::Reverse(length));
        let mut shares = [None; SHARES];
        for (slot, (id, length)) in shares.iter_mut().zip(by) {
            *slot = Some(Share {
                id,
                nanos: u32::try_from(length.0).unwrap_or(u32::MAX),
            });
        }
        shares
    }

    /// Teaches what the ways cost, and what faults take: the end of these is
    /// known only within a gap.
    pub(super) fn teach(&self, costs: &mut Costs, names: &Names) {
        if self.standing == Standing::Lost {
            return;
        }
        for place in &self.places {
            match place.what {
                What::Way(passage) => costs.learn_passage(passage, place.length),
                What::Handler(id) if names.kind(id) == ActivityKind::Fault => {
                    costs.learn_handler(id, place.length)
                }
                What::Handler(_) | What::Task => {}
            }
        }
    }
}

/// How far the stretches of a gap have been followed.
#[derive(Clone, Copy, Debug)]
struct Reached {
    at: Nanos,
    from: Option<ActivityId>,
    fault: Option<ActivityId>,
}

fn more_telling(a: Standing, b: Standing) -> Standing {
    let rank = |standing| match standing {
        Standing::Nothing => 0,
        Standing::Interrupts => 1,
        Standing::Fault => 2,
        Standing::Tasks => 3,
        Standing::Lost => 4,
    };
    if rank(a) >= rank(b) { a } else { b }
}
