//! What was watched beside the gaps: throttling, hardware's own interrupts,
//! time below the kernel, the clocks.

use crate::model::{ClockStepKind, CpuReport, Report, WatchedReport};
use crate::render::document::{Block, Rank, Section};
use crate::text::human;
use crate::units::Nanos;

pub(super) fn section(report: &Report<()>) -> Option<Section> {
    let blocks = [counts(report), steps(report), log(report)];
    let blocks = blocks.into_iter().flatten().flatten().collect();
    super::section("Watched beside the gaps", Rank::Detail, blocks)
}

/// A column: its head, and what it shows of a CPU; `None` is not known.
type Column = (&'static str, fn(&WatchedReport) -> Option<String>);

const COLUMNS: [Column; 9] = [
    ("core throttled", |one| {
        throttled(one.core_throttle_count, one.core_throttle_ns)
    }),
    ("package throttled", |one| {
        throttled(one.package_throttle_count, one.package_throttle_ns)
    }),
    ("hardware vectors", |one| {
        one.vectors.as_ref().map(|_| vectors(one))
    }),
    ("steal", |one| one.steal_ns.map(human::length)),
    ("waited for the CPU", |one| {
        one.run_delay_ns.map(human::length)
    }),
    ("TSC_ADJUST", |one| {
        let adjust = one.tsc_adjust?;
        Some(match adjust.before == adjust.after {
            true => adjust.before.to_string(),
            false => format!("{} to {}", adjust.before, adjust.after),
        })
    }),
    ("frequency", |one| {
        let ratio = one.frequency_ratio?;
        Some(format!("{} of base", human::three_digits(ratio)))
    }),
    ("in SMM", |one| one.smm_share.map(human::percent)),
    ("period of gaps", |one| {
        let period = one.gap_period?;
        let share = human::percent(period.share);
        Some(format!("{} ({share})", human::length(period.period_ns)))
    }),
];

/// One row a CPU, without the columns that are known of none.
fn counts(report: &Report<()>) -> Option<Vec<Block>> {
    let cpus: Vec<(&CpuReport, &WatchedReport)> = (report.cpus.iter())
        .filter_map(|cpu| Some((cpu, cpu.watched.as_ref()?)))
        .collect();
    let columns: Vec<&Column> = (COLUMNS.iter())
        .filter(|(_, show)| cpus.iter().any(|(_, one)| show(one).is_some()))
        .collect();
    if columns.is_empty() {
        return None;
    }
    let row = |(cpu, one): &(&CpuReport, &WatchedReport)| -> Vec<String> {
        let cells = columns.iter();
        let cells = cells.map(|(_, show)| show(one).unwrap_or_else(|| "n/a".to_owned()));
        std::iter::once(cpu.cpu.to_string()).chain(cells).collect()
    };
    let header = std::iter::once("CPU").chain(columns.iter().map(|(name, _)| *name));
    Some(vec![Block::table(header, cpus.iter().map(row))])
}

fn throttled(count: Option<u64>, time: Option<Nanos>) -> Option<String> {
    let count = human::grouped(count?);
    Some(match time {
        Some(time) if time.0 > 0 => format!("{count} times, {}", human::length(time)),
        _ => count,
    })
}

/// Those that came; 0 where none of them did.
fn vectors(watched: &WatchedReport) -> String {
    let all = watched.vectors.iter().flatten();
    let came: Vec<String> = all
        .filter(|vector| vector.count > 0)
        .map(|vector| format!("{} {}", vector.name, human::grouped(vector.count)))
        .collect();
    match came.is_empty() {
        true => "0".to_owned(),
        false => came.join(", "),
    }
}

fn steps(report: &Report<()>) -> Option<Vec<Block>> {
    let steps = &report.tsc.steps;
    let what = |kind: ClockStepKind| match kind {
        ClockStepKind::Suspend { suspended_ns } => {
            format!(
                "the machine was suspended for {}",
                human::length(suspended_ns)
            )
        }
        ClockStepKind::TscStep { ahead_ns } => {
            let sign = if ahead_ns < 0 { "back" } else { "ahead" };
            let length = human::length(Nanos(ahead_ns.unsigned_abs()));
            format!("the TSC was set {sign} by {length}")
        }
        ClockStepKind::TscRate { change_ppm } => {
            format!("the TSC's rate changed by {change_ppm} ppm")
        }
    };
    let rows = steps.iter();
    let rows = rows.map(|step| vec![step.seen_utc.clone(), what(step.what)]);
    let table = Block::table(["noticed (UTC)", "what happened to the clocks"], rows);
    (!steps.is_empty()).then(|| {
        let text = "The clocks went apart: a gap of that moment may be a clock artefact.";
        vec![Block::Paragraph(text.to_owned()), table]
    })
}

fn log(report: &Report<()>) -> Option<Vec<Block>> {
    let before = || "before the run".to_owned();
    let rows = report.tsc.log.iter().map(|line| {
        let seen = line.seen_utc.clone().unwrap_or_else(before);
        vec![seen, line.text.clone()]
    });
    let header = ["noticed (UTC)", "what the kernel logged of the TSC"];
    Some(vec![Block::table(header, rows)])
}
