//! Moments at which the clocks went apart: the machine was suspended, or
//! somebody set the TSC or changed its rate.
//!
//! A suspend shows in CLOCK_BOOTTIME, which counts it, against
//! CLOCK_MONOTONIC, which does not (clock_gettime(2)). A TSC that was written,
//! by firmware or by a hypervisor that moved this guest to another host, shows
//! against CLOCK_MONOTONIC_RAW, but only while the kernel's clocksource is
//! something else: a clock that is derived from the TSC jumps with it.

use crate::sys::clock::{Moment, suspended};
use crate::units::{Cycles, Hertz, Nanos, UtcNanos};

/// A jump of CLOCK_BOOTTIME against CLOCK_MONOTONIC above this is a suspend;
/// between two readings lies less than a microsecond, or a preemption.
const LEAST_SUSPEND: Nanos = Nanos(10_000_000);
/// The TSC and CLOCK_MONOTONIC_RAW may part by this much between two looks,
/// and by [`TOLERANCE_PPM`] of the time between them: a change of clocksource
/// changes the rate by as much as calibration is off, 500 ppm
/// (arch/x86/kernel/tsc.c).
const LEAST_STEP: Nanos = Nanos(100_000);
const TOLERANCE_PPM: f64 = 1_000.0;
/// Looks this close together say little about the rate.
const LEAST_STRETCH: Nanos = Nanos(50_000_000);
/// Steps kept.
const MOST: usize = 1_000;

/// The clocks when a run begins.
#[derive(Clone, Copy, Debug)]
pub struct ClockStart {
    /// A moment of all clocks.
    pub moment: Moment,
    /// The TSC's rate against CLOCK_MONOTONIC_RAW so far.
    pub hz: Hertz,
    /// Bound of that rate's error, in parts per million.
    pub error_ppm: f64,
}

/// What happened to the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The machine was suspended for this long.
    Suspend(Nanos),
    /// The TSC went ahead of CLOCK_MONOTONIC_RAW by this many nanoseconds, or
    /// fell behind it where negative.
    TscStep(i64),
    /// The TSC's rate changed by this many parts per million.
    TscRate(i64),
}

/// Something that happened between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// What.
    pub kind: StepKind,
    /// The TSC at the look before.
    pub from: Cycles,
    /// The TSC at the look that found it; it may be the smaller one.
    pub to: Cycles,
    /// The time of day of that look.
    pub seen: UtcNanos,
}

impl ClockStep {
    /// Whether a gap may hold what happened.
    pub fn touches(&self, start: Cycles, end: Cycles) -> bool {
        if self.from <= self.to {
            start <= self.to && self.from <= end
        } else {
            // The TSC was set back: the stretch runs past the jump.
            start <= self.to || self.from <= end
        }
    }
}

/// The clocks of a run.
#[derive(Clone, Debug)]
pub struct ClockSteps {
    latest: Moment,
    hz: Hertz,
    error_ppm: f64,
    suspended: Nanos,
    fresh: Fresh,
    steps: Vec<ClockStep>,
}

/// Whether the latest look followed a step, so that the rate is to be seen
/// anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fresh {
    No,
    AfterStep,
}

impl ClockSteps {
    pub(super) fn begin(start: ClockStart) -> ClockSteps {
        ClockSteps::start(start, suspended())
    }

    fn start(start: ClockStart, suspended: Nanos) -> ClockSteps {
        ClockSteps {
            latest: start.moment,
            hz: start.hz,
            error_ppm: start.error_ppm,
            suspended,
            fresh: Fresh::No,
            steps: Vec::new(),
        }
    }

    pub(super) fn look(&mut self, moment: Moment) {
        self.compare(moment, suspended());
    }

    fn compare(&mut self, moment: Moment, suspended: Nanos) {
        let raw = moment.raw.saturating_sub(self.latest.raw);
        // Modulo 2^64, so that a TSC that was set back is a negative distance.
        let cycles = moment.tsc.since(self.latest.tsc).0 as i64;
        let by_tsc = cycles as f64 * 1e9 / self.hz.0;
        let ahead = by_tsc - raw.0 as f64;
        let error = self
            .hz
            .to_nanos(moment.error.saturating_add(self.latest.error));
        let tolerance = (LEAST_STEP.saturating_add(error)).0 as f64
            + raw.0 as f64 * (TOLERANCE_PPM + self.error_ppm) / 1e6;
        let slept = suspended.saturating_sub(self.suspended);
        let kind = if slept > LEAST_SUSPEND {
            Some(StepKind::Suspend(slept))
        } else if ahead.abs() <= tolerance {
            None
        } else if self.fresh == Fresh::AfterStep && raw >= LEAST_STRETCH {
            // Twice in a row: not the clock's reading but its rate is new.
            Some(StepKind::TscRate((ahead * 1e6 / raw.0 as f64) as i64))
        } else {
            Some(StepKind::TscStep(ahead as i64))
        };
        if let Some(kind) = kind {
            if self.steps.len() < MOST {
                self.steps.push(ClockStep {
                    kind,
                    from: self.latest.tsc,
                    to: moment.tsc,
                    seen: moment.utc,
                });
            }
            if let StepKind::TscRate(_) = kind {
                self.hz = Hertz(cycles as f64 * 1e9 / raw.0 as f64);
            }
        }
        // A rate that was fitted over a short time is soon known better.
        let better = error.0 as f64 * 1e6 / raw.0.max(1) as f64;
        if kind.is_none() && raw >= LEAST_STRETCH && better < self.error_ppm {
            self.hz = Hertz(cycles as f64 * 1e9 / raw.0 as f64);
            self.error_ppm = better;
        }
        self.fresh = match kind {
            Some(StepKind::TscStep(_)) => Fresh::AfterStep,
            _ => Fresh::No,
        };
        self.suspended = suspended;
        self.latest = moment;
    }

