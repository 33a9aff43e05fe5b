//! What the registers of a CPU say of the time between two readings.

use super::registers::RegisterReading;

/// The registers at both ends of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterSpan {
    /// Before the first sample.
    pub before: RegisterReading,
    /// After the last.
    pub after: RegisterReading,
}

impl RegisterSpan {
    /// Nothing known, for this reason.
    pub fn unknown(reason: &str) -> RegisterSpan {
        let reading = RegisterReading::unknown(reason);
        RegisterSpan {
            before: reading.clone(),
            after: reading,
        }
    }

    /// Goes on from an earlier span of the same CPU. What is written to
    /// IA32_TSC_ADJUST stays there: a write between the two is this one's.
    pub fn follow(&mut self, earlier: &RegisterSpan) {
        if self.before.tsc_adjust.is_ok() && earlier.after.tsc_adjust.is_ok() {
            self.before.tsc_adjust.clone_from(&earlier.after.tsc_adjust);
        }
    }

    /// By how much IA32_TSC_ADJUST changed, in cycles.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn adjusted(&self) -> Result<i64, &str> {
        let (before, after) = both(&self.before.tsc_adjust, &self.after.tsc_adjust)?;
        Ok(after.wrapping_sub(*before))
    }

    /// The mean frequency while not halted, over the base frequency.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn frequency_ratio(&self) -> Result<f64, &str> {
        let (before, after) = both(&self.before.clocks, &self.after.clocks)?;
        match after.mperf.wrapping_sub(before.mperf) {
            0 => Err("MPERF stood still"),
            mperf => Ok(after.aperf.wrapping_sub(before.aperf) as f64 / mperf as f64),
        }
    }

    /// By which share MPERF advanced more than the TSC, beyond what the
    /// distance of the two readings explains; negative where it was behind, as
    /// on a CPU that was halted for a time.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn mperf_ahead(&self) -> Result<f64, &str> {
        let (before, after) = both(&self.before.clocks, &self.after.clocks)?;
        let mperf = after.mperf.wrapping_sub(before.mperf) as f64;
        let tsc = after.tsc.since(before.tsc).0 as f64;
        let error = after.error.saturating_add(before.error).0 as f64;
        if tsc <= 0.0 {
            return Err("no time passed between the readings");
        }
        Ok((mperf - tsc - error) / tsc)
    }

    /// Share of the time in SMM as perf computes it: APERF less the unhalted
    /// cycles, over APERF.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn smm_share(&self) -> Result<f64, &str> {
        let (first, last) = both(&self.before.cycles, &self.after.cycles)?;
        let (before, after) = both(&self.before.clocks, &self.after.clocks)?;
        let cycles = last.wrapping_sub(*first) as f64;
        match after.aperf.wrapping_sub(before.aperf) {
            0 => Err("APERF stood still"),
            // Below zero is the distance of the two readings.
            aperf => Ok(((aperf as f64 - cycles) / aperf as f64).max(0.0)),
        }
    }
}

fn both<'a, T>(
    before: &'a Result<T, String>,
    after: &'a Result<T, String>,
) -> Result<(&'a T, &'a T), &'a str> {
    let known = |side: &'a Result<T, String>| side.as_ref().map_err(String::as_str);
    Ok((known(before)?, known(after)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::watches::CoreClocks;
    use crate::units::Cycles;

    fn reading(tsc: u64, aperf: u64, mperf: u64, cycles: u64, adjust: i64) -> RegisterReading {
        RegisterReading {
            tsc_adjust: Ok(adjust),
            clocks: Ok(CoreClocks {
                tsc: Cycles(tsc),
                error: Cycles(500),
                aperf,
                mperf,
            }),
            cycles: Ok(cycles),
        }
    }

    #[test]
    fn shares_are_of_what_passed_between_the_readings() {
        let span = RegisterSpan {
            before: reading(1_000_000, 5_000, 7_000, 9_000, -40),
            after: reading(2_000_000, 2_005_000, 1_057_000, 1_809_000, -140),
        };
        assert_eq!(span.adjusted(), Ok(-100));
        assert_eq!(span.mperf_ahead(), Ok(0.049));
        assert_eq!(span.smm_share(), Ok(0.1));
        let ratio = span.frequency_ratio().unwrap();
        assert!((ratio - 2_000_000.0 / 1_050_000.0).abs() < 1e-12);
    }

    #[test]
    fn a_write_between_two_spans_is_the_later_ones() {
        let span = |before, after| RegisterSpan {
            before: reading(0, 0, 0, 0, before),
            after: reading(0, 0, 0, 0, after),
        };
        let mut later = span(-70, -70);
        later.follow(&span(0, -40));
        assert_eq!(later.adjusted(), Ok(-30));
        let mut later = span(-70, -70);
        later.follow(&RegisterSpan::unknown("the CPU went offline"));
        assert_eq!(later.adjusted(), Ok(0));
    }

    #[test]
    fn what_one_end_lacks_is_not_known() {
        let span = RegisterSpan {
            before: reading(0, 0, 0, 0, 0),
            after: RegisterReading::unknown("the CPU went offline"),
        };
        assert_eq!(span.adjusted(), Err("the CPU went offline"));
        assert_eq!(span.mperf_ahead(), Err("the CPU went offline"));
        assert_eq!(span.smm_share(), Err("the CPU went offline"));
    }
}
