//! One dominant period among events, or none.
//!
//! Candidates are the distances that recur between near events. Each is
//! refined by the length of the mean phase vector (Lord Rayleigh, Phil. Mag. 37
//! (1919): periodic events point one way, others every way) and then judged by
//! how many cycles hold an event in phase: bursts, which crowd into few cycles,
//! count once a cycle.

use std::f64::consts::TAU;

use crate::units::Nanos;

/// Events that are looked at, from the first on: more cost time and change
/// nothing.
const MOST_EVENTS: usize = 1_000;
/// A period needs this many cycles that hold an event.
const FEWEST_CYCLES: usize = 10;
/// The next events to which each event's distance is taken.
const LAGS: usize = 3;
/// Candidates that are refined.
const CANDIDATES: usize = 6;
/// Two distances within this share of each other are the same.
const SAME: f64 = 0.01;
/// Frequencies tried for a candidate at most: beyond it the events are too
/// sparse for their phases to be kept in step.
const MOST_STEPS: usize = 4_000;
/// An event this near to its phase, in cycles, is in phase.
const IN_PHASE: f64 = 0.05;
/// Least share of events in phase, and of cycles that hold one.
const LEAST_SHARE: f64 = 0.3;
/// A period is reported if events at random would show one as good in fewer
/// than this share of runs.
const FALSE_ALARM: f64 = 1e-6;

/// A period that events keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// Its length.
    pub length: Nanos,
    /// Share of the events that keep it, 0 to 1; bursts count as one event.
    pub share: f64,
    /// Share of the cycles that hold such an event.
    pub occupancy: f64,
    /// Events that were looked at.
    pub events: usize,
}

/// The period that most events keep, if one stands out. `times` ascend.
pub fn dominant(times: &[Nanos]) -> Option<Period> {
    let first = times.first()?.0;
    let times: Vec<f64> = times
        .iter()
        .take(MOST_EVENTS)
        .map(|time| time.0.saturating_sub(first) as f64)
        .collect();
    let span = *times.last()?;
    if times.len() < FEWEST_CYCLES {
        return None;
    }
    candidates(&times)
        .into_iter()
        .filter(|&distance| distance > 0.0 && span / distance >= FEWEST_CYCLES as f64 - 1.0)
        .filter_map(|distance| judge(&times, span, distance))
        .max_by(|a, b| (a.share * a.occupancy).total_cmp(&(b.share * b.occupancy)))
}

/// The distances that recur most.
fn candidates(times: &[f64]) -> Vec<f64> {
    let mut distances: Vec<f64> = (1..=LAGS)
        .flat_map(|lag| times.windows(lag + 1).map(move |run| run[lag] - run[0]))
        .collect();
    distances.sort_by(f64::total_cmp);
    let mut found = Vec::new();
    while found.len() < CANDIDATES && !distances.is_empty() {
        let group = |from: usize| {
            let limit = distances[from] * (1.0 + SAME);
            distances.partition_point(|&distance| distance <= limit)
        };
        let Some(from) = (0..distances.len()).max_by_key(|&from| group(from) - from) else {
            break;
        };
        let to = group(from);
        found.push(distances[(from + to) / 2]);
        distances.drain(from..to);
    }
    found
}

fn judge(times: &[f64], span: f64, distance: f64) -> Option<Period> {
    let width = 2.0 * SAME / distance;
    let step = 1.0 / (8.0 * span);
    let steps = (width / step).ceil() as usize + 1;
    if steps > MOST_STEPS {
        return None;
    }
    let coarse = best(times, 1.0 / distance - width / 2.0, step, steps);
    let (frequency, phase) = best(times, coarse.0 - step, step / 10.0, 21);
    if frequency <= 0.0 {
        return None;
    }
    let (mut events, mut hits) = (0usize, 0usize);
    let (mut previous, mut previous_hit) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &time in times {
        let position = time * frequency - phase;
        let cycle = position.round();
        events += usize::from(position - previous > 2.0 * IN_PHASE);
        previous = position;
        if (position - cycle).abs() <= IN_PHASE && cycle > previous_hit {
            hits += 1;
            previous_hit = cycle;
        }
    }
    let share = (hits as f64 / events as f64).min(1.0);
    let occupancy = (hits as f64 / (span * frequency + 1.0).floor()).min(1.0);
    let trials = (steps * CANDIDATES) as f64;
    let stands_out = hits >= FEWEST_CYCLES
        && share >= LEAST_SHARE
        && occupancy >= LEAST_SHARE
        && chance(share, events) * trials < FALSE_ALARM;
    stands_out.then_some(Period {
        length: Nanos((1.0 / frequency).round() as u64),
        share,
        occupancy,
        events: times.len(),
    })
}

