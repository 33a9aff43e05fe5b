//! Reports as lines that a database reads: for fleets that do not fit into
//! memory, and for questions of one's own.
//!
//! Nothing is kept: each report becomes lines of a few tables as it is read.
//! Lines of all tables have `run`, which is the same for lines of one run.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Serialize;

use crate::attribution::Cause;
use crate::policy::{Policy, Reason, Rule};
use crate::report::brief::Brief;
use crate::report::clean_text;
use crate::report::model::{EngineName, Outcome};
use crate::units::Nanos;

use super::read::{self, Input};

/// The tables, a file each.
const TABLES: [&str; 6] = [
    "runs",
    "reasons",
    "stalls",
    "series",
    "evidence",
    "set_aside",
];

/// How many of what was exported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exported {
    /// Runs that pass.
    pub pass: u64,
    /// Runs that fail.
    pub fail: u64,
    /// Runs that do neither.
    pub inconclusive: u64,
    /// Documents that could not be used.
    pub set_aside: u64,
}

/// Lines for each of [`TABLES`].
type Lines = [Vec<u8>; TABLES.len()];

#[derive(Serialize)]
struct RunLine<'a> {
    run: &'a str,
    source: &'a str,
    host: Option<&'a str>,
    vendor: Option<&'a str>,
    model: Option<&'a str>,
    bios: Option<&'a str>,
    cpu: Option<&'a str>,
    microcode: Option<&'a str>,
    kernel: Option<&'a str>,
    hypervisor: Option<&'a str>,
    label: Option<&'a str>,
    engine: EngineName,
    started_utc: &'a str,
    elapsed_ns: Nanos,
    threshold_ns: Nanos,
    hardlimit_ns: Nanos,
    sampled_cpus: String,
    covered_hours: f64,
    coverage: f64,
    platform_max_ns: Nanos,
    platform_stalls: u64,
    platform_rate_per_hour: Option<f64>,
    platform_rate_upper95_per_hour: Option<f64>,
    smis: Option<u64>,
    clocksource: Option<&'a str>,
    invariant_tsc: Option<bool>,
    run_result: Outcome,
    policy_result: Outcome,
    made_up: bool,
}

#[derive(Serialize)]
struct ReasonLine<'a> {
    run: &'a str,
    rule: Rule,
    outcome: Outcome,
    text: &'a str,
    /// The reason of the waiver, where there is one.
    waived: Option<&'a str>,
}

#[derive(Serialize)]
struct StallLine<'a> {
    run: &'a str,
    duration_ns: Nanos,
    smi_delta: Option<u32>,
    cause: Cause,
}

#[derive(Serialize)]
struct SeriesLine<'a> {
    run: &'a str,
    period_ns: u64,
    period_error_ns: u64,
    length_ns: Nanos,
    beats: u64,
    seen: u64,
    share: f64,
    false_alarm: f64,
}

#[derive(Serialize)]
struct EvidenceLine<'a> {
    run: &'a str,
    source: &'a str,
    usable: bool,
    reason: &'a str,
}

/// Reads, judges and writes. `tick` is called once a document.
///
/// # Errors
/// Where a file of `folder` cannot be written.
pub fn export(
    paths: &[PathBuf],
    policy: &Policy,
    today: Date,
    folder: &Path,
    mut tick: impl FnMut(),
) -> io::Result<Exported> {
    let mut files = Files::create(folder)?;
    let mut exported = Exported::default();
    let mut failed: io::Result<()> = Ok(());
    let digest = |source: String, brief: &Brief<'_>| {
        let judgement = policy.judge(brief, today);
        lines(&source, brief, judgement.outcome, &judgement.reasons)
            .map(|lines| (judgement.outcome, lines))
    };
    read::read(paths, || digest, |input| {
        tick();
        let written = match input {
            Input::Report(Ok((outcome, lines))) => {
                match outcome {
                    Outcome::Pass => exported.pass += 1,
                    Outcome::Fail => exported.fail += 1,
                    Outcome::Inconclusive => exported.inconclusive += 1,
                }
                files.write(&lines)
            }
            Input::Report(Err(error)) => Err(error.into()),
            Input::SetAside(aside) => {
                exported.set_aside += 1;
                let mut lines = Lines::default();
                let line = line(&mut lines[5], &aside);
                line.map_err(io::Error::from)
                    .and_then(|()| files.write(&lines))
            }
            Input::PassedOver => Ok(()),
        };
        if failed.is_ok() {
            failed = written;
        }
    });
    failed?;
    files.finish()?;
    Ok(exported)
}

