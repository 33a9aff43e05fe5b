//! What the kernel's own records say of a gap: how much of it which activity
//! took, and what they leave.

use crate::units::Nanos;

use super::activity::{ActivityId, ActivityKind, Names};
use super::costs::{Costs, Known, Passage, Way};
use super::fold::{Segment, Who};

/// In a gap of more places than this only what stands far apart counts.
const MANY: usize = 16;

/// Activities named in a gap: the ones that took most.
pub const SHARES: usize = 3;

/// What was recorded in a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// Interrupts and the like.
    Interrupts,
    /// Other tasks ran, beside interrupts perhaps.
    Tasks,
    /// An exception whose end is not recorded.
    Fault,
    /// Records were lost.
    Lost,
}

/// What the kernel recorded at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Interrupts, softirqs, exceptions and tasks.
    Tracepoints,
    /// Tasks only: interrupts leave no record.
    Switches,
}

/// One activity's part of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who.
    pub id: ActivityId,
    /// How long, in nanoseconds; at most 4.29 s are told.
    pub nanos: u32,
}

/// The kernel's records of one gap, held against what the same activities, and
/// the ways between them, take in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelTime {
    /// What was recorded.
    pub standing: Standing,
    /// What would have been.
    pub scope: Scope,
    /// The recorded intervals, and the ways into the kernel and back as far as
    /// they cost what they may.
    pub accounted: Nanos,
    /// What the ways took beyond what they cost here, of those that stand
    /// apart.
    pub beyond_ways: Nanos,
    /// How many ways stand apart.
    pub ways_beyond: u8,
    /// Whether all that stand apart lead into the kernel, where it has hardly
    /// any code before its first record.
    pub only_ways_in: bool,
    /// The same of handlers: what they took beyond what they take in this run.
    pub beyond_handlers: Nanos,
    /// How many handlers stand apart.
    pub handlers_beyond: u8,
    /// How many ways and handlers stand far apart: no other costs as much.
    pub far_beyond: u8,
    /// By how much the place that exceeds its typical time by most does so,
    /// whether it stands apart or not: a single SMI is there.
    pub most_excess: Nanos,
    /// By how much all places together do.
    pub all_excess: Nanos,
    /// Time of other tasks.
    pub tasks: Nanos,
    /// Time of ways and handlers of which this run has seen too few to tell
    /// what they cost.
    pub unlearnt: Nanos,
    /// Where the longest excess begins, from the begin of the gap.
    pub excess_at: Nanos,
    /// The largest parts, largest first.
    pub shares: [Option<Share>; SHARES],
}

impl KernelTime {
    /// Records of this standing that account for so much and leave nothing.
    pub fn explained(standing: Standing, accounted: Nanos) -> KernelTime {
        KernelTime {
            standing,
            scope: Scope::Tracepoints,
            accounted,
            beyond_ways: Nanos(0),
            ways_beyond: 0,
            only_ways_in: true,
            beyond_handlers: Nanos(0),
            handlers_beyond: 0,
            far_beyond: 0,
            most_excess: Nanos(0),
            all_excess: Nanos(0),
            tasks: Nanos(0),
            unlearnt: Nanos(0),
            excess_at: Nanos(0),
            shares: [None; SHARES],
        }
    }

    /// Whether every part of the gap took what it takes here, so that nothing
    /// else can be in it. A task takes what it likes.
    pub fn explains_all(&self) -> bool {
        matches!(self.standing, Standing::Interrupts | Standing::Fault)
            && self.scope == Scope::Tracepoints
            && self.beyond_ways == Nanos(0)
            && self.beyond_handlers == Nanos(0)
            && self.unlearnt == Nanos(0)
    }
}

/// What a gap is held against.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// What activities and ways cost on this CPU.
    pub(super) costs: &'a Costs,
    /// And on all together, for what this one has hardly seen.
    pub(super) common: &'a Costs,
    /// What is recorded at all.
    pub(super) scope: Scope,
    /// The sampler's own work in the gap, about.
    pub(super) own: Nanos,
}

/// A stretch of a gap.
#[derive(Clone, Copy, Debug)]
struct Place {
    what: What,
    at: Nanos,
    length: Nanos,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Way(Passage),
    Handler(ActivityId),
    Task,
}

