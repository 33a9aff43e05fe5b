//! Whether the runs can be compared at all, and what weakens it.

use std::collections::BTreeSet;

use crate::model::{CpuReport, Outcome};
use crate::units::Nanos;

use super::events::Series;
use super::input::SavedRun;
use super::model::{Note, Weight};
use super::rates::Classes;
use super::sides::{coverage, cpus};

/// TSC rates of one machine, calibrated twice, agree far better than this.
const SAME_RATE_PPM: f64 = 500.0;
/// Coverage may differ by this much before it is worth a word.
const SAME_COVERAGE: f64 = 0.1;
/// Of the gaps seen, the share whose records may be lost.
const LOST_SHARE: f64 = 0.01;

/// What speaks against laying a difference to the setting under test, what bars
/// a verdict first.
pub(super) fn notes(before: &[SavedRun], after: &[SavedRun], series: [&[Series]; 2]) -> Vec<Note> {
    let runs: Vec<&SavedRun> = before.iter().chain(after).collect();
    let mut notes = Vec::new();
    let mut add = |id, weight, text: String| notes.push(Note { id, weight, text });
    if differs(&runs, |run| run.report.verdict.subject) {
        add(
            "guest-and-metal",
            Weight::Bars,
            "Some runs were made in a guest and some on bare metal: what took the time is not \
             the same thing."
                .to_owned(),
        );
    }
    if differs(&runs, |run| run.report.run.engine) {
        add(
            "engine",
            Weight::Bars,
            "The runs used different engines, which do not see the same stalls.".to_owned(),
        );
    }
    for (id, name, is_other) in identity(&runs) {
        if is_other {
            add(
                id,
                Weight::Doubt,
                format!("The {name} is not the same in all runs: a difference may be its doing."),
            );
        }
    }
    for (weight, id, text) in records(&runs, series) {
        add(id, weight, text);
    }
    for (id, text) in circumstances(&runs) {
        add(id, Weight::Doubt, text);
    }
    if before.len() == 1 || after.len() == 1 {
        add(
            "one-run",
            Weight::Doubt,
            "With one run on a side, how far runs differ without any change cannot be seen. \
             Better are several, before and after in turns."
                .to_owned(),
        );
    }
    notes.sort_by_key(|note| std::cmp::Reverse(note.weight));
    notes
}

/// Whether the evidence tells SMIs from the rest in the same way everywhere.
pub(super) fn classes(before: &[SavedRun], after: &[SavedRun]) -> Classes {
    let counted = |run: &SavedRun| run.report.cpus.iter().all(|cpu| cpu.smi.is_some());
    let runs: Vec<&SavedRun> = before.iter().chain(after).collect();
    match differs(&runs, |run| counted(run)) {
        true => Classes::Unlike,
        false => Classes::Alike,
    }
}

fn differs<T: PartialEq>(runs: &[&SavedRun], part: impl Fn(&SavedRun) -> T) -> bool {
    runs.windows(2).any(|pair| part(pair[0]) != part(pair[1]))
}

fn identity(runs: &[&SavedRun]) -> [(&'static str, &'static str, bool); 5] {
    let machine = |run: &SavedRun| {
        let host = run.report.host.clone();
        let cpu = host.cpu;
        let model = (
            cpu.vendor,
            cpu.model_name,
            cpu.family,
            cpu.model,
            cpu.stepping,
        );
        (
            host.system.vendor,
            host.system.product,
            host.system.board,
            host.hostname,
            model,
        )
    };
    let rates = || runs.iter().map(|run| run.report.tsc.hz);
    let (low, high) = (
        rates().fold(f64::MAX, f64::min),
        rates().fold(0.0, f64::max),
    );
    [
        ("machine", "machine", differs(runs, machine)),
        (
            "kernel",
            "kernel",
            differs(runs, |run| run.report.host.kernel.release.clone()),
        ),
        (
            "tsc",
            "TSC's rate",
            (high / low - 1.0) * 1e6 > SAME_RATE_PPM,
        ),
        (
            "hypervisor",
            "hypervisor",
            differs(runs, |run| run.report.host.hypervisor.clone()),
        ),
        (
            "cpus",
            "set of sampled CPUs",
            differs(runs, |run| cpus(run).to_string()),
        ),
    ]
}

