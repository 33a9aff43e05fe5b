//! From CLOCK_REALTIME, by which the hwlat tracer tells a gap's time, to the
//! TSC: by the two moments around it at which both were read together.

use std::collections::VecDeque;

use crate::sys::clock::{Moment, moment};
use crate::units::{Cycles, Hertz, Nanos, UtcNanos};

/// Moments are taken no closer together.
const APART: Nanos = Nanos(10_000_000);
/// Moments kept: records come in within a window of at most some seconds.
const KEPT: usize = 2_048;

/// Readings of two clocks lie this far apart without a step, at most.
const LEAST_STEP: u64 = 100_000;

/// The latest moments.
#[derive(Debug, Default)]
pub(super) struct WallClock {
    moments: VecDeque<Moment>,
}

impl WallClock {
    /// Reads both clocks, if that was not done just now.
    pub(super) fn mark(&mut self) {
        let now = moment();
        let due =
            (self.moments.back()).is_none_or(|last| now.raw.saturating_sub(last.raw).0 >= APART.0);
        if due {
            self.push(now);
        }
    }

    fn push(&mut self, now: Moment) {
        if self.moments.len() >= KEPT {
            self.moments.pop_front();
        }
        self.moments.push_back(now);
    }

    /// The TSC at a time of day; `None` without a moment.
    pub(super) fn tsc(&self, utc: UtcNanos, hz: Hertz) -> Option<Cycles> {
        let after = self.moments.partition_point(|moment| moment.utc <= utc);
        let nearest = self.moments.get(after.saturating_sub(1))?;
        let cycles_per_nano = match self.moments.get(after) {
            // No line leads through a step of the clock.
            Some(next) if after > 0 && !apart(nearest, next) => {
                let nanos = (next.utc.0 - nearest.utc.0).max(1) as f64;
                next.tsc.since(nearest.tsc).0 as f64 / nanos
            }
            _ => hz.0 / 1e9,
        };
        let offset = utc.0.saturating_sub(nearest.utc.0) as f64 * cycles_per_nano;
        Some(Cycles(nearest.tsc.0.saturating_add_signed(offset as i64)))
    }
}

/// Whether the time of day was set between two moments.
fn apart(one: &Moment, other: &Moment) -> bool {
    let (one, other) = (one.ahead.of_monotonic, other.ahead.of_monotonic);
    one.abs_diff(other) > LEAST_STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(moments: &[(u64, i64)]) -> WallClock {
        let mut clock = WallClock::default();
        for &(tsc, utc) in moments {
            clock.push(Moment {
                tsc: Cycles(tsc),
                raw: Nanos(0),
                utc: UtcNanos(utc),
                error: Cycles(0),
                ahead: crate::sys::clock::Ahead::default(),
            });
        }
        clock
    }

    #[test]
    fn between_two_moments_the_clock_is_followed_though_it_is_slewed() {
        let clock = clock(&[(0, 1_000), (3_000, 2_000), (6_000, 3_100)]);
        let tsc = |utc| clock.tsc(UtcNanos(utc), Hertz(3e9)).unwrap().0;
        assert_eq!(tsc(1_500), 1_500);
        assert_eq!(tsc(2_550), 4_500);
        // Before and after them by the rate.
        assert_eq!(tsc(900), 0);
        assert_eq!(tsc(3_200), 6_300);
    }

    #[test]
    fn without_a_moment_there_is_no_answer_and_no_time_overflows() {
        let utc = UtcNanos(i64::MIN);
        assert_eq!(WallClock::default().tsc(utc, Hertz(1e9)), None);
        assert!(clock(&[(5, i64::MAX)]).tsc(utc, Hertz(1e9)).is_some());
    }
}