/// A gap's stretches, before it is known what they usually take.
#[derive(Clone, Debug)]
pub struct Measured {
    standing: Standing,
    by: Vec<(ActivityId, Nanos)>,
    places: Vec<Place>,
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

    /// Holds the gap against what is known by now.
    pub(super) fn against(&self, context: Context<'_>) -> KernelTime {
        let Context {
            costs,
            common,
            scope,
            own,
        } = context;
        let mut time = KernelTime {
            scope,
            shares: self.shares(),
            ..KernelTime::explained(self.standing, Nanos(0))
        };
        let add = |sum: &mut Nanos, length: Nanos| *sum = sum.saturating_add(length);
        // Of many places some cost more than usual by chance.
        let strict = self.places.len() > MANY;
        let hidden = costs.unrecorded();
        for place in &self.places {
            let usual = match place.what {
                What::Task => {
                    add(&mut time.tasks, place.length);
                    add(&mut time.accounted, place.length);
                    continue;
                }
                What::Way(passage) => costs.passage(passage, common),
                What::Handler(id) => costs.handler(id),
            };
            let Some(known) = usual else {
                add(&mut time.unlearnt, place.length);
                continue;
            };
            let usual = known.usual();
            // Between two entries of the kernel the sampler may have been at
            // its own work.
            let own = match place.what {
                What::Way(passage) if passage.way() == Way::Between => own,
                _ => Nanos(0),
            };
            let length = place.length.saturating_sub(own);
            let far = usual.is_far_exceeded_by(length);
            // How much of its work lies in this way is not known: half of it is
            // the least wrong.
            let excess = (place.length)
                .saturating_sub(Nanos(own.0 / 2))
                .saturating_sub(usual.typical);
            add(&mut time.all_excess, excess);
            if excess > time.most_excess {
                (time.most_excess, time.excess_at) = (excess, place.at);
            }
            if far {
                time.far_beyond = time.far_beyond.saturating_add(1);
            }
            // Behind a record one more interrupt may hide that leaves none.
            let surely = match place.what {
                What::Way(passage) if passage.way() != Way::In => length.saturating_sub(hidden),
                _ => length,
            };
            match (usual.is_exceeded_by(surely), place.what) {
                (false, _) => add(&mut time.accounted, place.length),
                (true, _) if strict && !far => add(&mut time.accounted, place.length),
                // It was hardly seen, and may well cost more than its like.
                (true, _) if !far && matches!(known, Known::Alike(_)) => {
                    add(&mut time.accounted, place.length.saturating_sub(excess));
                    add(&mut time.unlearnt, excess);
                }
                (true, What::Way(passage)) => {
                    add(&mut time.accounted, place.length.saturating_sub(excess));
                    add(&mut time.beyond_ways, excess);
                    time.ways_beyond = time.ways_beyond.saturating_add(1);
                    time.only_ways_in &= passage.way() == Way::In;
                }
                (true, What::Handler(_) | What::Task) => {
                    add(&mut time.accounted, place.length);
                    add(&mut time.beyond_handlers, excess);
                    time.handlers_beyond = time.handlers_beyond.saturating_add(1);
                }
            }
        }
        time
    }

    fn shares(&self) -> [Option<Share>; SHARES] {
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        names: Names,
        costs: Costs,
        timer: ActivityId,
        task: ActivityId,
        fault: ActivityId,
    }

    /// A CPU that has seen ten ticks of 2,000 ns, 100 ns after the last reading
    /// and 300 ns before the next.
    fn bench() -> Bench {
        let mut names = Names::new();
        let timer = names.number("local_timer", ActivityKind::Interrupt);
        let mut bench = Bench {
            task: names.number("stress", ActivityKind::Task),
            fault: names.number("page_fault", ActivityKind::Fault),
            costs: Costs::default(),
            timer,
            names,
        };
        for _ in 0..10 {
            let tick = bench.measured(&[(1_100, 3_100, Who::Named(timer))], 1_000, 3_400);
            tick.teach(&mut bench.costs, &bench.names);
            bench.costs.learn_handler(timer, Nanos(2_000));
        }
        bench
    }

    impl Bench {
        fn measured(&self, segments: &[(u64, u64, Who)], start: u64, end: u64) -> Measured {
            let segments: Vec<Segment> = segments
                .iter()
                .map(|&(start, end, who)| Segment {
                    start: Nanos(start),
                    end: Nanos(end),
                    who,
                })
                .collect();
            Measured::of(segments.iter(), Nanos(start), Nanos(end), &self.names)
        }

