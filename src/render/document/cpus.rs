//! One row a CPU: coverage, extremes, SMI counts, gaps by cause; and one a package,
//! where there are several.

use std::collections::BTreeMap;

use crate::judgement::packages::worst_first as order;
use crate::model::{Cause, CauseCounts, CpuReport, Report};
use crate::render::document::{Block, Rank, Section, Summary, cpu_names};
use crate::render::packages::{ByPackage, KEY};
use crate::text::human;
use crate::units::{Cycles, Nanos};

/// Distinct notes below the table.
const MOST_NOTES: usize = 16;

pub(super) fn section(summary: &Summary<'_>) -> Option<Section> {
    let cpus = worst_first(&summary.report.cpus);
    let causes = causes_seen(&summary.report.cpus);
    let mut header = vec![
        "CPU",
        "covered",
        "rounds",
        "shortest loop",
        "worst platform",
        "worst OS",
        "SMIs",
        "counter",
    ];
    header.extend(causes.iter().map(|cause| cause.name()));
    let rows = cpus.iter().map(|cpu| row(summary, cpu, &causes));
    super::section(
        "SMI counts and gaps by CPU",
        Rank::Detail,
        vec![Block::table(header, rows), Block::Points(notes(summary))],
    )
}

pub(super) fn packages(report: &Report<()>) -> Option<Section> {
    let packages = ByPackage::new(&report.cpus, &report.stalls, report.verdict.subject)?;
    let mut blocks = vec![
        Block::table(packages.header, packages.rows),
        Block::Paragraph(String::from(KEY)),
    ];
    blocks.extend(packages.reach.map(Block::Paragraph));
    super::section("Packages", Rank::Detail, blocks)
}

/// The CPUs, those first that matter most to the verdict.
pub(in crate::render) fn worst_first(cpus: &[CpuReport]) -> Vec<&CpuReport> {
    let mut worst: Vec<&CpuReport> = cpus.iter().collect();
    worst.sort_by_key(|cpu| order(cpu));
    worst
}

/// The SMIs counted on a CPU. A hypervisor's counter that stays at 0 says
/// nothing of the SMIs below.
pub(in crate::render) fn countable(summary: &Summary<'_>, cpu: &CpuReport) -> Option<u64> {
    let delta = cpu.smi?.delta;
    (delta > 0 || !summary.in_guest()).then_some(delta)
}

pub(in crate::render) fn causes_seen(cpus: &[CpuReport]) -> Vec<Cause> {
    let all = cpus.iter().map(|cpu| cpu.gaps_by_cause);
    let all = all.fold(CauseCounts::default(), CauseCounts::and);
    let seen = all.each().into_iter().filter(|&(_, count)| count > 0);
    seen.map(|(cause, _)| cause).collect()
}

/// The longest of its kind; a dash where there is none.
pub(in crate::render) fn longest(length: Nanos) -> String {
    match length {
        Nanos(0) => String::from("-"),
        length => human::length(length),
    }
}

fn row(summary: &Summary<'_>, cpu: &CpuReport, causes: &[Cause]) -> Vec<String> {
    let unknown = || String::from("n/a");
    let smis = countable(summary, cpu);
    let counter = cpu.smi.filter(|_| smis.is_some());
    let mut cells = vec![
        cpu.cpu.to_string(),
        human::percent(human::share(cpu.covered_ns, cpu.elapsed_ns)),
        // A tracer of the kernel's tells of neither.
        cpu.iterations.map_or_else(unknown, human::count),
        cpu.min_cycles
            .map_or_else(unknown, |cycles| shortest(summary, cycles)),
        longest(cpu.max_platform_ns),
        longest(cpu.max_os_ns),
        smis.map_or_else(unknown, human::grouped),
        counter.map_or_else(unknown, |smi| format!("{} to {}", smi.before, smi.after)),
    ];
    let count = |&cause: &Cause| human::grouped(cpu.gaps_by_cause.count(cause));
    cells.extend(causes.iter().map(count));
    cells
}

/// A few nanoseconds, of which tenths matter.
fn shortest(summary: &Summary<'_>, cycles: Cycles) -> String {
    let nanos = cycles.0 as f64 * 1e9 / summary.report.tsc.hz;
    let time = match nanos < 1_000.0 {
        true => format!("{} ns", human::three_digits(nanos)),
        false => human::length(Nanos(nanos as u64)),
    };
    format!("{time} ({} cycles)", human::count(cycles.0))
}

/// Reasons below the table, each with the CPUs that share it.
fn notes(summary: &Summary<'_>) -> Vec<String> {
    let cpus = &summary.report.cpus;
    let mut notes: BTreeMap<String, Vec<&CpuReport>> = BTreeMap::new();
    for cpu in cpus {
        let reason = cpu.smi_reason.as_deref();
        let smi = match (countable(summary, cpu), cpu.smi) {
            (Some(_), _) => reason.map(|reason| format!("SMIs: {reason}")),
            (None, None) => Some(format!(
                "SMIs: not countable here: {}",
                reason.unwrap_or("no reason was recorded")
            )),
            (None, Some(_)) => Some(format!(
                "SMIs: not countable here: {}",
                reason.unwrap_or("the counter is the virtual machine's own")
            )),
        };
        let early = cpu.ended_early.as_ref();
        let early = early.map(|why| format!("ended early: {why}"));
        for note in [smi, early].into_iter().flatten() {
            notes.entry(note).or_default().push(cpu);
        }
    }
    let more = notes.len().saturating_sub(MOST_NOTES);
    let mut points: Vec<String> = (notes.into_iter().take(MOST_NOTES))
        .map(|(note, of)| match of.len() == cpus.len() {
            true => note,
            false => format!("{}: {note}", cpu_names(of)),
        })
        .collect();
    if more > 0 {
        points.push(format!(
            "{more} more notes on single CPUs are in the JSON report."
        ));
    }
    points
}
