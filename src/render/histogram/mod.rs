//! Histograms of a run, for the tools that read others' histograms.
//!
//! The report has them in buckets of up to 6 % of their length, so that what is
//! written has each time at the middle of its bucket, and the longest exactly.

mod hdr;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use crate::model::{Bucket, CpuReport, Report};
use crate::units::Nanos;

/// What took the time: its name, its count in a bucket, and its longest time.
type Kind = (&'static str, fn(&Bucket) -> u64, fn(&CpuReport) -> Nanos);

const PLATFORM: Kind = ("platform", Bucket::platform, |cpu| cpu.max_platform_ns);
const KINDS: [Kind; 3] = [
    PLATFORM,
    ("kernel", |bucket| bucket.kernel_ran, |cpu| cpu.max_os_ns),
    ("unknown", |bucket| bucket.unknown, |cpu| cpu.max_ns),
];

/// Times of one kind and how often each was seen, shortest first.
fn times(cpu: &CpuReport, (_, count, longest): Kind) -> impl Iterator<Item = (u64, u64)> {
    let longest = longest(cpu).0;
    (cpu.histogram.buckets.iter())
        .map(move |bucket| {
            let (from, to) = (bucket.from_ns.0, bucket.to_ns.0);
            let middle = from.saturating_add(to.saturating_sub(from) / 2);
            let holds_longest = (from..to).contains(&longest);
            let time = if holds_longest { longest } else { middle };
            (time, count(bucket))
        })
        .filter(|(_, count)| *count > 0)
}

/// The histogram that `cyclictest -h` prints (rt-tests, cyclictest(8)): a row for
/// each whole microsecond that has a count, a column for each CPU.
///
/// # Errors
/// Those of the output.
pub fn write_cyclictest(report: &Report, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let cpus = &report.cpus;
    let mut rows: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (column, cpu) in cpus.iter().enumerate() {
        for (time, count) in times(cpu, PLATFORM) {
            let row = rows
                .entry(time / 1_000)
                .or_insert_with(|| vec![0; cpus.len()]);
            row[column] = row[column].saturating_add(count);
        }
    }
    writeln!(out, "# Histogram")?;
    for (time, counts) in rows {
        writeln!(out, "{time:06} {}", padded(6, "\t", counts))?;
    }
    let each = |of: fn(&[(u64, u64)]) -> u64| {
        let own = cpus
            .iter()
            .map(|cpu| times(cpu, PLATFORM).collect::<Vec<_>>());
        own.map(|own| of(&own)).collect::<Vec<u64>>()
    };
    let total = |times: &[(u64, u64)]| {
        times
            .iter()
            .fold(0, |all: u64, one| all.saturating_add(one.1))
    };
    writeln!(out, "# Total: {}", padded(9, " ", each(total)))?;
    let least = |times: &[(u64, u64)]| times.first().map_or(0, |one| one.0 / 1_000);
    writeln!(out, "# Min Latencies: {}", padded(5, " ", each(least)))?;
    let mean = |times: &[(u64, u64)]| {
        let (sum, count) = times.iter().fold((0.0, 0.0), |(sum, all), (time, count)| {
            let count = *count as f64;
            (sum + *time as f64 * count, all + count)
        });
        // Of none it is no number, and that is 0 as an integer.
        (sum / count / 1e3) as u64
    };
    writeln!(out, "# Avg Latencies: {}", padded(5, " ", each(mean)))?;
    let most = |times: &[(u64, u64)]| times.last().map_or(0, |one| one.0 / 1_000);
    writeln!(out, "# Max Latencies: {}", padded(5, " ", each(most)))?;
    let none = vec![0; cpus.len()];
    writeln!(out, "# Histogram Overflows: {}", padded(5, " ", none))?;
    let numbers = cpus.iter().map(|cpu| cpu.cpu.to_string());
    let numbers = numbers.collect::<Vec<_>>().join(" ");
    writeln!(
        out,
        "# hwgap: time taken below the kernel, in us; the columns are CPU {numbers}"
    )?;
    out.flush()
}

fn padded(width: usize, between: &str, numbers: Vec<u64>) -> String {
    let numbers = numbers
        .into_iter()
        .map(|number| format!("{number:0width$}"));
    numbers.collect::<Vec<_>>().join(between)
}

/// A log of HdrHistogram's: an interval, the whole run, for each CPU and what
/// took the time, in nanoseconds.
///
/// # Errors
/// Those of the output.
pub fn write_hdr_log(report: &Report, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let start: Option<jiff::Timestamp> = report.run.started_utc.parse().ok();
    let start = start.map_or(0.0, |start| start.as_millisecond() as f64 / 1e3);
    writeln!(out, "#[hwgap: times in ns]")?;
    writeln!(out, "#[Histogram log format version 1.3]")?;
    writeln!(out, "#[StartTime: {start:.3} (seconds since epoch)]")?;
    writeln!(
        out,
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
    )?;
    for cpu in &report.cpus {
        for kind in KINDS {
            let mut histogram = hdr::Histogram::default();
            for (time, count) in times(cpu, kind) {
                histogram.add(time, count);
            }
            let Some(most) = histogram.max() else {
                continue;
            };
            let (tag, elapsed) = (kind.0, cpu.elapsed_ns.as_secs_f64());
            // The largest value stands there in ms, as of all such logs of ns.
            let most = most as f64 / 1e6;
            let packed = histogram.encoded()?;
            writeln!(
                out,
                "Tag=cpu{}-{tag},{start:.3},{elapsed:.3},{most:.3},{packed}",
                cpu.cpu
            )?;
        }
    }
    out.flush()
}
