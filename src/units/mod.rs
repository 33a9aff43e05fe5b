//! Newtypes for the quantities that pass between modules.
//!
//! A bare `u64` never says whether it counts cycles or nanoseconds; mixing the
//! two is the classic fault of latency tools.

#![warn(missing_docs)]

pub mod cpulist;
pub mod cpumask;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A count of TSC cycles: a difference, or a reading of the counter.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Cycles(pub u64);

impl Cycles {
    /// The distance from `earlier` to `self`. The TSC is 64 bits wide, so a
    /// wrap takes centuries; the subtraction wraps all the same, as a reset
    /// counter must not panic the tool.
    pub fn since(self, earlier: Cycles) -> Cycles {
        Cycles(self.0.wrapping_sub(earlier.0))
    }

    /// Adds, stopping at the largest value.
    pub fn saturating_add(self, other: Cycles) -> Cycles {
        Cycles(self.0.saturating_add(other.0))
    }

    /// Subtracts, stopping at zero.
    pub fn saturating_sub(self, other: Cycles) -> Cycles {
        Cycles(self.0.saturating_sub(other.0))
    }
}

/// How much of a ring was in use when it was looked at, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Fill(pub f64);

impl Fill {
    /// So many of `size` places.
    pub fn of(used: usize, size: usize) -> Fill {
        Fill(used as f64 / size as f64)
    }

    /// The fuller one.
    pub fn max(self, other: Fill) -> Fill {
        Fill(self.0.max(other.0))
    }
}

/// A length of time in nanoseconds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// One microsecond.
    pub const MICROSECOND: Nanos = Nanos(1_000);
    /// One millisecond.
    pub const MILLISECOND: Nanos = Nanos(1_000_000);
    /// One second.
    pub const SECOND: Nanos = Nanos(1_000_000_000);

    /// The length in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The length in hours, the unit of rates.
    pub fn as_hours_f64(self) -> f64 {
        self.0 as f64 / 3.6e12
    }

    /// The standard library's form.
    pub fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0)
    }

    /// From the standard library's form; what is longer than can be told is the
    /// largest value.
    pub fn of(length: std::time::Duration) -> Nanos {
        Nanos(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Adds, stopping at the largest value.
    pub fn saturating_add(self, other: Nanos) -> Nanos {
        Nanos(self.0.saturating_add(other.0))
    }

    /// Subtracts, stopping at zero.
    pub fn saturating_sub(self, other: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Nanos {
    /// Three significant digits or more, in the largest unit that keeps the
    /// number at or above 1: `870 ns`, `12.4 us`, `3.08 ms`, `12.0 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        let text = if n < 1_000 {
            format!("{n} ns")
        } else if n < 1_000_000 {
            scaled(n as f64 / 1e3, "us")
        } else if n < 1_000_000_000 {
            scaled(n as f64 / 1e6, "ms")
        } else {
            scaled(n as f64 / 1e9, "s")
        };
        f.pad(&text)
    }
}

fn scaled(value: f64, unit: &str) -> String {
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// A time of day: nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtcNanos(pub i64);

impl UtcNanos {
    /// RFC 3339 with nanoseconds, as reports carry it:
    /// `2026-11-20T17:52:48.123456789Z`.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(stamp) => format!("{stamp:.9}"),
            // i64 nanoseconds end in 2262, within jiff's range.
            Err(_) => String::from("out-of-range"),
        }
    }
}

/// The number of a logical CPU, as the kernel numbers them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct CpuId(pub u32);

impl fmt::Display for CpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The rate of the TSC, for conversion between cycles and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Hertz(pub f64);

impl Hertz {
    /// Cycles to nanoseconds, rounded to the nearest.
    pub fn to_nanos(self, cycles: Cycles) -> Nanos {
        Nanos((cycles.0 as f64 * 1e9 / self.0).round() as u64)
    }

    /// Nanoseconds to cycles, rounded to the nearest.
    pub fn to_cycles(self, nanos: Nanos) -> Cycles {
        Cycles((nanos.0 as f64 * self.0 / 1e9).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_print_with_a_fitting_unit() {
        for (nanos, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 us"),
            (12_449, "12.4 us"),
            (99_960, "100 us"),
            (3_080_000, "3.08 ms"),
            (120_000_000_000, "120 s"),
        ] {
            assert_eq!(Nanos(nanos).to_string(), text);
        }
    }

    #[test]
    fn conversion_returns_to_where_it_began() {
        let hz = Hertz(2_596_123_456.0);
        assert_eq!(
            hz.to_nanos(hz.to_cycles(Nanos(1_234_567))),
            Nanos(1_234_567)
        );
    }

    #[test]
    fn utc_keeps_all_nine_digits() {
        assert_eq!(
            UtcNanos(1_000_000_001).rfc3339(),
            "1970-01-01T00:00:01.000000001Z"
        );
    }
}
