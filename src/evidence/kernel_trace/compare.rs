//! A gap's stretches held against what the same activities, and the ways between
//! them, take in this run.

use crate::units::Nanos;

use super::costs::{Costs, Known, Way};
use super::kernel_time::{KernelTime, Scope};
use super::measured::{Measured, Place, What};

/// In a gap of more places than this a way counts only where it stands far apart:
/// some cost more by chance. Those that leave or begin a task do so most, above all
/// behind an idle CPU; the others are not known then.
const MANY: usize = 16;

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

/// A place of a gap, or several as one, with what it usually takes.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    what: What,
    at: Nanos,
    length: Nanos,
    known: Known,
    /// By how much it exceeds its typical time.
    excess: Nanos,
    /// How much of that may be the sampler's own work.
    doubt: Nanos,
}

/// The ways of a gap in which the sampler was at its own work. In which of them
/// that was is not known, so that only all of them together can be held against
/// what they take.
#[derive(Debug, Default)]
struct Together {
    widest: Option<Known>,
    /// The one that is longest beyond its typical time, and by how much.
    longest: Option<(Place, Nanos)>,
    length: Nanos,
    typical: Nanos,
}

impl Together {
    fn add(&mut self, place: Place, known: Known) {
        let usual = known.usual();
        self.length = self.length.saturating_add(place.length);
        self.typical = self.typical.saturating_add(usual.typical);
        let widest = match self.widest {
            Some(other) if other.usual().longest >= usual.longest => other,
            _ => known,
        };
        self.widest = Some(match (self.widest, known) {
            (Some(Known::Doubtful(_)), _) | (_, Known::Doubtful(_)) => {
                Known::Doubtful(widest.usual())
            }
            _ => widest,
        });
        let more = place.length.saturating_sub(usual.typical);
        if self.longest.is_none_or(|(_, longest)| more > longest) {
            self.longest = Some((place, more));
        }
    }

    fn stretch(self, own: Nanos) -> Option<Stretch> {
        let (place, _) = self.longest?;
        Some(Stretch {
            what: place.what,
            at: place.at,
            length: self.length,
            known: self.widest?,
            excess: (self.length)
                .saturating_sub(self.typical)
                .saturating_sub(own),
            // Behind an interrupt the same calls may take half as long again.
            doubt: Nanos(own.0 / 2),
        })
    }
}

impl Measured {
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
        let number = match self.places.len() > MANY {
            true => Number::Many,
            false => Number::Few,
        };
        let hidden = costs.unrecorded();
        let mut together = Together::default();
        for &place in &self.places {
            let known = match place.what {
                What::Task => {
                    add(&mut time.tasks, place.length);
                    add(&mut time.accounted, place.length);
                    continue;
                }
                What::Way(passage) => costs.passage(passage, common),
                What::Handler(id) => costs.handler(id),
            };
            let Some(known) = known else {
                add(&mut time.unlearnt, place.length);
                continue;
            };
            if own > Nanos(0) && place.what.way().is_some() {
                together.add(place, known);
                continue;
            }
            let stretch = Stretch {
                what: place.what,
                at: place.at,
                length: place.length,
                known,
                excess: place.length.saturating_sub(known.usual().typical),
                doubt: Nanos(0),
            };
            enter(&mut time, stretch, hidden, number);
        }
        if let Some(stretch) = together.stretch(own) {
            enter(&mut time, stretch, hidden, number);
        }
        time
    }
}

/// Whether places of a gap are so many that some ways cost more by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Few,
    Many,
}

/// Enters a stretch: as accounted for, as beyond what it takes, or as what is
/// not known.
fn enter(time: &mut KernelTime, stretch: Stretch, hidden: Nanos, number: Number) {
    let Stretch {
        what,
        at,
        length,
        known,
        excess,
        doubt,
    } = stretch;
    let usual = known.usual();
    // As long as one that exceeds its typical time by so much.
    let without = |doubt: Nanos| (usual.typical).saturating_add(excess.saturating_sub(doubt));
    let is_far = usual.is_far_exceeded_by(without(doubt));
    add(&mut time.all_excess, excess);
    if excess > time.most_excess {
        (time.most_excess, time.excess_at) = (excess, at);
    }
    if is_far {
        time.far_beyond = time.far_beyond.saturating_add(1);
    }
    // Behind a record one more interrupt may hide that leaves none.
    let unrecorded = match what.way() {
        None | Some(Way::In) => Nanos(0),
        Some(_) => hidden,
    };
    let is_beyond = usual.is_exceeded_by(without(doubt.saturating_add(unrecorded)));
    let by_chance = number == Number::Many && what.way().is_some() && !is_far;
    let is_open = match (is_beyond, known) {
        (true, Known::Doubtful(_)) => true,
        // It was hardly seen, and may well cost more than its like.
        (true, Known::Alike(_)) => !is_far,
        (true, Known::Own(_)) => by_chance && (doubt > Nanos(0) || !what.is_switch()),
        // Whether such an interrupt hit the sampler's own work is not known.
        (false, _) => doubt > Nanos(0) && usual.is_exceeded_by(without(doubt)),
    };
    if is_open {
        // The sampler's work may have been shorter than it usually is.
        let open = excess.saturating_add(doubt);
        add(&mut time.accounted, length.saturating_sub(open));
        add(&mut time.unlearnt, open);
        return;
    }
    if !is_beyond || by_chance {
        add(&mut time.accounted, length);
        return;
    }
    match what {
        What::Way(passage) => {
            add(&mut time.accounted, length.saturating_sub(excess));
            add(&mut time.beyond_ways, excess);
            time.ways_beyond = time.ways_beyond.saturating_add(1);
            time.only_ways_in &= passage.way() == Way::In;
        }
        What::Handler(_) | What::Task => {
            add(&mut time.accounted, length);
            add(&mut time.beyond_handlers, excess);
            time.handlers_beyond = time.handlers_beyond.saturating_add(1);
        }
    }
}

