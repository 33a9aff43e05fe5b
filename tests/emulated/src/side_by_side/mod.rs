//! The kernel's latency tracers and Debian's hwlatdetect beside hwgap: the same
//! machine, the same boot, the same SMIs.

mod job;
mod trace;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::guest;
use crate::judge::matching::{Limits, Place, Span, place, stalls};
use crate::machine::{Boot, HostFiles};
use crate::patience;
use crate::report::Report;
use crate::scenario::Machine;
use crate::smilog::SmiLog;
use crate::suite::Folders;
use crate::units::display;

/// The only kernel package with all three tracers.
pub const KERNEL: &str = "6.1-rt";

/// What one tool made of the SMIs while it ran.
struct Row {
    tool: &'static str,
    injected: usize,
    /// SMIs with a record of their own.
    recorded: usize,
    /// SMIs that the tool counted, if it counts.
    counted: Option<usize>,
    length_error: Option<u64>,
    /// Records of hardware that held no SMI, and SMIs put down to something else.
    wrong: usize,
}

/// The kernel that lets a BPF program mask interrupts.
pub const MASKING_KERNEL: &str = "7.2";

/// Boots the machine twice, runs every tool and returns the table.
pub fn run(folders: &Folders) -> Result<String> {
    let mut early = vec!["msr"];
    early.extend(guest::LATE_MODULES);
    let all = boot(folders, "side-by-side", KERNEL, &early, &job::script())?;
    let masked = boot(
        folders,
        "side-by-side-bpf",
        MASKING_KERNEL,
        &["msr"],
        &job::masked_script(),
    )?;
    table(&all, &masked)
}

/// Boots a kernel, runs a job, and returns the folder of its results.
fn boot(folders: &Folders, name: &str, kernel: &str, early: &[&str], job: &str) -> Result<PathBuf> {
    let folder = folders.boot_folder(name)?;
    let initramfs = folders.initramfs(kernel, early, job)?;
    let machine = Machine {
        kernel: kernel.into(),
        ..Machine::default()
    };
    Boot {
        machine: &machine,
        kernel: folders.kernel(kernel),
        initramfs: &initramfs,
        folder: &folder,
        change: None,
        host_files: HostFiles::ReadOnly,
        most: patience::MOST,
    }
    .run()?;
    Ok(folder.join("results"))
}

/// The table of the results that the two boots left.
fn table(results: &Path, masked: &Path) -> Result<String> {
    let rows = [
        hwlat(
            results,
            "hwlat",
            "kernel tracer hwlat, its defaults (50 %)",
            job::HALF,
        )?,
        hwlat(
            results,
            "hwlat-95",
            "kernel tracer hwlat, 95 % width",
            job::WIDE,
        )?,
        hwlatdetect(results)?,
        osnoise(results)?,
        hwgap(
            results,
            "hwgap-default",
            "hwgap, its default on one CPU (80 %)",
        )?,
        hwgap(results, "hwgap", "hwgap, without pause")?,
        hwgap(
            masked,
            "hwgap-bpf",
            "hwgap, interrupts off, without pause (kernel 7.2)",
        )?,
    ];
    let mut text = String::from(
        "| tool | SMIs while it ran | with a record of their own | counted | worst length error | wrongly classed |\n\
         |---|---|---|---|---|---|\n",
    );
    for row in rows {
        let counted = row
            .counted
            .map_or_else(|| "-".into(), |count| count.to_string());
        let error = row.length_error.map_or_else(|| "-".into(), display);
        text += &format!(
            "| {} | {} | {} | {counted} | {error} | {} |\n",
            row.tool, row.injected, row.recorded, row.wrong
        );
    }
    Ok(text)
}

fn read(results: &Path, name: &str) -> Result<String> {
    fs::read_to_string(results.join(name)).with_context(|| format!("the guest left no {name}"))
}

fn log(results: &Path, name: &str) -> Result<SmiLog> {
    serde_json::from_str(&read(results, &format!("smi-{name}.json"))?)
        .with_context(|| format!("smi-{name}.json"))
}

