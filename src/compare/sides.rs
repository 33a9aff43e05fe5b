//! The runs of each side, in rows.

use crate::stats::rates::Rate;
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

use super::Naming;
use super::events::{Series, covered_hours};
use super::input::SavedRun;
use super::model::{RunRow, Side};

/// A side with its runs. `name` stands for file names that may not be named.
pub(super) fn side(name: &str, runs: &[SavedRun], series: &[Series], naming: Naming) -> Side {
    let rows: Vec<RunRow> = (runs.iter().zip(series).enumerate())
        .map(|(index, (run, series))| RunRow {
            file: match naming {
                Naming::Full => run.file.clone(),
                Naming::Redacted => format!("{name} {}", index + 1),
            },
            sha256: run.sha256.clone(),
            label: match naming {
                Naming::Full => run.report.run.label.clone(),
                Naming::Redacted => None,
            },
            started_utc: run.report.run.started_utc.clone(),
            cpus: cpus(run).to_string(),
            covered_hours: covered_hours(&run.report),
            coverage: coverage(run),
            threshold_ns: run.report.run.threshold_ns,
            stalls: series.events.len() as u64,
            per_hour: rate(series).per_hour(),
            per_hour_low: rate(series).interval95_per_hour().map(|both| both.low),
            per_hour_high: rate(series).interval95_per_hour().map(|both| both.high),
        })
        .collect();
    Side {
        covered_hours: rows.iter().map(|row| row.covered_hours).sum(),
        stalls: rows.iter().map(|row| row.stalls).sum(),
        runs: rows,
    }
}

fn rate(series: &Series) -> Rate {
    Rate {
        events: series.events.len() as u64,
        hours: series.hours,
    }
}

pub(super) fn cpus(run: &SavedRun) -> CpuList {
    run.report.cpus.iter().map(|cpu| cpu.cpu).collect()
}

/// Covered share of the elapsed time, over all CPUs.
pub(super) fn coverage(run: &SavedRun) -> f64 {
    let sum = |part: fn(&crate::model::CpuReport) -> Nanos| -> f64 {
        (run.report.cpus.iter().map(|cpu| part(cpu).as_hours_f64())).sum()
    };
    let elapsed = sum(|cpu| cpu.elapsed_ns);
    if elapsed > 0.0 {
        (sum(|cpu| cpu.covered_ns) / elapsed).min(1.0)
    } else {
        0.0
    }
}
