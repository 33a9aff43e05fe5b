//! The course of one clock against the TSC, in few points: a straight line
//! between two of them misses no reading by more than a known error.
//!
//! NTP slews the time of day and steps it, so that no single rate serves for a
//! day. Readings that lie on a line are thinned out as they come (the swinging
//! door of process recorders: E. H. Bristol, "Swinging Door Trending", 1990):
//! a point is kept where the lines that pass all readings since the latest one
//! closely enough have run out.

use crate::units::{Cycles, UtcNanos};

/// Points kept at most; where a course needs more, the error doubles.
const MOST: usize = 4_096;
/// The error at first, in nanoseconds.
const LEAST_ERROR: f64 = 20_000.0;

/// One reading of the time of day beside the TSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The TSC.
    pub tsc: Cycles,
    /// The time of day.
    pub utc: UtcNanos,
    /// The course that it is on: a step of the clock begins another one. No line
    /// leads from one course to the next.
    pub course: u32,
}

/// The course of the time of day.
#[derive(Clone, Debug)]
pub(super) struct Anchors {
    kept: Vec<Anchor>,
    latest: Anchor,
    door: Door,
    error: f64,
}

/// The slopes, in nanoseconds a cycle, of lines from the latest point kept
/// that pass all readings since.
#[derive(Clone, Copy, Debug)]
struct Door {
    least: f64,
    most: f64,
}

const OPEN: Door = Door {
    least: f64::NEG_INFINITY,
    most: f64::INFINITY,
};

impl Anchors {
    pub(super) fn begin(first: Anchor) -> Anchors {
        Anchors {
            kept: vec![first],
            latest: first,
            door: OPEN,
            error: LEAST_ERROR,
        }
    }

    /// Takes a reading.
    pub(super) fn push(&mut self, next: Anchor) {
        self.advance(next);
        if self.kept.len() >= MOST {
            self.thin();
        }
    }

    fn advance(&mut self, next: Anchor) {
        let pivot = self.kept[self.kept.len() - 1];
        if next.tsc <= self.latest.tsc || next.course != self.latest.course {
            // A clock that was set begins a course of its own, and so does a
            // TSC that was set back.
            self.keep(self.latest);
            self.keep(next);
            self.latest = next;
            self.door = OPEN;
            return;
        }
        let slope = slope(pivot, next);
        if slope < self.door.least || slope > self.door.most {
            self.keep(self.latest);
            self.door = OPEN;
        }
        let pivot = self.kept[self.kept.len() - 1];
        self.door = self.door.narrowed(pivot, next, self.error);
        self.latest = next;
    }

    fn keep(&mut self, anchor: Anchor) {
        if self.kept.last() != Some(&anchor) {
            self.kept.push(anchor);
        }
    }

