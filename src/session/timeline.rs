//! TSC values as UTC, and the TSC's rate: from moments at which the clocks
//! were read together, over the whole run.

use crate::sys::clock::{Ahead, Moment, moment};
use crate::units::{Cycles, Hertz, Nanos, UtcNanos};

use super::anchors::{Anchor, Anchors};

/// Moments kept; when there are more, every other one goes, and from then on
/// only every other reading is kept.
const MOST: usize = 4_096;

/// Readings of two clocks lie this far apart without a step, at most.
const LEAST_STEP: u64 = 100_000;
/// Steps kept; a clock that is set all the time is reported, not remembered for
/// ever.
const MOST_STEPS: usize = 1_000;

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
    /// Evenly spread over the run.
    moments: Vec<Moment>,
    latest: Moment,
    /// Of so many readings one is kept.
    stride: u32,
    /// Readings since the latest one kept.
    since: u32,
    utc: Anchors,
    /// The course of the time of day that the latest moment is on.
    course: u32,
    steps: Vec<UtcStep>,
}

/// The time of day was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcStep {
    /// The TSC at the look that noticed it.
    pub seen: Cycles,
    /// What the clock would have shown then.
    pub before: UtcNanos,
    /// What it showed.
    pub after: UtcNanos,
}

impl Timeline {
    /// A timeline of this machine's clocks that begins now.
    pub fn live() -> Timeline {
        Timeline::begin(Source::Live, moment())
    }

    fn begin(source: Source, first: Moment) -> Timeline {
        Timeline {
            source,
            moments: vec![first],
            latest: first,
            stride: 1,
            since: 0,
            utc: Anchors::begin(anchor(&first, 0)),
            course: 0,
            steps: Vec::new(),
        }
    }

