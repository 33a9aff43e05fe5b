//! Whether events stand at one phase of a period, in a stretch of the run.

use statrs::function::beta::beta_reg;

use super::{Event, FALSE_ALARM_LEVEL, Visibility, candidates};

/// A series needs this many beats.
pub(super) const FEWEST_BEATS: usize = 10;
/// Cycles in which a period is judged: timers that are armed anew by their
/// handler drift, and a long run would smear their phase.
const MOST_CYCLES: f64 = 250.0;
/// Events in such a stretch at most.
const MOST_EVENTS: usize = 800;
/// Widths of the window in phase that are tried, in cycles: a wide one for
/// jitter, a narrow one for a series among many other events.
const WIDTHS: [f64; 2] = [0.1, 0.02];
/// Stretches of the run that are tried, as the series may be interrupted.
const STRETCHES: usize = 3;
/// Frequencies tried per independent one.
const OVERSAMPLING: f64 = 8.0;
/// From this share on, what was not covered makes no rhythm worth a thought.
const FULLY_COVERED: f64 = 0.98;
/// Least share of the cycles that must hold an event in phase.
const LEAST_OCCUPANCY: f64 = 0.3;

/// A period and phase that stand out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Comb {
    /// In nanoseconds.
    pub period: f64,
    pub beat: f64,
    /// Half the window in phase, in nanoseconds.
    pub reach: f64,
    /// Bound of the false-alarm probability.
    pub false_alarm: f64,
    score: f64,
}

pub(super) fn best(events: &[Event], visibility: Visibility) -> Option<Comb> {
    if events.len() < FEWEST_BEATS {
        return None;
    }
    let times: Vec<f64> = events.iter().map(|event| event.at.0 as f64).collect();
    candidates::distances(&times)
        .into_iter()
        .flat_map(|period| stretches(&times, period).map(move |stretch| (period, stretch)))
        .flat_map(|(period, stretch)| {
            let judged = WIDTHS.map(|width| judge(stretch, period, width, visibility));
            judged.into_iter().flatten()
        })
        .max_by(|a, b| a.score.total_cmp(&b.score))
}

/// Stretches of at most [`MOST_CYCLES`] cycles, at the start, in the middle
/// and at the end.
fn stretches(times: &[f64], period: f64) -> impl Iterator<Item = &[f64]> {
    let length = MOST_CYCLES * period;
    let (first, last) = (times[0], times[times.len() - 1]);
    let whole = last - first <= length;
    let count = if whole { 1 } else { STRETCHES };
    (0..count).map(move |index| {
        let part = index as f64 / (STRETCHES - 1) as f64;
        let begin = first + part * (last - first - length).max(0.0);
        let from = times.partition_point(|time| *time < begin);
        let to = times.partition_point(|time| *time <= begin + length);
        &times[from..to.min(from + MOST_EVENTS)]
    })
}