    /// Goes over what is kept with twice the error; each time adds to what the
    /// times before have given away.
    fn thin(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        let error = self.error;
        let mut thinned = Anchors::begin(kept[0]);
        thinned.error = error;
        for &anchor in &kept[1..] {
            thinned.advance(anchor);
        }
        thinned.keep(thinned.latest);
        self.kept = thinned.kept;
        self.error = 2.0 * error;
        // A course that no error makes simpler: every other point goes.
        if self.kept.len() >= MOST - 1 {
            let mut index = 0;
            self.kept.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }

    /// The time of day of a TSC value: on the line between the points around
    /// it, or by `nanos_per_cycle` from the nearest one. Where the clock was set
    /// between the two, the one before goes on until the step was seen.
    pub(super) fn utc(&self, tsc: Cycles, nanos_per_cycle: f64) -> UtcNanos {
        let after = self.kept.partition_point(|anchor| anchor.tsc <= tsc);
        let before = self.kept[after.saturating_sub(1)];
        let next = match self.kept.get(after) {
            Some(&next) => Some(next),
            None => Some(self.latest).filter(|latest| latest.tsc > before.tsc),
        };
        let (from, slope) = match next {
            Some(next) if after > 0 && next.course != before.course => (before, nanos_per_cycle),
            Some(next) if next.tsc >= tsc && after > 0 => (before, slope(before, next)),
            Some(latest) if after > 0 => (latest, nanos_per_cycle),
            _ => (before, nanos_per_cycle),
        };
        let offset = tsc.0 as f64 - from.tsc.0 as f64;
        UtcNanos(from.utc.0.saturating_add((offset * slope) as i64))
    }

    /// The TSC at the points, in order of time: where a course ends, the last
    /// cycle before the next one begins.
    pub(super) fn points(&self) -> Vec<Cycles> {
        let mut kept = self.kept.clone();
        if kept.last() != Some(&self.latest) {
            kept.push(self.latest);
        }
        let mut points = Vec::with_capacity(kept.len());
        let mut course = kept[0].course;
        for anchor in kept {
            if anchor.course != course {
                points.push(Cycles(anchor.tsc.0.saturating_sub(1)));
                course = anchor.course;
            }
            points.push(anchor.tsc);
        }
        points
    }

    /// By how many nanoseconds the lines may miss a reading.
    pub(super) fn error_nanos(&self) -> u64 {
        self.error as u64
    }
}

impl Door {
    fn narrowed(self, pivot: Anchor, reading: Anchor, error: f64) -> Door {
        let cycles = (reading.tsc.0.wrapping_sub(pivot.tsc.0)).max(1) as f64;
        let nanos = (reading.utc.0 - pivot.utc.0) as f64;
        Door {
            least: self.least.max((nanos - error) / cycles),
            most: self.most.min((nanos + error) / cycles),
        }
    }
}

fn slope(from: Anchor, to: Anchor) -> f64 {
    let cycles = (to.tsc.0.wrapping_sub(from.tsc.0)).max(1) as f64;
    (to.utc.0 - from.utc.0) as f64 / cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: f64 = 2.5e9;
    /// Looks of the collector.
    const LOOK: f64 = 0.2;

    /// The time of day, in seconds, after so many seconds of the TSC: a day of
    /// NTP. The rate changes every 17 minutes, by up to 500 ppm either way, and
    /// at 13:00 the clock is set back by 2 s.
    struct Day {
        rates: Vec<f64>,
    }

    const REFIT: f64 = 1_024.0;
    const STEP_AT: f64 = 46_800.05;

    impl Day {
        fn new() -> Day {
            let mut state = 1u64;
            let rates = (0..90).map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                ((state >> 33) as f64 / f64::from(1u32 << 31) - 0.5) * 1_000e-6
            });
            Day {
                rates: rates.collect(),
            }
        }

        fn utc(&self, at: f64) -> f64 {
            let whole = (at / REFIT) as usize;
            let slewed: f64 = self.rates[..whole].iter().map(|rate| rate * REFIT).sum();
            let rest = (at - whole as f64 * REFIT) * self.rates[whole];
            let step = if at >= STEP_AT { -2.0 } else { 0.0 };
            at + slewed + rest + step
        }