    /// A timeline of a scripted TSC that began at 0 on 2026-01-01T00:00:00Z.
    pub fn scripted(hz: Hertz) -> Timeline {
        let start = Moment {
            tsc: Cycles(0),
            raw: Nanos(0),
            utc: UtcNanos(1_767_225_600_000_000_000),
            error: Cycles(0),
            ahead: Ahead::default(),
        };
        Timeline::begin(Source::Scripted(hz), start)
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

    /// Reads all clocks together once more. Returns what they said, where they
    /// are this machine's.
    pub fn mark(&mut self) -> Option<Moment> {
        let moment = self.moment()?;
        self.take(moment);
        Some(moment)
    }

    fn take(&mut self, moment: Moment) {
        self.look_for_step(&moment);
        self.latest = moment;
        self.utc.push(anchor(&moment, self.course));
        self.since += 1;
        if self.since < self.stride {
            return;
        }
        self.since = 0;
        if self.moments.len() >= MOST {
            let mut index = 0;
            self.moments.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride = self.stride.saturating_mul(2);
        }
        self.moments.push(moment);
    }

    fn look_for_step(&mut self, moment: &Moment) {
        let (then, now) = (self.latest.ahead, moment.ahead);
        if now.of_monotonic.abs_diff(then.of_monotonic) > LEAST_STEP {
            self.course = self.course.saturating_add(1);
        }
        // A suspend sets no clock.
        let ahead = now.of_boottime.saturating_sub(then.of_boottime);
        if ahead.unsigned_abs() > LEAST_STEP && self.steps.len() < MOST_STEPS {
            self.steps.push(UtcStep {
                seen: moment.tsc,
                before: UtcNanos(moment.utc.0.saturating_sub(ahead)),
                after: moment.utc,
            });
        }
    }

    /// Each time that the time of day was set, in order.
    pub fn utc_steps(&self) -> &[UtcStep] {
        &self.steps
    }

    /// The rate of the TSC against CLOCK_MONOTONIC_RAW, from the first moment
    /// to the latest.
    pub fn rate(&self) -> Rate {
        if let Source::Scripted(hz) = self.source {
            return Rate { hz, error_ppm: 0.0 };
        }
        let (first, last) = (self.moments[0], self.latest);
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
        let nearest = if self.latest.tsc <= tsc {
            self.latest
        } else {
            let after = self.moments.partition_point(|moment| moment.tsc <= tsc);
            self.moments[after.saturating_sub(1)]
        };
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

    /// The time of day of a TSC value: on the line between two readings of
    /// both, or by the rate before the first and after the latest.
    pub fn utc(&self, tsc: Cycles) -> UtcNanos {
        self.utc.utc(tsc, 1e9 / self.rate().hz.0)
    }

    /// The TSC at points between which the time of day runs straight against it.
    pub fn utc_points(&self) -> Vec<Cycles> {
        self.utc.points()
    }

    /// By how much the time of day between those points may be off from what
    /// the host's clock showed; a step of that clock is known to a fifth of a
    /// second.
    pub fn utc_error(&self) -> Nanos {
        Nanos(self.utc.error_nanos())
    }
}

fn anchor(moment: &Moment, course: u32) -> Anchor {
    // CLOCK_REALTIME is read last, right after the second reading of the TSC.
    Anchor {
        tsc: moment.tsc.saturating_add(moment.error),
        utc: moment.utc,
        course,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(moments: &[(u64, i64)]) -> Timeline {
        let mut moments = moments.iter().map(|&(tsc, utc)| Moment {
            tsc: Cycles(tsc),
            raw: Nanos(tsc / 2),
            utc: UtcNanos(utc),
            error: Cycles(10),
            ahead: Ahead::default(),
        });
        let mut timeline = Timeline::begin(Source::Live, moments.next().unwrap());
        moments.for_each(|moment| timeline.take(moment));
        timeline
    }

    #[test]
    fn moments_of_days_stay_bounded_and_evenly_spread() {
        let readings: Vec<(u64, i64)> = (0..20_000).map(|at| (at * 1_000, 0)).collect();
        let timeline = timeline(&readings);
        assert!(timeline.moments.len() <= MOST);
        let steps = timeline
            .moments
            .windows(2)
            .map(|pair| pair[1].tsc.0 - pair[0].tsc.0);
        let (least, most) = (steps.clone().min().unwrap(), steps.max().unwrap());
        assert!(most <= 2 * least, "{least} to {most}");
        assert_eq!(timeline.latest.tsc, Cycles(19_999_000));
    }

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_is_slewed_and_from_a_suspend() {
        let moment = |ms: u64, slewed: i64, set: i64, slept: i64| Moment {
            tsc: Cycles(ms * 2_000_000),
            raw: Nanos(ms * 1_000_000),
            utc: UtcNanos(ms as i64 * 1_000_000 + slewed + set + slept),
            error: Cycles(10),
            ahead: Ahead {
                of_monotonic: set + slept,
                of_boottime: set,
            },
        };
        let hour = 3_600_000_000_000;
        let mut timeline = Timeline::begin(Source::Live, moment(0, 0, 0, 0));
        timeline.take(moment(200, 100_000, 0, 0));
        timeline.take(moment(400, 200_000, hour, 0));
        timeline.take(moment(600, 300_000, hour, 9 * hour));
        let utc = |ms: i64, ahead: i64| UtcNanos(ms * 1_000_000 + ahead);
        assert_eq!(
            timeline.utc_steps(),
            [UtcStep {
                seen: Cycles(800_000_000),
                before: utc(400, 200_000),
                after: utc(400, 200_000 + hour),
            }]
        );
        assert_eq!(timeline.course, 2);
    }

    #[test]
    fn the_error_of_the_rate_shrinks_with_the_distance() {
        let rate = timeline(&[(0, 0), (2_000_000, 1_000_000)]).rate();
        assert_eq!(rate.hz, Hertz(2e9));
        assert!((rate.error_ppm - 10.0).abs() < 1e-9);
    }
}
