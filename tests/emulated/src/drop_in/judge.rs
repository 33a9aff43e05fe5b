//! What is required of the drop-in, and how the two programs compare.

use std::path::Path;

use anyhow::{Context, Result};

use crate::judge::matching::{Span, Stall, stalls};
use crate::report::Report;
use crate::smilog::SmiLog;

use super::clients::{Answer, CLIENTS};
use super::job::{CASES, Case};
use super::read;
use super::samples::{Clock, Sample, samples};

/// A sample's time of day may be off by so many nanoseconds; SMIs are 16 ms
/// apart.
const CLOCK_ERROR: u64 = 100_000;
/// What the drop-in must find of all where it pauses for others, in percent: a
/// fifth of the time is theirs.
const BESIDE_PAUSES: usize = 75;

/// The comparison and what is wrong.
pub struct Findings {
    /// A table for people.
    pub table: String,
    /// Each a sentence; none where all is as required.
    pub failures: Vec<String>,
}

/// One program's result by one set of options.
struct Row {
    /// SMIs while it ran, by its own count.
    smis: usize,
    /// Of them, those with a sample.
    found: usize,
    /// Samples without an SMI.
    invented: usize,
}

/// Judges what the guest left.
pub fn judge(results: &Path) -> Result<Findings> {
    let mut failures = Vec::new();
    let mut table = String::from(
        "| options | program | SMIs while it ran | with a sample | samples without an SMI |\n\
         |---|---|---|---|---|\n",
    );
    for case in &CASES {
        let report = read(results, &format!("drop-in-{}.json", case.name))?;
        let clock = Clock::of(&report)?;
        let debian = debian(results, case, clock)?;
        let ours = drop_in(results, case, clock, &report, &mut failures)?;
        for (program, row) in [
            ("Debian's hwlatdetect", &debian),
            ("hwgap in its place", &ours),
        ] {
            table += &format!(
                "| {} | {program} | {} | {} | {} |\n",
                case.what, row.smis, row.found, row.invented
            );
        }
        // Shares of all SMIs, as the two ran at different times.
        if ours.found * debian.smis < debian.found * ours.smis {
            failures.push(format!(
                "{}: Debian's hwlatdetect finds more SMIs",
                case.name
            ));
        }
    }
    Ok(Findings { table, failures })
}

fn log(results: &Path, name: &str) -> Result<Vec<Stall>> {
    let log: SmiLog = serde_json::from_str(&read(results, &format!("smi-{name}.json"))?)
        .with_context(|| format!("smi-{name}.json"))?;
    Ok(stalls(&log.smis))
}

fn debian(results: &Path, case: &Case, clock: Clock) -> Result<Row> {
    let output = read(results, &format!("debian-{}.txt", case.name))?;
    let stalls = log(results, &format!("debian-{}", case.name))?;
    let samples = samples(&output)?;
    let (found, invented) = matched(&samples, &stalls, clock);
    let smis = number(&output, "SMIs during run:")?;
    Ok(Row {
        smis,
        found,
        invented,
    })
}

fn drop_in(
    results: &Path,
    case: &Case,
    clock: Clock,
    report: &str,
    failures: &mut Vec<String>,
) -> Result<Row> {
    let name = case.name;
    let output = read(results, &format!("drop-in-{name}.txt"))?;
    let status = read(results, &format!("drop-in-{name}.status"))?;
    let report = Report::parse(report)?;
    let origin = report.origin()?;
    let cpu = report.cpus.first().context("the report has no CPU")?;
    let sampled = Span {
        start: origin,
        end: origin + cpu.elapsed_ns,
    };
    let mut stalls = log(results, &format!("drop-in-{name}"))?;
    stalls.retain(|&stall| sampled.holds(stall));
    let samples = samples(&output)?;
    let (found, invented) = matched(&samples, &stalls, clock);
    let smis = number(&output, "SMIs during run:")?;
    let mut require = |holds: bool, what: String| {
        if !holds {
            failures.push(format!("{name}: {what}"));
        }
    };
    let all = stalls.len();
    if case.whole {
        require(found == all, format!("{found} of {all} SMIs found"));
    } else {
        let least = all * BESIDE_PAUSES / 100;
        require(found >= least, format!("{found} of {all} SMIs found"));
    }
    require(invented == 0, format!("{invented} samples without an SMI"));
    require(smis == all, format!("{smis} SMIs counted, {all} injected"));
    let status: i32 = status.trim().parse().context("exit status")?;
    require(status == 1, format!("exit status {status}"));
    for client in &CLIENTS {
        let answer = Answer {
            status,
            stdout: &output,
        };
        if let Err(stumbles) = (client.read)(answer) {
            require(false, format!("{} stumbles: {stumbles}", client.name));
        }
    }
    Ok(Row {
        smis,
        found,
        invented,
    })
}

/// Stalls that have a sample, and samples that have no stall.
fn matched(samples: &[Sample], stalls: &[Stall], clock: Clock) -> (usize, usize) {
    let near = |sample: &Sample, stall: &Stall| {
        clock.tsc(sample.start).abs_diff(stall.entry) <= CLOCK_ERROR
    };
    let found = stalls.iter();
    let found = found.filter(|stall| samples.iter().any(|sample| near(sample, stall)));
    let invented = samples.iter();
    let invented = invented.filter(|sample| !stalls.iter().any(|stall| near(sample, stall)));
    (found.count(), invented.count())
}

fn number(output: &str, name: &str) -> Result<usize> {
    let mut lines = output.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.with_context(|| format!("no {name:?} in:\n{output}"))
}