        fn anchor(&self, at: f64) -> Anchor {
            Anchor {
                tsc: Cycles((at * HZ) as u64 + 77),
                utc: UtcNanos((self.utc(at) * 1e9) as i64),
                course: u32::from(at >= STEP_AT),
            }
        }
    }

    #[test]
    fn a_day_of_slewing_and_a_step_is_told_within_a_millisecond() {
        let day = Day::new();
        let mut anchors = Anchors::begin(day.anchor(0.0));
        let looks = (86_400.0 / LOOK) as u32;
        for look in 1..=looks {
            anchors.push(day.anchor(f64::from(look) * LOOK));
        }
        assert!(anchors.points().len() < 400, "{}", anchors.points().len());
        let mut worst = 0.0f64;
        for tenth in 0..864_000u32 {
            let at = f64::from(tenth) / 10.0 + 0.033;
            if at >= 86_400.0 {
                continue;
            }
            let told = anchors.utc(day.anchor(at).tsc, 1e9 / HZ);
            // Within the look in which it was set, the clock was either; the
            // rate of slewing is not known there.
            let near = (at - STEP_AT).abs() <= LOOK;
            let misses = |shown: f64| (told.0 as f64 - shown * 1e9).abs();
            let missed = match near {
                true => misses(day.utc(at))
                    .min(misses(day.utc(at) - 2.0))
                    .min(misses(day.utc(at) + 2.0)),
                false => misses(day.utc(at)),
            };
            worst = worst.max(missed);
        }
        assert!(worst < 100_000.0, "{worst} ns");
        assert_eq!(anchors.error_nanos(), 20_000);
    }

    #[test]
    fn a_clock_that_never_rests_stays_bounded_and_its_error_is_stated() {
        let mut anchors = Anchors::begin(Anchor {
            tsc: Cycles(0),
            utc: UtcNanos(0),
            course: 0,
        });
        for look in 1..200_000u64 {
            let noise = if look % 2 == 0 { 0 } else { 300_000 };
            anchors.push(Anchor {
                tsc: Cycles(look * 500_000_000),
                utc: UtcNanos(look as i64 * 200_000_000 + noise),
                course: 0,
            });
        }
        assert!(anchors.points().len() <= MOST + 1);
        assert!(
            anchors.error_nanos() >= 160_000,
            "{}",
            anchors.error_nanos()
        );
        let told = anchors.utc(Cycles(1_000 * 500_000_000), 0.4).0;
        assert!((told - 200_000_000_000).abs() < 1_000_000, "{told}");
    }

    #[test]
    fn each_time_is_that_of_one_clock_across_a_step() {
        // An hour ahead for 1.2 s of 5 s.
        let second = 1_000_000_000_i64;
        let shown = |ms: i64| match ms {
            2_000..3_200 => ms * 1_000_000 + 3_600 * second,
            _ => ms * 1_000_000,
        };
        let course = |ms: i64| match ms {
            ..2_000 => 0,
            2_000..3_200 => 1,
            _ => 2,
        };
        let at = |ms: i64| Anchor {
            tsc: Cycles(ms as u64 * 1_000_000),
            utc: UtcNanos(shown(ms)),
            course: course(ms),
        };
        let mut anchors = Anchors::begin(at(0));
        for look in 1..=25 {
            anchors.push(at(look * 200 + 17));
        }
        let mut before = i64::MIN;
        let mut turned = 0;
        for ms in 0..5_000 {
            let told = anchors.utc(Cycles(ms as u64 * 1_000_000), 1.0).0;
            let either = [0, 3_600 * second].map(|ahead| told == ms * 1_000_000 + ahead);
            assert!(either.contains(&true), "{ms} ms: {told}");
            turned += i32::from(told < before);
            before = told;
        }
        // It runs backwards where the clock was set back, and nowhere else.
        assert_eq!(turned, 1);
        // Readers who draw a line between points draw none through a step.
        let points = anchors.points();
        let steps = points.windows(2).filter(|pair| pair[1].0 - pair[0].0 == 1);
        assert_eq!(steps.count(), 2);
    }

    #[test]
    fn beyond_the_ends_the_rate_serves() {
        let at = |tsc, utc| Anchor {
            tsc: Cycles(tsc),
            utc: UtcNanos(utc),
            course: 0,
        };
        let mut anchors = Anchors::begin(at(2_000, 1_000));
        anchors.push(at(6_000, 3_000));
        assert_eq!(anchors.utc(Cycles(0), 0.5), UtcNanos(0));
        assert_eq!(anchors.utc(Cycles(4_000), 0.5), UtcNanos(2_000));
        assert_eq!(anchors.utc(Cycles(8_000), 0.5), UtcNanos(4_000));
    }
}