/// The frequency at which the phases agree best, and their mean phase in
/// cycles.
fn best(times: &[f64], from: f64, step: f64, steps: usize) -> (f64, f64) {
    let mut best = (0.0, 0.0);
    let mut longest = -1.0;
    for index in 0..steps {
        let frequency = from + step * index as f64;
        let (sine, cosine) = times.iter().fold((0.0, 0.0), |(sine, cosine), &time| {
            let (s, c) = (TAU * (time * frequency).fract()).sin_cos();
            (sine + s, cosine + c)
        });
        let length = sine * sine + cosine * cosine;
        if length > longest {
            longest = length;
            best = (frequency, f64::atan2(sine, cosine) / TAU);
        }
    }
    best
}

/// Bound of the probability that of so many events at random at least this
/// share is in phase (Chernoff's bound of the binomial tail).
fn chance(share: f64, events: usize) -> f64 {
    let random = 2.0 * IN_PHASE;
    if share <= random {
        return 1.0;
    }
    let rest = match 1.0 - share {
        rest if rest <= 0.0 => 0.0,
        rest => rest * (rest / (1.0 - random)).ln(),
    };
    (-(events as f64) * (share * (share / random).ln() + rest)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that is the same everywhere (Steele, Lea, Flood 2014:
    /// SplitMix64), as a number from 0 to 1.
    fn noise(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as f64 / u64::MAX as f64
    }

    fn sorted(mut times: Vec<f64>) -> Vec<Nanos> {
        times.sort_by(f64::total_cmp);
        times.into_iter().map(|time| Nanos(time as u64)).collect()
    }

    /// Ticks of a period with jitter, some of them missing, among events at
    /// random.
    fn ticks(period: f64, count: u32, missing: f64, random: u32, seed: u64) -> Vec<Nanos> {
        let mut state = seed;
        let mut times = Vec::new();
        for tick in 0..count {
            let jitter = (noise(&mut state) - 0.5) * 0.02 * period;
            if noise(&mut state) >= missing {
                times.push(5e6 + f64::from(tick) * period + jitter);
            }
        }
        for _ in 0..random {
            times.push(noise(&mut state) * period * f64::from(count));
        }
        sorted(times)
    }

    #[test]
    fn a_tick_is_found_through_gaps_and_among_others() {
        for (missing, random) in [(0.0, 0), (0.4, 0), (0.1, 200), (0.3, 100)] {
            let period = dominant(&ticks(10_003_100.0, 500, missing, random, 7)).unwrap();
            let off = (period.length.0 as f64 / 10_003_100.0 - 1.0).abs();
            assert!(off < 2e-4, "{missing} {random}: {period:?}");
            assert!(period.share > 0.6, "{missing} {random}: {period:?}");
            assert!(period.occupancy > 0.95 - missing - 0.05, "{period:?}");
        }
    }

    #[test]
    fn events_at_random_have_no_period() {
        for seed in 0..40 {
            let count = 12 + 20 * seed as u32;
            assert_eq!(
                dominant(&ticks(1e7, count, 1.0, count, seed)),
                None,
                "{seed}"
            );
        }
    }

    #[test]
    fn bursts_have_no_period() {
        for seed in 0..20 {
            let mut state = seed;
            let mut times = Vec::new();
            for _ in 0..15 {
                let begun = noise(&mut state) * 1e10;
                for step in 0..20 {
                    times.push(begun + f64::from(step) * 1e5 * (1.0 + noise(&mut state)));
                }
            }
            assert_eq!(dominant(&sorted(times)), None, "{seed}");
        }
    }

    #[test]
    fn too_few_events_are_no_period() {
        assert_eq!(dominant(&ticks(1e7, 9, 0.0, 0, 1)), None);
        assert_eq!(dominant(&[]), None);
        assert_eq!(dominant(&[Nanos(5); 50]), None);
    }

    #[test]
    fn a_tick_of_twelve_cycles_is_enough() {
        let period = dominant(&ticks(1e9, 12, 0.0, 0, 3)).unwrap();
        assert!(
            (period.length.0 as f64 / 1e9 - 1.0).abs() < 0.005,
            "{period:?}"
        );
    }
}