fn judge(all: &[f64], period: f64, width: f64, visibility: Visibility) -> Option<Comb> {
    let times = thinned(all, width * period);
    let (first, last) = (*times.first()?, *times.last()?);
    let span = last - first;
    if times.len() < FEWEST_BEATS || span / period < FEWEST_BEATS as f64 - 1.5 {
        return None;
    }
    let step = 1.0 / (OVERSAMPLING * span);
    let reach = candidates::SAME / period;
    let steps = (2.0 * reach / step).ceil() as usize + 1;
    let mut best = InPhase::default();
    let mut frequency = 0.0;
    for index in 0..steps {
        let tried = 1.0 / period - reach + step * index as f64;
        let found = in_phase(&times, first, tried, width);
        if found.hits > best.hits {
            (best, frequency) = (found, tried);
        }
    }
    if frequency <= 0.0 {
        return None;
    }
    let period = 1.0 / frequency;
    // The cycles between the first and the last event, both included.
    let cycles = (span * frequency + width).floor() + 1.0;
    let hits = best.hits as f64;
    let occupancy = hits / cycles;
    // The union bound on a window's chance to hold an event, for any
    // stationary process. Where the sampler looked away, the first event after
    // it did stands alone more often than others: there all events count.
    let counted = match visibility.covered >= FULLY_COVERED {
        true => times.len(),
        false => all.len(),
    };
    let chance = counted as f64 * width / cycles / visibility.covered.clamp(0.01, 1.0);
    let trials =
        OVERSAMPLING * cycles / width * (STRETCHES * WIDTHS.len() * super::MOST_SERIES) as f64;
    let false_alarm = (tail(best.hits as u64, cycles as u64, chance) * trials).min(1.0);
    let stands_out = best.hits >= FEWEST_BEATS.min(cycles as usize)
        && occupancy >= LEAST_OCCUPANCY
        && false_alarm < FALSE_ALARM_LEVEL;
    stands_out.then(|| Comb {
        period,
        beat: first + best.phase * period,
        reach: width * period / 2.0,
        false_alarm,
        // A multiple of the period has half the hits in its fewer cycles, a
        // part of it half the occupancy: the period itself scores most.
        score: hits / times.len() as f64 * occupancy,
    })
}

/// The events without those that follow another within `distance`: a burst
/// counts once.
fn thinned(times: &[f64], distance: f64) -> Vec<f64> {
    let mut previous = f64::NEG_INFINITY;
    let mut kept = Vec::with_capacity(times.len());
    for &time in times {
        if time - previous > distance {
            kept.push(time);
        }
        previous = time;
    }
    kept
}

/// The events of the fullest window of the cycle.
#[derive(Clone, Copy, Debug, Default)]
struct InPhase {
    hits: usize,
    /// The middle of the window, in cycles.
    phase: f64,
}

/// `times` lie further apart than the window is wide, so that no cycle gives
/// two of them.
fn in_phase(times: &[f64], origin: f64, frequency: f64, width: f64) -> InPhase {
    let mut phases: Vec<f64> = times
        .iter()
        .map(|time| ((time - origin) * frequency).fract())
        .collect();
    phases.sort_unstable_by(f64::total_cmp);
    let count = phases.len();
    let mut best = InPhase::default();
    let mut to = 0;
    for from in 0..count {
        // The window may reach over the end of the cycle.
        while to < from + count && {
            let turns = (to / count) as f64;
            phases[to % count] + turns - phases[from] <= width
        } {
            to += 1;
        }
        if to - from > best.hits {
            let end = phases[(to - 1) % count] + ((to - 1) / count) as f64;
            best = InPhase {
                hits: to - from,
                phase: (phases[from] + end) / 2.0,
            };
        }
    }
    best
}

/// The probability of `hits` or more successes in `trials` of this chance, by
/// the incomplete beta function.
fn tail(hits: u64, trials: u64, chance: f64) -> f64 {
    if chance >= 1.0 || hits == 0 {
        return 1.0;
    }
    if hits > trials {
        return 0.0;
    }
    beta_reg(hits as f64, (trials - hits + 1) as f64, chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    // By the sum over k of binom(n, k) p^k (1 - p)^(n - k), in whole numbers.
    #[test]
    fn the_tail_agrees_with_the_sum() {
        assert!((tail(2, 3, 0.5) - 0.5).abs() < 1e-12);
        assert!((tail(9, 10, 0.1) / 9.1e-9 - 1.0).abs() < 1e-9);
        assert_eq!(tail(0, 10, 0.1), 1.0);
        assert_eq!(tail(11, 10, 0.1), 0.0);
        assert_eq!(tail(3, 10, 1.5), 1.0);
    }

    #[test]
    fn a_window_may_reach_over_the_end_of_the_cycle() {
        let found = in_phase(&[0.02, 1.95, 3.0, 3.97], 0.0, 1.0, 0.1);
        assert_eq!(found.hits, 4);
    }
}
