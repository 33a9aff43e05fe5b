//! A series followed through the whole run, beat by beat.

use super::comb::Comb;
use super::{Event, Series};
use crate::units::Nanos;

/// How far the expected beat moves with the one that was seen: timers that
/// are armed anew by their handler drift.
const GAIN: f64 = 0.25;
/// After so many beats without an event the series has ended.
const PATIENCE: u32 = 40;

/// The events of a series, by index, and their beats.
pub(super) struct Tracked {
    /// Indices of events, rising.
    pub members: Vec<usize>,
    /// Number and time of each beat that was seen, rising.
    beats: Vec<(i64, f64)>,
}

/// Follows a comb from the beat nearest to its own to both ends of the run.
pub(super) fn follow(events: &[Event], comb: &Comb) -> Tracked {
    let start = events.partition_point(|event| (event.at.0 as f64) < comb.beat - comb.reach);
    let mut forward = walk(events, start, comb, Direction::Forward);
    let mut back = walk(events, start, comb, Direction::Back);
    back.members.reverse();
    back.beats.reverse();
    back.members.append(&mut forward.members);
    back.beats.append(&mut forward.beats);
    back
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
}

fn walk(events: &[Event], start: usize, comb: &Comb, direction: Direction) -> Tracked {
    let sign = match direction {
        Direction::Forward => 1.0,
        Direction::Back => -1.0,
    };
    let mut tracked = Tracked {
        members: Vec::new(),
        beats: Vec::new(),
    };
    // The anchor is the place of beat number `number`.
    let (mut anchor, mut number) = (comb.beat, 0i64);
    let mut next = start;
    loop {
        let index = match direction {
            Direction::Forward if next < events.len() => next,
            Direction::Back if next > 0 => next - 1,
            _ => break,
        };
        let time = events[index].at.0 as f64;
        let cycles = ((time - anchor) * sign / comb.period).round().max(0.0);
        if cycles > f64::from(PATIENCE) {
            break;
        }
        let place = anchor + sign * cycles * comb.period;
        let beat = number + (sign * cycles) as i64;
        if (time - place).abs() <= comb.reach {
            tracked.members.push(index);
            if tracked.beats.last().is_none_or(|(last, _)| *last != beat) {
                tracked.beats.push((beat, time));
                anchor = place + GAIN * (time - place);
                number = beat;
            }
        }
        next = match direction {
            Direction::Forward => next + 1,
            Direction::Back => next - 1,
        };
    }
    tracked
}

impl Tracked {
    /// Leaves the other events.
    pub(super) fn remove_members(&self, events: &mut Vec<Event>) {
        let mut members = self.members.iter().peekable();
        let mut index = 0;
        events.retain(|_| {
            let stays = members.next_if_eq(&&index).is_none();
            index += 1;
            stays
        });
    }

    /// What there is to say of the series. It has one beat at least.
    pub(super) fn series(&self, events: &[Event], comb: &Comb, total: usize) -> Series {
        let fit = Fit::of(&self.beats, comb.period);
        let mut lengths: Vec<Nanos> = self.members.iter().map(|&i| events[i].length).collect();
        let middle = lengths.len() / 2;
        let length = *lengths.select_nth_unstable(middle).1;
        let (first, last) = (self.beats[0], self.beats[self.beats.len() - 1]);
        Series {
            period_ns: fit.period,
            period_error_ns: fit.error,
            first: Nanos(first.1.max(0.0) as u64),
            last: Nanos(last.1.max(0.0) as u64),
            beats: (last.0 - first.0 + 1).max(1) as u64,
            seen: self.beats.len() as u64,
            events: self.members.len() as u64,
            share: self.members.len() as f64 / total as f64,
            jitter_ns: fit.jitter,
            length,
            false_alarm: comb.false_alarm,
        }
    }
}

/// A straight line through the beats.
struct Fit {
    period: f64,
    error: f64,
    jitter: f64,
}

impl Fit {
    /// By least squares; the error is the usual one of the slope.
    fn of(beats: &[(i64, f64)], nominal: f64) -> Fit {
        let count = beats.len() as f64;
        let mean = |part: fn(&(i64, f64)) -> f64| beats.iter().map(part).sum::<f64>() / count;
        let (mean_number, mean_time) = (mean(|beat| beat.0 as f64), mean(|beat| beat.1));
        let (mut xx, mut xy) = (0.0, 0.0);
        for &(number, time) in beats {
            let x = number as f64 - mean_number;
            xx += x * x;
            xy += x * (time - mean_time);
        }
        if xx <= 0.0 {
            return Fit {
                period: nominal,
                error: nominal,
                jitter: 0.0,
            };
        }
        let period = xy / xx;
        let squares: f64 = beats
            .iter()
            .map(|&(number, time)| {
                (time - mean_time - period * (number as f64 - mean_number)).powi(2)
            })
            .sum();
        let jitter = (squares / (count - 2.0).max(1.0)).sqrt();
        Fit {
            period,
            error: jitter / xx.sqrt(),
            jitter,
        }
    }
}