fn records(runs: &[&SavedRun], series: [&[Series]; 2]) -> Vec<(Weight, &'static str, String)> {
    let mut notes = Vec::new();
    let sum = |run: &SavedRun, part: fn(&CpuReport) -> u64| -> u64 {
        run.report
            .cpus
            .iter()
            .map(part)
            .fold(0, u64::saturating_add)
    };
    let lost = |run: &&&SavedRun| sum(run, |cpu| cpu.gaps_dropped) > 0;
    let dropped: u64 = runs
        .iter()
        .filter(lost)
        .map(|run| sum(run, |cpu| cpu.gaps_dropped))
        .fold(0, u64::saturating_add);
    if dropped > 0 {
        let much = runs.iter().any(|run| {
            let seen = sum(run, |cpu| cpu.gaps_seen) as f64;
            sum(run, |cpu| cpu.gaps_dropped) as f64 > LOST_SHARE * seen
        });
        notes.push((
            if much { Weight::Bars } else { Weight::Doubt },
            "lost-records",
            format!("{dropped} gaps came too fast to be recorded and are missing here."),
        ));
    }
    let stalls: usize = series
        .iter()
        .flat_map(|side| side.iter())
        .map(|run| run.events.len())
        .sum();
    let gaps = runs.iter().flat_map(|run| &run.report.gaps);
    let unknown = gaps.filter(|gap| gap.unknown_ns > Nanos(0)).count();
    if unknown > 0 {
        notes.push((
            if unknown > stalls {
                Weight::Bars
            } else {
                Weight::Doubt
            },
            "unknown-gaps",
            format!("{unknown} gaps have a part that is not known; it is in none of the figures."),
        ));
    }
    notes
}

fn circumstances(runs: &[&SavedRun]) -> Vec<(&'static str, String)> {
    let mut notes = Vec::new();
    let mut add = |id, text: &str| notes.push((id, text.to_owned()));
    let priority = |run: &SavedRun| -> BTreeSet<String> {
        (run.report.cpus.iter().map(|cpu| cpu.scheduling.clone())).collect()
    };
    if differs(runs, priority) {
        add(
            "scheduling",
            "The runs were not scheduled alike, so that the kernel hid other times.",
        );
    }
    let window =
        |run: &SavedRun| -> (Nanos, Nanos) { (run.report.run.width_ns, run.report.run.window_ns) };
    if differs(runs, window) {
        add("window", "The runs sampled different parts of each window.");
    }
    let load = |run: &SavedRun| {
        let load = run.report.run.command.as_ref();
        load.map(|load| (load.arguments.clone(), load.on_sampled))
    };
    if differs(runs, load) {
        add(
            "load",
            "The runs were made under different loads: a difference may be the load's doing.",
        );
    }
    let shares = || runs.iter().map(|run| coverage(run));
    if shares().fold(0.0, f64::max) - shares().fold(1.0, f64::min) > SAME_COVERAGE {
        add(
            "coverage",
            "Coverage differs by more than a tenth. Rates are per covered hour; stalls that \
             come with kernel work are missed more often where less was covered.",
        );
    }
    if runs
        .iter()
        .any(|run| run.report.cpus.iter().any(|cpu| cpu.ended_early.is_some()))
    {
        add("ended-early", "On some CPU sampling ended early.");
    }
    let mut cut_short = runs.iter().filter_map(|run| run.report.run.cut_short());
    if let Some(why) = cut_short.next_back() {
        add(
            "cut-off",
            &format!(
                "A run is not the whole that was asked for, and counts as far as it goes: {why}."
            ),
        );
    }
    if runs
        .iter()
        .any(|run| !run.report.tsc.clocksource_changes.is_empty())
    {
        add(
            "clocksource",
            "The kernel changed its clocksource during a run: the TSC is in doubt.",
        );
    }
    let inconclusive = |run: &&SavedRun| run.report.verdict.result == Outcome::Inconclusive;
    if runs.iter().any(inconclusive) {
        add(
            "inconclusive",
            "A run was inconclusive by itself; its report says why.",
        );
    }
    if runs.iter().any(|run| run.report.run.scripted) {
        add(
            "scripted",
            "SCRIPTED CLOCK: a test of the program, not a measurement.",
        );
    }
    if overlap(runs) {
        add(
            "overlap",
            "Two runs of one host overlap in time: they share stalls.",
        );
    }
    notes
}

/// RFC 3339 in UTC with the same number of digits sorts as text.
fn overlap(runs: &[&SavedRun]) -> bool {
    let is_time = |text: &str| text.len() == 30 && text.ends_with('Z');
    runs.iter().enumerate().any(|(at, a)| {
        runs[..at].iter().any(|b| {
            let (a, b) = (&a.report, &b.report);
            let times = [
                &a.run.started_utc,
                &a.run.ended_utc,
                &b.run.started_utc,
                &b.run.ended_utc,
            ];
            times.iter().all(|text| is_time(text))
                && a.host.hostname == b.host.hostname
                && a.run.started_utc < b.run.ended_utc
                && b.run.started_utc < a.run.ended_utc
        })
    })
}
