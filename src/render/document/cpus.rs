//! One row a CPU: coverage, extremes, SMI counts, gaps by cause; before them one
//! a package, where there are several.

use std::cmp::Reverse;

use crate::model::{Cause, CauseCounts, CpuReport, Report, Subject};
use crate::render::document::{Block, Rank, Section, Table};
use crate::render::packages::{ByPackage, KEY};
use crate::text::human;

/// CPUs that are shown: the worst.
const ROWS: usize = 128;

pub(super) fn section(report: &Report<()>) -> Option<Section> {
    let mut cpus: Vec<&CpuReport> = report.cpus.iter().collect();
    cpus.sort_by_key(|cpu| (Reverse(cpu.max_platform_ns), cpu.cpu));
    cpus.truncate(ROWS);
    // A column for each cause that was seen.
    let all = report.cpus.iter().map(|cpu| cpu.gaps_by_cause);
    let all = all.fold(CauseCounts::default(), CauseCounts::and);
    let seen: Vec<Cause> = (all.each().into_iter())
        .filter(|&(_, count)| count > 0)
        .map(|(cause, _)| cause)
        .collect();
    let mut header = vec![
        "CPU",
        "covered",
        "worst platform",
        "worst OS",
        "SMIs",
        "counter",
    ];
    header.extend(seen.iter().map(|cause| cause.name()));
    let table = Block::Table(Table {
        header,
        rows: cpus.iter().map(|cpu| row(report, cpu, &seen)).collect(),
        more: report.cpus.len().saturating_sub(ROWS) as u64,
    });
    let mut notes: Vec<String> = cpus
        .iter()
        .filter_map(|cpu| cpu.smi_reason.as_ref().map(|why| (cpu.cpu, why)))
        .map(|(cpu, why)| format!("CPU {cpu}: SMIs: {why}"))
        .collect();
    let early = cpus
        .iter()
        .filter_map(|cpu| cpu.ended_early.as_ref().map(|why| (cpu.cpu, why)));
    notes.extend(early.map(|(cpu, why)| format!("CPU {cpu}: ended early: {why}")));
    notes.truncate(16);
    let mut blocks = packages(report);
    blocks.push(table);
    if !notes.is_empty() {
        blocks.push(Block::Points(notes));
    }
    super::section("SMI counts and gaps by CPU", Rank::Support, blocks)
}

fn packages(report: &Report<()>) -> Vec<Block> {
    let packages = ByPackage::new(&report.cpus, &report.stalls, report.verdict.subject);
    let Some(packages) = packages else {
        return Vec::new();
    };
    let table = Block::Table(Table {
        header: packages.header,
        rows: packages.rows,
        more: 0,
    });
    let reach = packages.reach.map(Block::Paragraph);
    let key = Block::Paragraph(String::from(KEY));
    [key, table].into_iter().chain(reach).collect()
}

fn row(report: &Report<()>, cpu: &CpuReport, causes: &[Cause]) -> Vec<String> {
    // A hypervisor's counter that stays at 0 says nothing of the SMIs below.
    let counted = cpu
        .smi
        .filter(|smi| smi.delta > 0 || report.verdict.subject == Subject::Hardware);
    let unknown = || String::from("n/a");
    let mut cells = vec![
        cpu.cpu.to_string(),
        human::percent(human::share(cpu.covered_ns, cpu.elapsed_ns)),
        human::length(cpu.max_platform_ns),
        human::length(cpu.max_os_ns),
        counted.map_or_else(unknown, |smi| human::grouped(smi.delta)),
        counted.map_or_else(unknown, |smi| format!("{} to {}", smi.before, smi.after)),
    ];
    let count = |&cause: &Cause| human::grouped(cpu.gaps_by_cause.count(cause));
    cells.extend(causes.iter().map(count));
    cells
}
