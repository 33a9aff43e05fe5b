//! From the program's clock, CLOCK_MONOTONIC, to the TSC: a straight line
//! between two moments, one before a shot and one after it, at which both were
//! read together.

use crate::units::{Cycles, Nanos};

use super::clock::MonotonicMoment;

/// The line for one shot.
#[derive(Clone, Copy, Debug)]
pub struct ClockFit {
    origin: MonotonicMoment,
    cycles_per_nano: f64,
    length: Nanos,
    /// Half the widths of the two readings, in cycles.
    reading_error: Cycles,
}

impl ClockFit {
    /// The line through two moments; `None` where a clock did not advance.
    pub fn new(before: MonotonicMoment, after: MonotonicMoment) -> Option<ClockFit> {
        let length = after.monotonic.saturating_sub(before.monotonic);
        let cycles = after.tsc.0.checked_sub(before.tsc.0)?;
        (length.0 > 0 && cycles > 0).then(|| ClockFit {
            origin: before,
            cycles_per_nano: cycles as f64 / length.0 as f64,
            length,
            reading_error: before.error.saturating_add(after.error),
        })
    }

    /// The TSC at a reading of the program's clock.
    pub fn tsc(&self, clock: Nanos) -> Cycles {
        let nanos = clock.0 as i64 - self.origin.monotonic.0 as i64;
        let cycles = (nanos as f64 * self.cycles_per_nano).round() as i64;
        Cycles(self.origin.tsc.0.wrapping_add_signed(cycles))
    }

    /// A length on the program's clock in cycles.
    pub fn cycles(&self, length: Nanos) -> Cycles {
        Cycles((length.0 as f64 * self.cycles_per_nano).round() as u64)
    }

    /// Bound of the error of [`ClockFit::tsc`]: the readings' own, and as the
    /// kernel may have changed the rate of CLOCK_MONOTONIC within the shot
    /// (adjtimex(2)), what the change since the fit before comes to.
    pub fn error(&self, before: Option<&ClockFit>) -> Nanos {
        let slew = before.map_or(0.0, |before| {
            (self.cycles_per_nano / before.cycles_per_nano - 1.0).abs() * self.length.0 as f64
        });
        let reading = self.reading_error.0 as f64 / self.cycles_per_nano;
        // One more for the clock's own unit.
        Nanos((reading + slew).ceil() as u64 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(tsc: u64, monotonic: u64) -> MonotonicMoment {
        MonotonicMoment {
            tsc: Cycles(tsc),
            monotonic: Nanos(monotonic),
            error: Cycles(20),
        }
    }

    #[test]
    fn the_line_goes_through_both_moments_and_beyond() {
        let fit = ClockFit::new(moment(1_000, 5_000), moment(3_001_000, 1_005_000)).unwrap();
        assert_eq!(fit.tsc(Nanos(5_000)), Cycles(1_000));
        assert_eq!(fit.tsc(Nanos(505_000)), Cycles(1_501_000));
        assert_eq!(fit.tsc(Nanos(1_005_001)), Cycles(3_001_003));
        assert_eq!(fit.tsc(Nanos(4_999)), Cycles(997));
        assert_eq!(fit.cycles(Nanos(100)), Cycles(300));
    }

    #[test]
    fn the_error_holds_the_readings_and_a_change_of_rate() {
        let fit = |cycles| ClockFit::new(moment(0, 0), moment(cycles, 10_000_000)).unwrap();
        let (slow, fast) = (fit(30_000_000), fit(30_003_000));
        // 40 cycles at 3 a nanosecond, rounded up, and one.
        assert_eq!(slow.error(None), Nanos(15));
        assert_eq!(slow.error(Some(&slow)), Nanos(15));
        // 100 ppm of 10 ms are 1,000 ns.
        assert_eq!(fast.error(Some(&slow)), Nanos(1_015));
    }

    #[test]
    fn clocks_that_stand_or_run_back_give_no_line() {
        assert!(ClockFit::new(moment(5, 5), moment(5, 9)).is_none());
        assert!(ClockFit::new(moment(5, 5), moment(4, 9)).is_none());
        assert!(ClockFit::new(moment(5, 5), moment(9, 5)).is_none());
    }
}
