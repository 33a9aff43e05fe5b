//! When the collector visits the engine, and when it looks at the clocks.

use crate::sys::clock::monotonic;
use crate::units::{Fill, Nanos};

/// How the collector lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It has a CPU of its own.
    OwnCpu,
    /// The same, and something is to be done about a gap as soon as it comes in.
    Prompt,
    /// It takes its time from a sampler: seldom, as each visit is a gap.
    SharedCpu,
}

/// Between two visits where the collector has a CPU of its own.
const OWN_TURN: Nanos = Nanos(5 * Nanos::MILLISECOND.0);
/// The same where gaps are waited for. What waits for other gaps does so for
/// whole turns, so that gaps are judged as they would be without it.
const PROMPT_TURN: Nanos = Nanos(Nanos::MILLISECOND.0 / 2);
/// The same on a sampler's CPU, where gaps come in thick and fast.
const SHORTEST_TURN: Nanos = Nanos(40 * Nanos::MILLISECOND.0);
/// And where hardly any come in. The rings then hold 8,000 gaps and 20,000
/// records of the kernel a second, for as long as one such turn.
const LONGEST_TURN: Nanos = Nanos::SECOND;
/// By how much a turn grows at a time.
const GROWTH: u64 = 2;

/// Where the fullest ring has less than this, turns grow: the ring holds the
/// longer turn many times over.
const LITTLE: Fill = Fill(1.0 / 40.0);
/// Where it has more than this, turns are short again.
const MUCH: Fill = Fill(1.0 / 16.0);

/// The visits of a run.
#[derive(Debug)]
pub(super) struct Rhythm {
    pace: Pace,
    turn: Nanos,
    /// Since the last whole turn of the collector, by the turns asked for.
    since: Nanos,
    look_due: Nanos,
    end: Nanos,
}

impl Rhythm {
    /// For samplers that end at `end` by CLOCK_MONOTONIC, if nothing ends them
    /// earlier.
    pub(super) fn begin(pace: Pace, end: Nanos) -> Rhythm {
        let mut rhythm = Rhythm {
            pace,
            turn: shortest(pace),
            since: Nanos(0),
            look_due: Nanos(0),
            end,
        };
        rhythm.look_due = monotonic().saturating_add(rhythm.between_looks());
        rhythm
    }

    /// How long to wait for the next visit: no longer than the samplers still
    /// take, so that the end is not waited for.
    pub(super) fn wait(&self) -> Nanos {
        let left = self.end.saturating_sub(monotonic());
        left.clamp(shortest(self.pace), self.turn)
    }

    /// The same where the samplers have been asked for something.
    pub(super) fn wait_shortly(&self) -> Nanos {
        self.wait().min(shortest(self.pace))
    }

    /// Whether with this visit as much time has gone by as between two visits
    /// of a collector that nobody urges.
    pub(super) fn is_whole_turn(&mut self) -> bool {
        self.since = self.since.saturating_add(PROMPT_TURN);
        let is_whole = self.pace != Pace::Prompt || self.since >= OWN_TURN;
        if is_whole {
            self.since = Nanos(0);
        }
        is_whole
    }

    /// A visit has found the fullest ring so full; `None` where that is not
    /// known.
    pub(super) fn visited(&mut self, fill: Option<Fill>) {
        let shortest = shortest(self.pace);
        let longest = match self.pace {
            Pace::OwnCpu | Pace::Prompt => shortest,
            Pace::SharedCpu => LONGEST_TURN,
        };
        self.turn = match fill {
            Some(fill) if fill < LITTLE => Nanos(self.turn.0.saturating_mul(GROWTH)).min(longest),
            Some(fill) if fill < MUCH => self.turn,
            Some(_) | None => shortest,
        };
    }

    /// The samplers were asked to end.
    pub(super) fn ends_now(&mut self) {
        self.end = Nanos(0);
    }

