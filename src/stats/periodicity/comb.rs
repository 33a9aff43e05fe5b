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
    // Where the sampler looked away, the first event after it did stands alone
    // more often than others: there all events count.
    let counted = match visibility.covered >= FULLY_COVERED {
        true => times.len(),
        false => all.len(),
    };
    let bar = Bar {
        counted,
        covered: visibility.covered.clamp(0.01, 1.0),
        width,
    };
    // The cycles between the first and the last event, both included.
    let cycles = |frequency: f64| (span * frequency + width).floor() + 1.0;
    let tried = |index: usize| 1.0 / period - reach + step * index as f64;
    // Most searches are of events that stand at no phase: less than what stands
    // out with any of the frequencies need not be counted to the event.
    let needed = bar.least_hits(cycles(tried(0)), cycles(tried(steps - 1)))?;
    let mut best = InPhase {
        hits: needed - 1,
        phase: 0.0,
    };
    let mut frequency = 0.0;
    let mut phases = Phases::new(&times, tried(0), step);
    for index in 0..steps {
        if phases.most_in_window(width) > best.hits {
            let found = in_phase(&times, first, tried(index), width);
            if found.hits > best.hits {
                (best, frequency) = (found, tried(index));
            }
        }
        phases.advance();
    }
    if frequency <= 0.0 {
        return None;
    }
    let period = 1.0 / frequency;
    let cycles = cycles(frequency);
    let hits = best.hits as f64;
    bar.is_passed(best.hits, cycles).then(|| Comb {
        period,
        beat: first + best.phase * period,
        reach: width * period / 2.0,
        false_alarm: bar.false_alarm(best.hits, cycles),
        // A multiple of the period has half the hits in its fewer cycles, a
        // part of it half the occupancy: the period itself scores most.
        score: hits / times.len() as f64 * (hits / cycles),
    })
}

/// What hits in so many cycles must pass to stand out.
#[derive(Clone, Copy, Debug)]
struct Bar {
    /// All events.
    counted: usize,
    /// The share of the time in which they could be seen.
    covered: f64,
    width: f64,
}

impl Bar {
    fn false_alarm(self, hits: usize, cycles: f64) -> f64 {
        // The union bound on a window's chance to hold an event, for any
        // stationary process.
        let chance = self.counted as f64 * self.width / cycles / self.covered;
        let trials = OVERSAMPLING * cycles / self.width
            * (STRETCHES * WIDTHS.len() * super::MOST_SERIES) as f64;
        (tail(hits as u64, cycles as u64, chance) * trials).min(1.0)
    }

    fn is_passed(self, hits: usize, cycles: f64) -> bool {
        hits >= FEWEST_BEATS.min(cycles as usize)
            && hits as f64 / cycles >= LEAST_OCCUPANCY
            && self.false_alarm(hits, cycles) < FALSE_ALARM_LEVEL
    }

    /// The fewest hits that pass with any number of cycles from `least` to
    /// `most`, both whole; `None` where not even a hit in each does. More hits in
    /// as many cycles pass where fewer do.
    fn least_hits(self, least: f64, most: f64) -> Option<usize> {
        let of = |cycles: usize| {
            let passed = |&hits: &usize| self.is_passed(hits, cycles as f64);
            let all: Vec<usize> = (1..=cycles).collect();
            let failed = all.partition_point(|hits| !passed(hits));
            all.get(failed).copied()
        };
        (least as usize..=most as usize).filter_map(of).min()
    }
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

/// Bins of a window at least, for a bound of what it holds.
const BINS: f64 = 16.0;
/// A whole cycle.
const CYCLE: f64 = (1u64 << 32) as f64;

/// The phases of events at one frequency after the other, in 2^-32 of a cycle.
/// Going on is an addition, so that its error stays far below a bin.
struct Phases {
    now: Vec<u32>,
    steps: Vec<u32>,
    bins: Vec<u16>,
}

impl Phases {
    fn new(times: &[f64], frequency: f64, step: f64) -> Phases {
        let at = |frequency: f64| -> Vec<u32> {
            let cycles = times.iter().map(|time| (time - times[0]) * frequency);
            cycles
                .map(|cycles| (cycles.fract() * CYCLE) as u32)
                .collect()
        };
        Phases {
            now: at(frequency),
            steps: at(step),
            bins: Vec::new(),
        }
    }

    fn advance(&mut self) {
        for (now, step) in self.now.iter_mut().zip(&self.steps) {
            *now = now.wrapping_add(*step);
        }
    }

    /// No fewer than [`in_phase`] finds, by counting alone.
    fn most_in_window(&mut self, width: f64) -> usize {
        let count = ((BINS / width) as usize).next_power_of_two();
        let shift = 32 - count.ilog2();
        // However it lies, a window touches no more than these: one for its
        // share of a bin, and one for what the phases are rounded by.
        let reach = ((width * count as f64).ceil() as usize + 2).min(count);
        self.bins.clear();
        self.bins.resize(count, 0);
        for phase in &self.now {
            self.bins[(phase >> shift) as usize] += 1;
        }
        // The window may reach over the end of the cycle.
        self.bins.extend_from_within(..reach);
        let mut within: usize = self.bins[..reach].iter().map(|&bin| usize::from(bin)).sum();
        let mut most = within;
        for (leaves, enters) in self.bins.iter().zip(&self.bins[reach..]) {
            within = within + usize::from(*enters) - usize::from(*leaves);
            most = most.max(within);
        }
        most
    }
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
    fn the_bound_is_no_less_than_the_count_and_close_to_it() {
        let mut random = 1u64;
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 40) as f64 / (1u64 << 24) as f64
        };
        for round in 0..200 {
            let mut times: Vec<f64> = (0..400).map(|_| next() * 250.0).collect();
            if round % 2 == 0 {
                times.extend((0..200).map(|beat| f64::from(beat) + 0.3 + next() * 0.01));
            }
            times.sort_unstable_by(f64::total_cmp);
            let origin = times[0];
            for width in WIDTHS {
                let times = thinned(&times, width);
                let frequency = 0.99 + next() * 0.02;
                let exact = in_phase(&times, origin, frequency, width).hits;
                let step = 1e-5;
                let mut phases = Phases::new(&times, frequency - 30.0 * step, step);
                (0..30).for_each(|_| phases.advance());
                let bound = phases.most_in_window(width);
                assert!(bound >= exact, "{bound} of {exact}");
                assert!(bound <= exact + exact / 4 + 6, "{bound} of {exact}");
            }
        }
    }

    #[test]
    fn what_is_needed_is_the_least_that_passes() {
        let bar = |counted| Bar {
            counted,
            covered: 1.0,
            width: 0.1,
        };
        let full = bar(3_000);
        let bar = bar(400);
        let needed = bar.least_hits(240.0, 250.0).unwrap();
        let passes = |hits| (240..=250).any(|cycles| bar.is_passed(hits, f64::from(cycles)));
        assert!(passes(needed) && !passes(needed - 1));
        // Where each window holds an event anyway, nothing stands out.
        assert_eq!(full.least_hits(240.0, 250.0), None);
    }

    #[test]
    fn a_window_may_reach_over_the_end_of_the_cycle() {
        let found = in_phase(&[0.02, 1.95, 3.0, 3.97], 0.0, 1.0, 0.1);
        assert_eq!(found.hits, 4);
    }
}
