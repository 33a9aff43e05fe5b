//! What was measured, how, on what, for how long, with what coverage.

use std::collections::BTreeMap;

use crate::model::{CpuReport, EndedBy, EngineName, NotSampledReport, Report, Run};
use crate::render::document::{Block, Rank, Section, Summary, or_unknown};
use crate::text::human;
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

pub(super) fn section(summary: &Summary<'_>) -> Option<Section> {
    let report = summary.report;
    let run = &report.run;
    let cpus: CpuList = report.cpus.iter().map(|cpu| cpu.cpu).collect();
    let left_out = match run.cpus_not_sampled.trim() {
        "" => String::from("none"),
        cpus => format!("{cpus}{}", reasons(&run.not_sampled)),
    };
    let mut facts = vec![
        (
            "Label",
            run.label.clone().unwrap_or_else(|| String::from("none")),
        ),
        (
            "Time",
            format!("{} to {}, {}", run.started_utc, run.ended_utc, lasted(run)),
        ),
        ("Engine", engine(summary)),
        ("CPUs sampled", cpus.to_string()),
        ("CPUs left out", left_out),
        (
            "Threshold",
            format!(
                "gaps above {} are recorded",
                human::chosen(run.threshold_ns)
            ),
        ),
        (
            "Limit",
            format!(
                "platform gaps above {} fail the run",
                human::chosen(run.hardlimit_ns)
            ),
        ),
        ("Coverage", covered(summary)),
        ("Scheduling", schedulings(&report.cpus)),
    ];
    if run.width_ns < run.window_ns {
        let (width, window) = (human::chosen(run.width_ns), human::chosen(run.window_ns));
        facts.push(("Window", format!("{width} sampled of each {window}")));
    }
    if let Some(warm_up) = run.warm_up_ns.filter(|length| *length > Nanos(0)) {
        let text = format!("{} sampled before and discarded", human::chosen(warm_up));
        facts.push(("Warm-up", text));
    }
    facts.extend(clock(report));
    let reader = match run.engine {
        EngineName::Hwlat | EngineName::Osnoise => "by a tracer of the kernel's",
        _ => "on pinned threads",
    };
    super::section(
        "What was measured, and how",
        Rank::Main,
        vec![
            Block::Paragraph(format!(
                "The time stamp counter is read back to back {reader}. Where two readings lie \
                 further apart than the threshold, something took the CPU; the evidence below \
                 says what."
            )),
            Block::Facts(facts),
        ],
    )
}

fn engine(summary: &Summary<'_>) -> String {
    let text = match summary.report.run.engine {
        EngineName::User => "user: a pinned loop in user space, interrupts on",
        EngineName::Bpf => "bpf: a program in the kernel with interrupts off",
        EngineName::Hwlat => "hwlat: the kernel's tracer, interrupts off",
        EngineName::Osnoise => {
            return format!(
                "osnoise: the kernel's tracer, interrupts {}",
                interrupts(summary)
            );
        }
        EngineName::Both => "user and bpf in turn: with interrupts on, and with interrupts off",
        EngineName::Several => {
            let engines = summary.report.engines.iter();
            let names: Vec<&str> = engines.map(|engine| engine.engine.name()).collect();
            return format!("{} in turn, each with its figures below", names.join(", "));
        }
    };
    text.to_owned()
}

fn schedulings(cpus: &[CpuReport]) -> String {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for cpu in cpus {
        *all.entry(&cpu.scheduling).or_default() += 1;
    }
    let several = all.len() > 1;
    let each = all.iter().take(4).map(|(name, cpus)| match several {
        true => format!("{name} on {}", human::counted(*cpus, "CPU")),
        false => (*name).to_owned(),
    });
    let shown = each.collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(4) {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    }
}

