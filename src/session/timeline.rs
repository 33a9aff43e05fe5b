//! TSC values as UTC, and the TSC's rate: from moments at which the clocks
//! were read together, over the whole run.

use crate::sys::clock::{Moment, moment};
use crate::units::{Cycles, Hertz, Nanos, UtcNanos};

/// Moments kept; when there are more, every other one goes.
const MOST: usize = 4_096;

/// The rate of the TSC and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Cycles a second.
    pub hz: Hertz,
    /// Bound of the error, in parts per million: the uncertainty of both ends
    /// over the distance between them.
    pub error_ppm: f64,
}

/// Where moments come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Live,
    Scripted(Hertz),
}

/// The clocks of a run.
#[derive(Clone, Debug)]
pub struct Timeline {
    source: Source,
    moments: Vec<Moment>,
}

impl Timeline {
    /// A timeline of this machine's clocks that begins now.
    pub fn live() -> Timeline {
        Timeline {
            source: Source::Live,
            moments: vec![moment()],
        }
    }

    /// A timeline of a scripted TSC that began at 0 on 2026-01-01T00:00:00Z.
    pub fn scripted(hz: Hertz) -> Timeline {
        let start = Moment {
            tsc: Cycles(0),
            raw: Nanos(0),
            utc: UtcNanos(1_767_225_600_000_000_000),
            error: Cycles(0),
        };
        Timeline {
            source: Source::Scripted(hz),
            moments: vec![start],
        }
    }

    /// The time of day; a scripted clock stands still.
    pub fn now(&self) -> UtcNanos {
        match self.source {
            Source::Live => moment().utc,
            Source::Scripted(_) => self.moments[0].utc,
        }
    }

    /// All clocks now, where they are this machine's.
    pub fn moment(&self) -> Option<Moment> {
        self.is_live().then(moment)
    }

    /// Reads all clocks together once more.
    pub fn mark(&mut self) {
        if matches!(self.source, Source::Live) {
            if self.moments.len() >= MOST {
                let mut index = 0;
                self.moments.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
            }
            self.moments.push(moment());
        }
    }

    /// The rate of the TSC against CLOCK_MONOTONIC_RAW, from the first moment
    /// to the latest.
    pub fn rate(&self) -> Rate {
        if let Source::Scripted(hz) = self.source {
            return Rate { hz, error_ppm: 0.0 };
        }
        let (first, last) = (self.moments[0], self.moments[self.moments.len() - 1]);
        let cycles = last.tsc.since(first.tsc).0.max(1) as f64;
        let nanos = last.raw.saturating_sub(first.raw).0.max(1) as f64;
        Rate {
            hz: Hertz(cycles * 1e9 / nanos),
            error_ppm: first.error.saturating_add(last.error).0 as f64 / cycles * 1e6,
        }
    }

    /// How long ago the first moment was; a script has all the time it needs.
    pub fn age(&self) -> Nanos {
        match self.source {
            Source::Live => moment().raw.saturating_sub(self.moments[0].raw),
            Source::Scripted(_) => Nanos(u64::MAX),
        }
    }

    /// Whether the clocks are this machine's.
    pub fn is_live(&self) -> bool {
        matches!(self.source, Source::Live)
    }

    /// The CLOCK_MONOTONIC_RAW of a TSC value: by the moment before it and the
    /// rate so far. The kernel derives that clock from the TSC by a constant
    /// factor while the TSC is its clocksource, so that the error is that of
    /// the two readings of one moment.
    pub fn raw(&self, tsc: Cycles) -> Nanos {
        let after = self.moments.partition_point(|moment| moment.tsc <= tsc);
        let nearest = self.moments[after.saturating_sub(1)];
        let offset = (tsc.0 as f64 - nearest.tsc.0 as f64) * 1e9 / self.rate().hz.0;
        Nanos(nearest.raw.0.saturating_add_signed(offset as i64))
    }

    /// How far the moments lie from the straight line between the first and
    /// the latest, at most, and how well one moment is known: the error of the
    /// mapping from TSC to CLOCK_MONOTONIC_RAW.
    pub fn fit_error(&self) -> Nanos {
        let first = self.moments[0];
        let hz = self.rate().hz;
        let error = |moment: &Moment| {
            let expected = first.raw.0 as f64 + hz.to_nanos(moment.tsc.since(first.tsc)).0 as f64;
            let deviation = (moment.raw.0 as f64 - expected).abs() as u64;
            deviation + hz.to_nanos(moment.error).0
        };
        Nanos(self.moments.iter().map(error).max().unwrap_or(0))
    }

    /// The time of day of a TSC value: by the two moments around it, or by the
    /// nearest one and the rate.
    pub fn utc(&self, tsc: Cycles) -> UtcNanos {
        let after = self.moments.partition_point(|moment| moment.tsc <= tsc);
        let nearest = self.moments[after.saturating_sub(1)];
        let offset = tsc.0 as f64 - nearest.tsc.0 as f64;
        let nanos_per_cycle = match self.moments.get(after) {
            Some(next) if after > 0 => {
                let cycles = next.tsc.since(nearest.tsc).0.max(1) as f64;
                (next.utc.0 - nearest.utc.0) as f64 / cycles
            }
            _ => 1e9 / self.rate().hz.0,
        };
        UtcNanos(
            nearest
                .utc
                .0
                .saturating_add((offset * nanos_per_cycle) as i64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(moments: &[(u64, i64)]) -> Timeline {
        let moments = moments
            .iter()
            .map(|&(tsc, utc)| Moment {
                tsc: Cycles(tsc),
                raw: Nanos(tsc / 2),
                utc: UtcNanos(utc),
                error: Cycles(10),
            })
            .collect();
        Timeline {
            source: Source::Live,
            moments,
        }
    }

    #[test]
    fn utc_follows_a_slewed_clock_between_two_moments() {
        // 2 GHz, but UTC runs 10 % fast in the second stretch.
        let timeline = timeline(&[(0, 1_000), (2_000, 2_000), (4_000, 3_100)]);
        assert_eq!(timeline.utc(Cycles(1_000)), UtcNanos(1_500));
        assert_eq!(timeline.utc(Cycles(3_000)), UtcNanos(2_550));
    }

    #[test]
    fn utc_beyond_the_ends_goes_by_the_rate() {
        let timeline = timeline(&[(2_000, 1_000), (6_000, 3_000)]);
        assert_eq!(timeline.utc(Cycles(0)), UtcNanos(0));
        assert_eq!(timeline.utc(Cycles(8_000)), UtcNanos(4_000));
    }

    #[test]
    fn the_error_of_the_rate_shrinks_with_the_distance() {
        let rate = timeline(&[(0, 0), (2_000_000, 1_000_000)]).rate();
        assert_eq!(rate.hz, Hertz(2e9));
        assert!((rate.error_ppm - 10.0).abs() < 1e-9);
    }
}