/// hwlat writes one record a window: the longest inner and outer gap in it.
fn hwlat(results: &Path, name: &str, tool: &'static str, width_us: u64) -> Result<Row> {
    let log = log(results, name)?;
    let records = trace::hwlat(&read(results, &format!("{name}.trace"))?);
    let mut row = Row {
        tool,
        injected: log.smis.len(),
        recorded: 0,
        counted: Some(records.iter().map(|record| record.count).sum()),
        length_error: None,
        wrong: 0,
    };
    for record in &records {
        // The record is written at the end of the sampled part of the window.
        let sampled = record.tsc.saturating_sub(width_us * 1_000)..record.tsc;
        let longest = log
            .smis
            .iter()
            .filter(|smi| sampled.contains(&smi.entry))
            .map(|smi| smi.exit - smi.entry)
            .max();
        match longest {
            Some(length) => {
                row.recorded += 1;
                let error = length.abs_diff(record.longest_us * 1_000);
                row.length_error = row.length_error.max(Some(error));
            }
            None => row.wrong += 1,
        }
    }
    Ok(row)
}

/// hwlatdetect's own words; its records carry no time that fits the log.
fn hwlatdetect(results: &Path) -> Result<Row> {
    let output = read(results, "hwlatdetect.txt")?;
    let field = |name: &str| {
        output
            .lines()
            .find_map(|line| line.trim().strip_prefix(name)?.trim().parse::<usize>().ok())
            .with_context(|| format!("hwlatdetect printed no {name:?}:\n{output}"))
    };
    Ok(Row {
        tool: "Debian's hwlatdetect, its defaults (50 %)",
        injected: field("SMIs during run:")?,
        recorded: field("Samples recorded:")?,
        counted: None,
        length_error: None,
        wrong: 0,
    })
}

/// osnoise writes an event for each gap; hardware is what met no interference.
fn osnoise(results: &Path) -> Result<Row> {
    let log = log(results, "osnoise")?;
    let records = trace::osnoise(&read(results, "osnoise.trace")?);
    let mut row = Row {
        tool: "kernel tracer osnoise, its defaults",
        injected: log.smis.len(),
        recorded: 0,
        counted: None,
        length_error: None,
        wrong: 0,
    };
    for record in &records {
        let gap = Span {
            // The event is written right after the gap.
            start: record.tsc.saturating_sub(record.duration_ns + EVENT_DELAY),
            end: record.tsc,
        };
        let inside: Vec<u64> = stalls(&log.smis)
            .into_iter()
            .filter(|&stall| gap.holds(stall))
            .map(|stall| stall.cycles())
            .collect();
        let hardware = record.interference == 0;
        match (inside.as_slice(), hardware) {
            ([length], true) => {
                row.recorded += 1;
                let error = length.abs_diff(record.duration_ns);
                row.length_error = row.length_error.max(Some(error));
            }
            ([], true) => row.wrong += 1,
            ([], false) => {}
            (several, false) => {
                row.recorded += usize::from(several.len() == 1);
                row.wrong += several.len();
            }
            (several, true) => row.wrong += several.len(),
        }
    }
    Ok(row)
}

/// Between a gap's end and its event's own time stamp, at most.
const EVENT_DELAY: u64 = 5_000;

fn hwgap(results: &Path, name: &str, tool: &'static str) -> Result<Row> {
    let log = log(results, name)?;
    let report = Report::parse(&read(results, &format!("{name}.json"))?)?;
    let origin = report.origin()?;
    let cpu = report.cpus.first().context("the report has no CPU")?;
    let sampled = Span {
        start: origin,
        end: origin + cpu.elapsed_ns,
    };
    let within: Vec<_> = stalls(&log.smis)
        .into_iter()
        .filter(|&stall| sampled.holds(stall))
        .collect();
    let gaps: Vec<Span> = report
        .gaps
        .iter()
        .map(|gap| Span {
            start: origin + gap.start_cycles,
            end: origin + gap.end_cycles,
        })
        .collect();
    let limits = Limits {
        threshold: job::THRESHOLD_NS,
        blind: 0,
    };
    let mut row = Row {
        tool,
        injected: within.len(),
        recorded: 0,
        counted: cpu.smi.as_ref().map(|counter| counter.delta as usize),
        length_error: None,
        wrong: 0,
    };
    for (stall, place) in within.iter().zip(place(&within, &gaps, limits)) {
        if let Place::Inside(index) = place {
            let gap = &report.gaps[index];
            row.recorded += 1;
            row.wrong += usize::from(!gap.cause.starts_with("smi"));
            if gap.cause == "smi" {
                let error = gap.cycles().abs_diff(stall.cycles());
                row.length_error = row.length_error.max(Some(error));
            }
        }
    }
    row.wrong += report
        .gaps
        .iter()
        .zip(&gaps)
        .filter(|(gap, span)| gap.is_platform() && !within.iter().any(|&stall| span.touches(stall)))
        .count();
    Ok(row)
}
