//! The tables and their lines. Names are a contract with the queries of others.

use std::io;

use serde::Serialize;

use crate::fleet::read::SetAside;
use crate::model::{Cause, EngineName, Outcome};
use crate::policy::{Reason, Rule};
use crate::read::brief::Brief;
use crate::read::hash::Sha256Sum;
use crate::text::clean_text;
use crate::units::Nanos;

pub(super) const TABLES: [&str; 6] = [
    "runs",
    "reasons",
    "stalls",
    "series",
    "evidence",
    "set_aside",
];

/// The tables as DuckDB is told of them: it cannot find out the columns of one
/// without rows.
pub(super) const DEFINITIONS: &str = include_str!("tables.sql");

pub(super) type Lines = [Vec<u8>; TABLES.len()];

#[derive(Serialize)]
struct RunLine<'a> {
    run: &'a str,
    source: &'a str,
    sha256: String,
    host: Option<&'a str>,
    machine_id_hash: Option<&'a str>,
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
    planned_ns: Option<Nanos>,
    cut_short: Option<String>,
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
    start_utc: &'a str,
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

fn line(lines: &mut Vec<u8>, row: &impl Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *lines, row)?;
    lines.push(b'\n');
    Ok(())
}

pub(super) fn lines(
    source: &str,
    brief: &Brief,
    sha256: Sha256Sum,
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
        sha256: sha256.to_string(),
        host: host.hostname.as_deref(),
        machine_id_hash: host.machine_id_hash.as_deref(),
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
        planned_ns: brief.run.planned_ns,
        cut_short: brief.run.cut_short(),
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
            start_utc: &stall.start_utc,
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

/// The line of something that cannot be used.
pub(super) fn set_aside(aside: &SetAside) -> io::Result<Lines> {
    let mut lines = Lines::default();
    line(&mut lines[5], aside)?;
    Ok(lines)
}
