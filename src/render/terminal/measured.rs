//! What was measured, and on what.

use std::collections::BTreeMap;

use crate::model::{CpuReport, EndedBy, EngineName, NotSampledReport, Run};
use crate::render::page::Page;
use crate::render::terminal::Summary;
use crate::text::{clean, human};
use crate::units::Nanos;

/// Names out of DMI tables and files are cut at this many columns.
const LONGEST_NAME: usize = 48;
/// The columns that the longest name of a field takes.
const NAME_WIDTH: usize = 9;

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    page.heading("Measured");
    machine(summary, page);
    clock(summary, page);
    run(summary, page);
    sampling(summary, page);
    coverage(summary, page);
}

fn machine(summary: &Summary<'_>, page: &mut Page) {
    let host = summary.host;
    field(page, "Host", &name(&host.hostname));
    let system = joined([&host.system.vendor, &host.system.product]);
    let bios = joined([&host.bios.vendor, &host.bios.version, &host.bios.date]);
    field(page, "System", &format!("{system}; BIOS {bios}"));
    if summary.in_guest() {
        field(page, "Guest of", &name(&host.hypervisor));
    }
    let cpu = &host.cpu;
    let microcode = name(&cpu.microcode);
    field(
        page,
        "Processor",
        &format!("{}; microcode {microcode}", name(&cpu.model_name)),
    );
    field(page, "Kernel", &name(&host.kernel.release));
}

fn clock(summary: &Summary<'_>, page: &mut Page) {
    let tsc = summary.tsc;
    let invariant = match tsc.invariant {
        Some(true) => "invariant",
        Some(false) => "NOT invariant",
        None => "not known to be invariant",
    };
    let mut text = format!(
        "TSC {} MHz ({}), {invariant}; clocksource {}",
        human::grouped((tsc.hz / 1e6).round() as u64),
        short(&tsc.hz_source),
        name(&tsc.clocksource_start),
    );
    if tsc.clocksource_end != tsc.clocksource_start || !tsc.clocksource_changes.is_empty() {
        text.push_str(&format!(", changed to {}", name(&tsc.clocksource_end)));
    }
    field(page, "Clock", &text);
}

fn run(summary: &Summary<'_>, page: &mut Page) {
    let run = summary.run;
    if let Some(label) = &run.label {
        field(page, "Label", &short(label));
    }
    let start = match human::day_and_time(&run.started_utc) {
        Some((day, time)) => format!("{day} {}", &time[..8]),
        None => short(&run.started_utc),
    };
    field(page, "Run", &format!("{start} UTC, {}", lasted(run)));
    let threshold = human::chosen(run.threshold_ns);
    let limit = human::chosen(run.hardlimit_ns);
    field(
        page,
        "Threshold",
        &format!("gaps above {threshold} recorded; limit {limit}"),
    );
}

/// How long a run lasted, of how long, and what ended it before.
pub(in crate::render) fn lasted(run: &Run) -> String {
    let ended = match (run.ended_by, &run.error) {
        (EndedBy::Duration, _) => String::new(),
        (EndedBy::Signal, _) => ", ended early by a signal".to_owned(),
        (EndedBy::Gap, _) => ", ended by its first platform gap".to_owned(),
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

fn sampling(summary: &Summary<'_>, page: &mut Page) {
    let run = summary.run;
    let engine = match run.engine {
        EngineName::User => "user: pinned loop in user space".to_owned(),
        EngineName::Bpf => "bpf: interrupts off".to_owned(),
        EngineName::Hwlat => "hwlat: the kernel's tracer, interrupts off".to_owned(),
        EngineName::Osnoise => format!(
            "osnoise: the kernel's tracer, interrupts {}",
            interrupts(summary)
        ),
        EngineName::Both => "user and bpf in turn".to_owned(),
        EngineName::Several => {
            let names = summary.engines.iter().map(|engine| engine.engine.name());
            format!("{} in turn", names.collect::<Vec<_>>().join(", "))
        }
    };
    let mut schedulings: BTreeMap<&str, u64> = BTreeMap::new();
    for cpu in summary.cpus {
        *schedulings.entry(&cpu.scheduling).or_default() += 1;
    }
    let scheduling: Vec<String> = match schedulings.len() {
        1 => schedulings.keys().map(|name| short(name)).collect(),
        _ => schedulings
            .iter()
            .take(4)
            .map(|(name, cpus)| format!("{} on {}", short(name), human::plural(*cpus, "CPU")))
            .collect(),
    };
    field(
        page,
        "Engine",
        &format!("{engine}; scheduling {}", scheduling.join(", ")),
    );
    let sampled = super::cpu_names(summary.cpus);
    let left_out = match super::left_out(summary) {
        Some(cpus) => format!("left out: {cpus}{}", reasons(&run.not_sampled)),
        None => "none left out".to_owned(),
    };
    field(page, "Sampled", &format!("{sampled}; {left_out}"));
    if run.width_ns < run.window_ns {
        let (width, window) = (human::chosen(run.width_ns), human::chosen(run.window_ns));
        field(page, "Window", &format!("{width} sampled of each {window}"));
    }
}

/// Why CPUs were left out; of several reasons each with its CPUs.
pub(in crate::render) fn reasons(not_sampled: &[NotSampledReport]) -> String {
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
    let mut tracers = summary.cpus.iter().filter_map(|cpu| cpu.tracer.as_ref());
    match tracers.any(|tracer| tracer.interrupts_off) {
        true => "off",
        false => "on",
    }
}

fn coverage(summary: &Summary<'_>, page: &mut Page) {
    field(page, "Coverage", &covered(summary));
}

/// How much of the time was covered, and what took the rest.
pub(super) fn covered(summary: &Summary<'_>) -> String {
    let sum = |part: fn(&CpuReport) -> Nanos| {
        let parts = summary.cpus.iter().map(part);
        parts.fold(Nanos(0), Nanos::saturating_add)
    };
    let elapsed = sum(|cpu| cpu.elapsed_ns);
    let of_time = human::percent(summary.verdict.coverage);
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

fn field(page: &mut Page, name: &str, text: &str) {
    page.field(NAME_WIDTH, name, text);
}

/// A name that may be unreadable, with one length for all.
pub(super) fn name(text: &Option<String>) -> String {
    match text.as_deref().map(str::trim) {
        None | Some("") => "not readable".to_owned(),
        Some(text) => short(text),
    }
}

/// Names in one, those that are readable.
pub(super) fn joined<const N: usize>(parts: [&Option<String>; N]) -> String {
    let known: Vec<&str> = parts
        .into_iter()
        .flatten()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    name(&Some(known.join(" ")))
}

fn short(text: &str) -> String {
    clean::truncated(&clean::ascii(text), LONGEST_NAME).into_owned()
}