    /// Whether it is time for another look.
    pub(super) fn is_look_due(&mut self) -> bool {
        let now = monotonic();
        let is_due = now >= self.look_due;
        if is_due {
            self.look_due = now.saturating_add(self.between_looks());
        }
        is_due
    }

    fn between_looks(&self) -> Nanos {
        match self.pace {
            Pace::OwnCpu | Pace::Prompt => Nanos(200 * Nanos::MILLISECOND.0),
            Pace::SharedCpu => Nanos(4 * Nanos::SECOND.0),
        }
    }
}

fn shortest(pace: Pace) -> Nanos {
    match pace {
        Pace::OwnCpu => OWN_TURN,
        Pace::Prompt => PROMPT_TURN,
        Pace::SharedCpu => SHORTEST_TURN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Nanos = Nanos(u64::MAX);

    fn after(rhythm: &mut Rhythm, fills: &[f64]) -> Nanos {
        fills
            .iter()
            .for_each(|&fill| rhythm.visited(Some(Fill(fill))));
        rhythm.wait()
    }

    #[test]
    fn turns_grow_while_little_comes_in_and_are_short_again_at_once() {
        let mut rhythm = Rhythm::begin(Pace::SharedCpu, NEVER);
        assert_eq!(rhythm.wait(), SHORTEST_TURN);
        assert_eq!(after(&mut rhythm, &[0.0]), Nanos(80 * Nanos::MILLISECOND.0));
        assert_eq!(
            after(&mut rhythm, &[0.0]),
            Nanos(160 * Nanos::MILLISECOND.0)
        );
        assert_eq!(after(&mut rhythm, &[0.0; 5]), LONGEST_TURN);
        assert_eq!(after(&mut rhythm, &[0.02]), LONGEST_TURN);
        assert_eq!(rhythm.wait_shortly(), SHORTEST_TURN);
        assert_eq!(after(&mut rhythm, &[0.1]), SHORTEST_TURN);
        rhythm.visited(Some(Fill(0.0)));
        rhythm.visited(None);
        assert_eq!(rhythm.wait(), SHORTEST_TURN);
    }

    #[test]
    fn a_ring_never_fills_at_a_steady_rate_that_the_shortest_turn_can_bear() {
        for share_a_second in [0.001, 0.01, 0.1, 1.0, 5.0, 20.0] {
            let mut rhythm = Rhythm::begin(Pace::SharedCpu, NEVER);
            for _ in 0..50 {
                let fill = share_a_second * rhythm.wait().0 as f64 / 1e9;
                assert!(fill < 1.0, "{share_a_second} a second: {fill}");
                rhythm.visited(Some(Fill(fill)));
            }
        }
    }

    #[test]
    fn a_cpu_of_its_own_is_visited_all_the_time() {
        let mut rhythm = Rhythm::begin(Pace::OwnCpu, NEVER);
        assert_eq!(after(&mut rhythm, &[0.0, 0.9, 0.0]), OWN_TURN);
    }

    #[test]
    fn where_gaps_are_waited_for_each_tenth_visit_is_a_whole_turn() {
        let whole = |pace| {
            let mut rhythm = Rhythm::begin(pace, NEVER);
            let visits = (0..20).map(|_| rhythm.is_whole_turn());
            visits.filter(|is_whole| *is_whole).count()
        };
        let all = [Pace::OwnCpu, Pace::SharedCpu, Pace::Prompt].map(whole);
        assert_eq!(all, [20, 20, 2]);
        let mut rhythm = Rhythm::begin(Pace::Prompt, NEVER);
        assert_eq!(after(&mut rhythm, &[0.0, 0.9]), PROMPT_TURN);
    }

    #[test]
    fn the_end_is_not_waited_for() {
        let mut rhythm = Rhythm::begin(Pace::SharedCpu, NEVER);
        assert_eq!(after(&mut rhythm, &[0.0; 5]), LONGEST_TURN);
        rhythm.ends_now();
        assert_eq!(rhythm.wait(), SHORTEST_TURN);
    }
}