    /// What happened, in order of time.
    pub fn steps(&self) -> &[ClockStep] {
        &self.steps
    }

    /// Whether the rate of the TSC changed: lengths after that are wrong.
    pub fn rate_changed(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.kind, StepKind::TscRate(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(error_ppm: f64) -> ClockSteps {
        let start = ClockStart {
            moment: moment(1_000, 1_000),
            hz: Hertz(2e9),
            error_ppm,
        };
        ClockSteps::start(start, Nanos(0))
    }

    /// 2 GHz; times in milliseconds.
    fn moment(tsc_ms: u64, raw_ms: u64) -> Moment {
        Moment {
            tsc: Cycles(tsc_ms * 2_000_000),
            raw: Nanos(raw_ms * 1_000_000),
            utc: UtcNanos(raw_ms as i64),
            error: Cycles(100),
            ahead: crate::sys::clock::Ahead::default(),
        }
    }

    /// Looks of (TSC, RAW, suspended), all in milliseconds.
    fn kinds(looks: &[(u64, u64, u64)]) -> Vec<StepKind> {
        let mut steps = start(1.0);
        for &(tsc, raw, suspended) in looks {
            steps.compare(moment(tsc, raw), Nanos(suspended * 1_000_000));
        }
        steps.steps().iter().map(|step| step.kind).collect()
    }

    #[test]
    fn clocks_that_keep_together_have_no_steps() {
        assert_eq!(kinds(&[(1_200, 1_200, 0), (1_400, 1_400, 0)]), []);
    }

    #[test]
    fn a_suspend_is_named_whether_or_not_the_tsc_went_on() {
        let slept = StepKind::Suspend(Nanos(60_000_000_000));
        for tsc in [1_250, 61_250] {
            assert_eq!(
                kinds(&[(tsc, 1_250, 60_000), (tsc + 200, 1_450, 60_000)]),
                [slept]
            );
        }
    }

    #[test]
    fn a_step_is_told_from_a_new_rate() {
        let ahead = StepKind::TscStep(300_000_000);
        assert_eq!(
            kinds(&[(1_500, 1_200, 0), (1_700, 1_400, 0), (1_900, 1_600, 0)]),
            [ahead]
        );
        assert_eq!(
            kinds(&[(1_300, 1_200, 0), (1_600, 1_400, 0), (1_900, 1_600, 0)]),
            [StepKind::TscStep(100_000_000), StepKind::TscRate(500_000)]
        );
    }

    #[test]
    fn a_tsc_that_was_set_back_is_behind_and_touches_what_surrounds_it() {
        let mut steps = start(1.0);
        steps.compare(moment(100, 1_200), Nanos(0));
        let [step] = steps.steps() else {
            panic!("{:?}", steps.steps())
        };
        assert_eq!(step.kind, StepKind::TscStep(-1_100_000_000));
        let at = |ms: u64| Cycles(ms * 2_000_000);
        assert!(step.touches(at(50), at(60)) && step.touches(at(1_100), at(1_101)));
        assert!(!step.touches(at(500), at(501)));
    }

    #[test]
    fn a_rate_that_is_hardly_known_is_learnt_and_then_held() {
        let mut steps = start(200_000.0);
        steps.compare(moment(1_220, 1_200), Nanos(0));
        assert_eq!(steps.steps(), []);
        steps.compare(moment(1_440, 1_400), Nanos(0));
        assert_eq!(steps.steps(), []);
        steps.compare(moment(1_640, 1_600), Nanos(0));
        let kinds: Vec<StepKind> = steps.steps().iter().map(|step| step.kind).collect();
        assert!(matches!(
            kinds[..],
            [StepKind::TscStep(-20_000_000..=-18_000_000)]
        ));
    }

    #[test]
    fn this_machine_is_not_suspended_while_it_is_tested() {
        let first = crate::sys::clock::moment();
        std::thread::sleep(std::time::Duration::from_millis(60));
        let second = crate::sys::clock::moment();
        let cycles = second.tsc.since(first.tsc).0 as f64;
        let mut steps = ClockSteps::begin(ClockStart {
            moment: first,
            hz: Hertz(cycles * 1e9 / second.raw.saturating_sub(first.raw).0 as f64),
            error_ppm: 10.0,
        });
        steps.look(second);
        assert_eq!(steps.steps(), []);
    }
}
