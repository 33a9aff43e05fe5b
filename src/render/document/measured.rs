//! What was measured, how, on what, for how long, with what coverage.

use crate::model::{CpuReport, EngineName, Report};
use crate::render::document::{Block, Rank, Section, or_unknown};
use crate::render::terminal::measured::{lasted, reasons};
use crate::text::human;
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

pub(super) fn section(report: &Report<()>) -> Option<Section> {
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
        ("Engine", engine(run.engine).to_owned()),
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
        ("Coverage", coverage(report)),
        ("Scheduling", schedulings(&report.cpus)),
    ];
    if run.width_ns < run.window_ns {
        let (width, window) = (human::chosen(run.width_ns), human::chosen(run.window_ns));
        facts.push(("Window", format!("{width} sampled of each {window}")));
    }
    facts.extend(clock(report));
    super::section(
        "What was measured, and how",
        Rank::Core,
        vec![
            Block::Paragraph(String::from(
                "The time stamp counter is read back to back on pinned threads. Where two \
                 readings lie further apart than the threshold, something took the CPU; the \
                 evidence below says what.",
            )),
            Block::Facts(facts),
        ],
    )
}

fn engine(engine: EngineName) -> &'static str {
    match engine {
        EngineName::User => "user: a pinned loop in user space, interrupts on",
        EngineName::Bpf => "bpf: a program in the kernel with interrupts off",
        EngineName::Hwlat => "hwlat: the kernel's tracer, interrupts off",
        EngineName::Osnoise => "osnoise: the kernel's tracer",
        EngineName::Both => "user and bpf in turn: with interrupts on, and with interrupts off",
        EngineName::Several => "several in turn, each with its figures below",
    }
}

fn coverage(report: &Report<()>) -> String {
    let sum = |part: fn(&CpuReport) -> Nanos| {
        let parts = report.cpus.iter().map(part);
        parts.fold(Nanos(0), Nanos::saturating_add)
    };
    let elapsed = sum(|cpu| cpu.elapsed_ns);
    let lost: Vec<String> = [
        (sum(|cpu| cpu.os_ns), "kernel"),
        (sum(|cpu| cpu.blind_ns), "own work"),
        (sum(|cpu| cpu.paused_ns), "pauses"),
    ]
    .into_iter()
    .filter(|(part, _)| part.0 > 0)
    .map(|(part, what)| {
        let share = human::share(part, elapsed) * 100.0;
        format!("{what} {} %", human::three_digits(share))
    })
    .collect();
    let lost = match lost.is_empty() {
        true => String::new(),
        false => format!("; not covered: {}", lost.join(", ")),
    };
    let share = human::percent(report.verdict.coverage);
    format!("{share} of the time, mean over CPUs{lost}")
}

fn schedulings(cpus: &[CpuReport]) -> String {
    let mut all: Vec<&str> = cpus.iter().map(|cpu| cpu.scheduling.as_str()).collect();
    all.sort_unstable();
    all.dedup();
    let more = all.len().saturating_sub(4);
    all.truncate(4);
    match more {
        0 => all.join(", "),
        more => format!("{}, and {more} more", all.join(", ")),
    }
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