struct Files(Vec<BufWriter<File>>);

impl Files {
    fn create(folder: &Path) -> io::Result<Files> {
        fs::create_dir_all(folder)?;
        let file = |name| File::create(folder.join(format!("{name}.jsonl"))).map(BufWriter::new);
        TABLES
            .into_iter()
            .map(file)
            .collect::<io::Result<_>>()
            .map(Files)
    }

    fn write(&mut self, lines: &Lines) -> io::Result<()> {
        let mut pairs = self.0.iter_mut().zip(lines);
        pairs.try_for_each(|(file, lines)| file.write_all(lines))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.iter_mut().try_for_each(BufWriter::flush)
    }
}

fn line(lines: &mut Vec<u8>, row: &impl Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *lines, row)?;
    lines.push(b'\n');
    Ok(())
}

fn lines(
    source: &str,
    brief: &Brief,
    policy_result: Outcome,
    reasons: &[Reason],
) -> serde_json::Result<Lines> {
    let mut lines = Lines::default();
    let (host, verdict) = (&brief.host, &brief.verdict);
    // The host at a reading of its TSC: no two runs share all three.
    let run = clean_text(&format!(
        "{}@{}+{}",
        host.hostname.as_deref().unwrap_or(source),
        brief.run.started_utc,
        brief.tsc.origin
    ));
    let run = run.as_str();
    let row = RunLine {
        run,
        source,
        host: host.hostname.as_deref(),
        vendor: host.system.vendor.as_deref(),
        model: host.system.product.as_deref(),
        bios: host.bios.version.as_deref(),
        cpu: host.cpu.model_name.as_deref(),
        microcode: host.cpu.microcode.as_deref(),
        kernel: host.kernel.release.as_deref(),
        hypervisor: host.hypervisor.as_deref(),
        label: brief.run.label.as_deref(),
        engine: brief.run.engine,
        started_utc: &brief.run.started_utc,
        elapsed_ns: brief.run.elapsed_ns,
        threshold_ns: brief.run.threshold_ns,
        hardlimit_ns: brief.run.hardlimit_ns,
        sampled_cpus: brief.cpus.list.to_string(),
        covered_hours: brief.covered_hours(),
        coverage: verdict.coverage,
        platform_max_ns: verdict.platform_max_ns,
        platform_stalls: verdict.platform_stalls,
        platform_rate_per_hour: verdict.platform_rate_per_hour,
        platform_rate_upper95_per_hour: verdict.platform_rate_upper95_per_hour,
        smis: brief.cpus.smis(),
        clocksource: brief.tsc.clocksource_end.as_deref(),
        invariant_tsc: brief.tsc.invariant,
        run_result: verdict.result,
        policy_result,
        made_up: brief.synthetic.is_some() || brief.run.scripted,
    };
    line(&mut lines[0], &row)?;
    for reason in reasons {
        let row = ReasonLine {
            run,
            rule: reason.rule,
            outcome: reason.outcome,
            text: &reason.text,
            waived: reason.waived.as_ref().map(|waived| waived.reason.as_str()),
        };
        line(&mut lines[1], &row)?;
    }
    for stall in brief.stalls.iter().flat_map(|stalls| stalls.listed()) {
        let row = StallLine {
            run,
            duration_ns: stall.duration_ns,
            smi_delta: stall.smi_delta,
            cause: stall.cause,
        };
        line(&mut lines[2], &row)?;
    }
    for one in brief.periodicity.iter().flat_map(|list| list.iter()) {
        let row = SeriesLine {
            run,
            period_ns: one.period_ns,
            period_error_ns: one.period_error_ns,
            length_ns: one.length_ns,
            beats: one.beats,
            seen: one.seen,
            share: one.share,
            false_alarm: one.false_alarm,
        };
        line(&mut lines[3], &row)?;
    }
    for entry in brief.evidence.iter() {
        let row = EvidenceLine {
            run,
            source: &entry.source,
            usable: entry.usable,
            reason: &entry.reason,
        };
        line(&mut lines[4], &row)?;
    }
    Ok(lines)
}