/// How long a run lasted, of how long, and what ended it before.
pub(in crate::render) fn lasted(run: &Run) -> String {
    let ended = match (run.ended_by, &run.error) {
        (EndedBy::Duration, _) => String::new(),
        (EndedBy::Signal, _) => ", ended early by a signal".to_owned(),
        (EndedBy::Gap, _) => ", ended by a gap, as asked".to_owned(),
        (EndedBy::Command, _) => ", ended with its command".to_owned(),
        (EndedBy::Running, _) => ", then a checkpoint: cut off, or still running".to_owned(),
        (EndedBy::Error, None) => ", ended early by an error".to_owned(),
        (EndedBy::Error, Some(error)) => format!(", ended early: {error}"),
    };
    let of = match run.planned_ns {
        Some(planned) if run.ended_by != EndedBy::Duration => {
            format!(" of {}", human::chosen(planned))
        }
        _ => String::new(),
    };
    format!("{}{of}{ended}", human::length(run.elapsed_ns))
}

/// Why CPUs were left out; of several reasons each with its CPUs.
fn reasons(not_sampled: &[NotSampledReport]) -> String {
    match not_sampled {
        [] => String::new(),
        [only] => format!(" ({})", only.reason),
        several => {
            let each = several
                .iter()
                .map(|one| format!("{}: {}", one.cpus, one.reason));
            format!(" ({})", each.collect::<Vec<_>>().join("; "))
        }
    }
}

/// Whether interrupts came while the kernel's tracer sampled.
fn interrupts(summary: &Summary<'_>) -> &'static str {
    let mut tracers = summary
        .report
        .cpus
        .iter()
        .filter_map(|cpu| cpu.tracer.as_ref());
    match tracers.any(|tracer| tracer.interrupts_off) {
        true => "off",
        false => "on",
    }
}

/// How much of the time was covered, and what took the rest.
pub(in crate::render) fn covered(summary: &Summary<'_>) -> String {
    let sum = |part: fn(&CpuReport) -> Nanos| {
        let parts = summary.report.cpus.iter().map(part);
        parts.fold(Nanos(0), Nanos::saturating_add)
    };
    let elapsed = sum(|cpu| cpu.elapsed_ns);
    let of_time = human::percent(summary.report.verdict.coverage);
    let rest: Vec<String> = [
        (sum(|cpu| cpu.os_ns), "kernel"),
        (sum(|cpu| cpu.unknown_ns), "unknown"),
        (sum(|cpu| cpu.blind_ns), "measurement overhead"),
        (sum(|cpu| cpu.paused_ns), "paused by --window"),
        (sum(between), "between interrupts-off windows"),
    ]
    .into_iter()
    .filter(|(part, _)| part.0 > 0)
    .map(|(part, what)| {
        let share = human::three_digits(human::share(part, elapsed) * 100.0);
        format!("{what} {share} %")
    })
    .collect();
    match rest.is_empty() {
        true => format!("{of_time} of the time"),
        false => format!("{of_time} of the time ({})", rest.join(", ")),
    }
}

fn between(cpu: &CpuReport) -> Nanos {
    cpu.masked.map_or(Nanos(0), |masked| masked.between_ns)
}

fn clock(report: &Report<()>) -> Vec<(&'static str, String)> {
    let tsc = &report.tsc;
    let invariant = match tsc.invariant {
        Some(true) => "invariant",
        Some(false) => "NOT invariant",
        None => "not known to be invariant",
    };
    let error = tsc.hz_error_ppm.map_or(String::new(), |ppm| {
        format!(", error at most {} ppm", human::three_digits(ppm))
    });
    let changes = match tsc.clocksource_changes.len() {
        0 => String::new(),
        changes => format!(", changed {changes} time(s)"),
    };
    vec![
        (
            "TSC",
            format!(
                "{} MHz ({}{error}), {invariant}; flags: {}",
                human::grouped((tsc.hz / 1e6).round() as u64),
                tsc.hz_source,
                tsc.flags.join(" "),
            ),
        ),
        (
            "Clocksource",
            format!(
                "{} at the start, {} at the end{changes}",
                or_unknown(&tsc.clocksource_start),
                or_unknown(&tsc.clocksource_end)
            ),
        ),
    ]
}
