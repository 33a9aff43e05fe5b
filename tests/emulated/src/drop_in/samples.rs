//! Samples as both programs print them, on the machine's TSC.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::clients::samples_of;

/// A line `ts: …, inner:…, outer:…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Nanoseconds since the epoch.
    pub start: i64,
    /// The larger of inner and outer.
    pub micros: u64,
}

/// All samples of an output.
pub fn samples(output: &str) -> Result<Vec<Sample>> {
    let sample = |line| parse(line).with_context(|| format!("no sample: {line}"));
    samples_of(output).map(sample).collect()
}

fn parse(line: &str) -> Option<Sample> {
    let field = |name: &str| line.split(", ").find_map(|field| field.strip_prefix(name));
    let (seconds, nanos) = field("ts: ")?.split_once('.')?;
    let seconds: i64 = seconds.parse().ok()?;
    let inner: u64 = field("inner:")?.parse().ok()?;
    let outer: u64 = field("outer:")?.parse().ok()?;
    Some(Sample {
        start: seconds * 1_000_000_000 + nanos.parse::<i64>().ok()?,
        micros: inner.max(outer),
    })
}

/// How the time of day goes with the TSC, by hwgap's report. The TSC counts
/// nanoseconds here.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    utc: i64,
    tsc: u64,
}

/// The parts of the report that say so.
#[derive(Deserialize)]
struct Report {
    run: Run,
    tsc: Tsc,
}

#[derive(Deserialize)]
struct Run {
    started_utc: jiff::Timestamp,
}

#[derive(Deserialize)]
struct Tsc {
    origin: String,
}

impl Clock {
    pub fn of(report: &str) -> Result<Clock> {
        let report: Report = serde_json::from_str(report)?;
        Ok(Clock {
            utc: report.run.started_utc.as_nanosecond().try_into()?,
            tsc: report.tsc.origin.parse()?,
        })
    }

    /// The TSC at a time of day.
    pub fn tsc(self, utc: i64) -> u64 {
        self.tsc.saturating_add_signed(utc - self.utc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_either_program() {
        let output = "Samples recorded: 2\nts: 1.000000002, inner:0, outer:11\n\
                      ts: 2.5, inner:46, outer:0, cpu:0, count:1\n";
        let read = samples(output).unwrap();
        assert_eq!((read[0].start, read[0].micros), (1_000_000_002, 11));
        assert_eq!(read[1].micros, 46);
        assert!(samples("ts: 1.0, inner:x, outer:0\n").is_err());
    }
}
