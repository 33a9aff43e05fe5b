//! Regular series among events: several of them interleaved, with jitter,
//! missed beats, bursts and events at random between them.
//!
//! Candidates are the distances that recur between near events
//! (`candidates`). Each is judged by how many of its cycles hold an event at
//! one phase (`comb`), followed through the whole run (`track`), and taken
//! out before the next is looked for.
//!
//! What a series claims is that so many cycles hold an event in phase. For
//! events whose rate does not itself change from one part of the cycle to
//! another, however bursty they are over longer or shorter times, a window of
//! the cycle holds an event with at most the probability (rate times width),
//! and the number of cycles that do is bounded by a binomial tail (W.
//! Hoeffding, "On the distribution of the number of successes in independent
//! trials", Ann. Math. Statist. 27 (1956)). That tail is multiplied by the
//! number of combs that could have been tried (Bonferroni), so that a whole
//! search stays below [`FALSE_ALARM_LEVEL`].

mod candidates;
mod comb;
#[cfg(test)]
mod tests;
mod track;

use crate::units::Nanos;

/// Events at random show a series, one or more, in fewer than this share of
/// runs.
pub const FALSE_ALARM_LEVEL: f64 = 1e-3;
const MOST_SERIES: usize = 8;
/// Events that are looked at, evenly over the run: beyond it a search takes
/// seconds and finds the same.
const MOST_EVENTS: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its start, from any origin.
    pub at: Nanos,
    pub length: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Series {
    /// Its period, in nanoseconds.
    pub period_ns: f64,
    /// One standard deviation of the period as estimated.
    pub period_error_ns: f64,
    /// The first beat, from the origin of the events.
    pub first: Nanos,
    pub last: Nanos,
    /// Beats between first and last, both included.
    pub beats: u64,
    /// Beats that came.
    pub seen: u64,
    /// Events that belong to it: more than `seen` where beats are bursts.
    pub events: u64,
    /// `events` as a share of all events, 0 to 1.
    pub share: f64,
    /// Standard deviation of the beats around their places.
    pub jitter_ns: f64,
    /// Median length of its events.
    pub length: Nanos,
    /// Bound of the probability that events at random show a series as good.
    pub false_alarm: f64,
}

/// What a search needs to know beside the events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visibility {
    /// Share of the time in which events could be seen, 0 to 1. A sampler
    /// that pauses shows events at random in its own rhythm; the search allows
    /// for a rate that is higher by as much.
    pub covered: f64,
}

/// The series among the events, which must be in order of time: the one that
/// explains most first.
pub fn find(events: Vec<Event>, visibility: Visibility) -> Vec<Series> {
    let step = events.len().div_ceil(MOST_EVENTS).max(1);
    let mut rest = events;
    // A stretch of neighbours, as leaving events out would hide the period.
    rest.truncate(rest.len() / step);
    let total = rest.len();
    let mut found: Vec<Series> = Vec::new();
    // Another round may only add to a series that is known, as for beats of
    // two events; so there are more rounds than series.
    for _ in 0..2 * MOST_SERIES {
        let Some(comb) = comb::best(&rest, visibility) else {
            break;
        };
        let tracked = track::follow(&rest, &comb);
        if tracked.members.len() < comb::FEWEST_BEATS {
            break;
        }
        let series = tracked.series(&rest, &comb, total);
        tracked.remove_members(&mut rest);
        match found.iter_mut().find(|known| known.is_same_beat(&series)) {
            Some(known) => {
                known.events += series.events;
                known.share += series.share;
            }
            None => found.push(series),
        }
        if found.len() == MOST_SERIES {
            break;
        }
    }
    found.sort_by_key(|series| std::cmp::Reverse(series.events));
    found
}

impl Series {
    /// Whether another series has the same period within their errors: two
    /// events of one beat.
    fn is_same_beat(&self, other: &Series) -> bool {
        let error = self.period_error_ns.hypot(other.period_error_ns);
        (self.period_ns - other.period_ns).abs() <= (4.0 * error).max(1e-6 * self.period_ns)
    }
}