        fn time(&self, segments: &[(u64, u64, Who)], start: u64, end: u64) -> KernelTime {
            let common = Costs::default();
            self.measured(segments, start, end).against(Context {
                costs: &self.costs,
                common: &common,
                scope: Scope::Tracepoints,
                own: Nanos(0),
            })
        }
    }

    #[test]
    fn a_tick_as_usual_explains_its_gap() {
        let bench = bench();
        let time = bench.time(&[(100, 2_150, Who::Named(bench.timer))], 0, 2_500);
        assert!(time.explains_all());
        assert_eq!(time.accounted, Nanos(2_500));
    }

    #[test]
    fn a_stall_before_the_tick_is_beyond_the_way_in() {
        let bench = bench();
        let time = bench.time(&[(50_100, 52_100, Who::Named(bench.timer))], 0, 52_400);
        assert_eq!(time.beyond_ways, Nanos(50_000));
        assert_eq!((time.ways_beyond, time.only_ways_in), (1, true));
        assert_eq!(time.accounted, Nanos(2_400));
        assert_eq!(
            (time.most_excess, time.excess_at),
            (Nanos(50_000), Nanos(0))
        );
        assert!(!time.explains_all());
    }

    #[test]
    fn a_stall_within_the_tick_is_beyond_the_handler() {
        let bench = bench();
        let time = bench.time(&[(100, 52_100, Who::Named(bench.timer))], 0, 52_400);
        assert_eq!(time.beyond_handlers, Nanos(50_000));
        assert_eq!((time.beyond_ways, time.handlers_beyond), (Nanos(0), 1));
        assert_eq!(time.accounted, Nanos(52_400));
        assert_eq!(time.excess_at, Nanos(100));
    }

    #[test]
    fn a_task_takes_what_it_likes_and_what_lies_outside_it_does_not() {
        let bench = bench();
        let woken = [
            (100, 2_100, Who::Named(bench.timer)),
            (2_100, 900_000, Who::Named(bench.task)),
        ];
        let time = bench.time(&woken, 0, 900_300);
        assert_eq!(
            (time.standing, time.tasks),
            (Standing::Tasks, Nanos(897_900))
        );
        assert_eq!(
            (time.beyond_ways, time.beyond_handlers),
            (Nanos(0), Nanos(0))
        );
        let late = bench.time(&woken, 0, 950_300);
        assert_eq!(late.beyond_ways, Nanos(50_000));
        assert!(!late.only_ways_in);
    }

    #[test]
    fn a_fault_has_all_that_nobody_else_has_after_it() {
        let mut bench = bench();
        let fault = bench.fault;
        for _ in 0..5 {
            let short = bench.measured(&[(100, 100, Who::Mark(fault))], 0, 900);
            short.teach(&mut bench.costs, &bench.names);
        }
        let usual = bench.time(&[(100, 100, Who::Mark(fault))], 0, 900);
        assert!(usual.explains_all());
        let met = [
            (100, 100, Who::Mark(fault)),
            (400, 2_400, Who::Named(bench.timer)),
        ];
        assert!(bench.time(&met, 0, 3_000).explains_all());
        let long = bench.time(&met, 0, 43_000);
        assert_eq!(long.handlers_beyond, 1);
        assert_eq!(long.beyond_ways, Nanos(0));
    }

    #[test]
    fn what_was_never_seen_is_not_known() {
        let bench = Bench {
            costs: Costs::default(),
            ..bench()
        };
        let time = bench.time(&[(100, 2_100, Who::Named(bench.timer))], 0, 2_400);
        assert_eq!((time.unlearnt, time.accounted), (Nanos(2_400), Nanos(0)));
        let nothing = bench.time(&[], 0, 2_400);
        assert_eq!(
            (nothing.standing, nothing.unlearnt),
            (Standing::Nothing, Nanos(2_400))
        );
        assert_eq!(
            bench.time(&[(0, 10, Who::Lost)], 0, 20).standing,
            Standing::Lost
        );
    }

    #[test]
    fn segments_count_only_within_the_gap() {
        let bench = bench();
        let time = bench.time(&[(0, 4_000, Who::Named(bench.timer))], 1_000, 2_500);
        assert_eq!(time.accounted, Nanos(1_500));
    }
}
