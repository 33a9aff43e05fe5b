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

/// A sample's time of day may be off by so many nanoseconds, from the beginning
/// of its SMI or, with Debian's hwlatdetect, from its end; SMIs are 16 ms apart.
const CLOCK_ERROR: u64 = 100_000;
/// What the drop-in must find of all where it pauses for others, in percent: a
/// fifth of the time is theirs.
const BESIDE_PAUSES: usize = 75;

/// The share of the time that the scheduler takes from a real-time task on a
/// kernel as it comes, in percent (sched_rt_runtime_us; 50 ms of each second).
const THROTTLED: usize = 5;

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
    /// Of the others, those in a gap of which hwgap says that it holds an SMI
    /// and kernel work in unknown shares: a task ran, or the idle loop, while
    /// the scheduler took the CPU from the sampler.
    unshared: usize,
    /// Samples without an SMI.
    invented: usize,
}

/// Judges what the guest left.
pub fn judge(results: &Path) -> Result<Findings> {
    let mut failures = Vec::new();
    let mut table = String::from(
        "| options | program | SMIs while it ran | with a sample | in gaps of unknown shares | \
         samples without an SMI |\n|---|---|---|---|---|---|\n",
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
                "| {} | {program} | {} | {} | {} | {} |\n",
                case.what, row.smis, row.found, row.unshared, row.invented
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
        unshared: 0,
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
    let hidden: Vec<Span> = (report.gaps.iter())
        .filter(|gap| (gap.unknown_ns).is_some_and(|time| time > report.run.hardlimit_ns))
        .map(|gap| Span {
            start: origin + gap.start_cycles,
            end: origin + gap.end_cycles,
        })
        .collect();
    let unshared = (stalls.iter())
        .filter(|&&stall| hidden.iter().any(|gap| gap.holds(stall)))
        .count();
    let said = read(results, &format!("drop-in-{name}.err"))?;
    require(
        hidden.is_empty()
            || said.contains("the unknown part of")
            || said.contains("could not be attributed"),
        format!(
            "{} gaps of unknown shares, and no word of them",
            hidden.len()
        ),
    );
    if case.whole {
        require(
            found + unshared == all,
            format!("{found} of {all} SMIs found, {unshared} in gaps of unknown shares"),
        );
        require(
            // By chance up to twice as many SMIs fall into it.
            unshared * 100 <= all * 2 * THROTTLED,
            format!("{unshared} of {all} SMIs in gaps of unknown shares"),
        );
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
        unshared,
        invented,
    })
}

/// Stalls that have a sample, and samples that have no stall.
fn matched(samples: &[Sample], stalls: &[Stall], clock: Clock) -> (usize, usize) {
    let near = |sample: &Sample, stall: &Stall| {
        let told = clock.tsc(sample.start);
        told + CLOCK_ERROR >= stall.entry && told <= stall.exit + CLOCK_ERROR
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
