//! A sample: one gap of the platform's, on one CPU.

use crate::model::Gap;
use crate::session::LiveGap;
use crate::units::{CpuId, Nanos, UtcNanos};

use super::Format;

/// Time that the platform took from one CPU.
///
/// The kernel's tracer gives a record for each window, with the longest time
/// within its loop (inner) and between two rounds (outer). hwgap's loop has one
/// kind of distance, and a sample is one gap: its length stands as inner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// The last reading before it.
    pub start: UtcNanos,
    pub cpu: CpuId,
    pub length: Nanos,
}

impl Sample {
    /// The platform's part of a gap, if it is above the threshold.
    pub fn of(gap: &Gap, threshold: Nanos) -> Option<Sample> {
        let start: jiff::Timestamp = gap.start_utc.parse().ok()?;
        Sample {
            start: UtcNanos(start.as_nanosecond().try_into().ok()?),
            cpu: gap.cpu,
            length: gap.platform_ns,
        }
        .above(threshold)
    }

    /// The same of a gap that has just come in.
    pub fn of_live(gap: LiveGap, threshold: Nanos) -> Option<Sample> {
        Sample {
            start: gap.start,
            cpu: gap.cpu,
            length: gap.length,
        }
        .above(threshold)
    }

    fn above(self, threshold: Nanos) -> Option<Sample> {
        (self.length > threshold).then_some(self)
    }

    /// The end, in nanoseconds since the epoch.
    pub(super) fn end(&self) -> i64 {
        self.start.0.saturating_add_unsigned(self.length.0)
    }

    pub fn line(&self, format: Format) -> String {
        let (seconds, nanos) = (
            self.start.0.div_euclid(1_000_000_000),
            self.start.0.rem_euclid(1_000_000_000),
        );
        let inner = whole_micros(self.length);
        let mut line = format!("ts: {seconds}.{nanos:09}, inner:{inner}, outer:0");
        if format.names_cpu() {
            line += &format!(", cpu:{}", self.cpu);
        }
        if format.counts() {
            line += ", count:1";
        }
        line
    }
}

/// Microseconds, rounded up: what is above a limit is then shown above it.
pub(super) fn whole_micros(length: Nanos) -> u64 {
    length.0.div_ceil(Nanos::MICROSECOND.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Sample = Sample {
        start: UtcNanos(1_646_837_351_050_312_752),
        cpu: CpuId(41),
        length: Nanos(45_001),
    };

    #[test]
    fn each_release_has_its_line() {
        for (format, line) in [
            (Format::V2_4, "ts: 1646837351.050312752, inner:46, outer:0"),
            (
                Format::V2_6,
                "ts: 1646837351.050312752, inner:46, outer:0, cpu:41",
            ),
            (
                Format::V2_10,
                "ts: 1646837351.050312752, inner:46, outer:0, cpu:41, count:1",
            ),
        ] {
            assert_eq!(SAMPLE.line(format), line);
        }
    }

    #[test]
    fn what_is_above_a_limit_is_shown_above_it() {
        assert_eq!(whole_micros(Nanos(10_001)), 11);
        assert_eq!(whole_micros(Nanos(10_000)), 10);
        assert_eq!(SAMPLE.above(Nanos(45_001)), None);
        assert_eq!(SAMPLE.above(Nanos(45_000)), Some(SAMPLE));
    }
}