fn add(sum: &mut Nanos, length: Nanos) {
    *sum = sum.saturating_add(length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::kernel_trace::activity::{ActivityId, ActivityKind, Names};
    use crate::evidence::kernel_trace::fold::{Segment, Who};
    use crate::evidence::kernel_trace::kernel_time::Standing;

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
            self.time_with(segments, start, end, 0)
        }

        fn time_with(
            &self,
            segments: &[(u64, u64, Who)],
            start: u64,
            end: u64,
            own: u64,
        ) -> KernelTime {
            let common = Costs::default();
            self.measured(segments, start, end).against(Context {
                costs: &self.costs,
                common: &common,
                scope: Scope::Tracepoints,
                own: Nanos(own),
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
    fn a_way_that_always_takes_far_longer_than_its_like_is_not_known() {
        let mut bench = bench();
        let timer = bench.timer;
        // Two ticks in succession, and a stall that made them so between the two.
        let met = [
            (100, 2_100, Who::Named(timer)),
            (47_400, 49_400, Who::Named(timer)),
        ];
        for _ in 0..8 {
            let met = bench.measured(&met, 0, 49_700);
            met.teach(&mut bench.costs, &bench.names);
            let task = [
                (100, 2_100, Who::Named(timer)),
                (3_100, 9_000, Who::Named(bench.task)),
            ];
            let woken = bench.measured(&task, 0, 9_300);
            woken.teach(&mut bench.costs, &bench.names);
        }
        let time = bench.time(&met, 0, 49_700);
        assert_eq!(time.unlearnt, Nanos(44_300));
        assert_eq!((time.ways_beyond, time.beyond_ways), (0, Nanos(0)));
        assert!(!time.explains_all());
    }

    #[test]
    fn in_a_long_gap_a_way_that_takes_longer_is_not_known_and_a_handler_stands_apart() {
        let mut bench = bench();
        let (timer, task) = (bench.timer, bench.task);
        // Ten ticks, the last nine in the time of a task. One may be late, or long.
        let long = |which: u64, late: u64, length: u64| {
            let mut segments = Vec::new();
            for tick in 0..10 {
                let (late, length) = match tick == which {
                    true => (late, length),
                    false => (0, 2_000),
                };
                let start = tick * 100_000 + 100 + late;
                segments.push((start, start + length, Who::Named(timer)));
                segments.push((start + length + 300, (tick + 1) * 100_000, Who::Named(task)));
            }
            (segments, 1_000_300)
        };
        for _ in 0..5 {
            let (segments, end) = long(0, 0, 2_000);
            let usual = bench.measured(&segments, 0, end);
            usual.teach(&mut bench.costs, &bench.names);
        }
        let time = |which, late, length| {
            let (segments, end) = long(which, late, length);
            bench.time(&segments, 0, end)
        };
        let usual = time(0, 0, 2_000);
        assert_eq!((usual.unlearnt, usual.handlers_beyond), (Nanos(0), 0));
        let late = time(0, 4_000, 2_000);
        assert_eq!((late.unlearnt, late.ways_beyond), (Nanos(4_000), 0));
        // To leave a task may take as long.
        let late = time(4, 4_000, 2_000);
        assert_eq!((late.unlearnt, late.ways_beyond), (Nanos(0), 0));
        let far = time(4, 30_000, 2_000);
        assert_eq!((far.beyond_ways, far.ways_beyond), (Nanos(30_000), 1));
        let handler = time(4, 0, 6_000);
        assert_eq!(handler.beyond_handlers, Nanos(4_000));
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

    #[test]
    fn the_samplers_own_work_is_taken_off_all_ways_together() {
        let mut bench = bench();
        let timer = bench.timer;
        let three = |first: u64, second: u64| {
            let mut at = 100;
            let mut next = |after: u64| {
                let start = at;
                at = start + 2_000 + after;
                (start, start + 2_000, Who::Named(timer))
            };
            let ticks = [next(first), next(second), next(0)];
            (ticks, at + 300)
        };
        for _ in 0..5 {
            let (ticks, end) = three(500, 500);
            bench
                .measured(&ticks, 0, end)
                .teach(&mut bench.costs, &bench.names);
        }
        let time = |first, second, own| {
            let (ticks, end) = three(first, second);
            bench.time_with(&ticks, 0, end, own)
        };
        // 4 us of own work, wherever it was.
        for (first, second) in [(4_500, 500), (500, 4_500), (2_500, 2_500)] {
            assert!(time(first, second, 4_000).explains_all());
        }
        // Or behind the last tick, with a stall of 20 us beside.
        let behind = bench.time_with(&[(100, 2_100, Who::Named(timer))], 0, 26_400, 4_000);
        assert_eq!(behind.beyond_ways, Nanos(20_000));
        // And a stall of 30 us, in either way.
        for (first, second) in [(34_500, 500), (30_500, 4_500), (500, 34_500)] {
            let stalled = time(first, second, 4_000);
            assert_eq!(stalled.beyond_ways, Nanos(30_000));
            assert_eq!(stalled.most_excess, Nanos(30_000));
        }
        // Something of 4 us: an interrupt without a record, or a stall.
        let open = time(6_500, 2_500, 4_000);
        assert_eq!((open.beyond_ways, open.unlearnt), (Nanos(0), Nanos(6_000)));
    }
}
