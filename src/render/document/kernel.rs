//! What this kernel did on the sampled CPUs, by its own records.

use std::collections::BTreeMap;

use crate::model::{CpuReport, OsSource, Report};
use crate::render::document::{Block, Rank, Section};
use crate::text::human;
use crate::units::Nanos;

const MOST_CPUS: usize = 4;
const MOST_SOURCES: usize = 6;

pub(super) fn section(report: &Report<()>) -> Option<Section> {
    let known: Vec<(&CpuReport, &Vec<OsSource>)> = (report.cpus.iter())
        .filter_map(|cpu| Some((cpu, cpu.os_sources.as_ref()?)))
        .filter(|(_, sources)| !sources.is_empty())
        .collect();
    if known.is_empty() {
        return None;
    }
    let rows: Vec<Vec<String>> = if known.len() <= MOST_CPUS {
        let of_cpu = |(cpu, sources): &(&CpuReport, &Vec<OsSource>)| {
            rows(&cpu.cpu.to_string(), sources, cpu.elapsed_ns)
        };
        known.iter().flat_map(of_cpu).collect()
    } else {
        let elapsed = known.iter().map(|(cpu, _)| cpu.elapsed_ns);
        let elapsed = elapsed.fold(Nanos(0), Nanos::saturating_add);
        rows(
            "all",
            &merged(known.iter().map(|(_, sources)| *sources)),
            elapsed,
        )
    };
    let header = ["CPU", "source", "times", "time", "share", "longest"];
    super::section(
        "What the kernel did on the sampled CPUs",
        Rank::Detail,
        vec![Block::table(header, rows)],
    )
}

fn rows(cpu: &str, sources: &[OsSource], elapsed: Nanos) -> Vec<Vec<String>> {
    let row = |name: String, count, total, longest| {
        vec![
            String::new(),
            name,
            human::count(count),
            human::length(total),
            human::percent(human::share(total, elapsed)),
            human::length(longest),
        ]
    };
    let mut rows: Vec<Vec<String>> = (sources.iter().take(MOST_SOURCES))
        .map(|one| row(one.name.clone(), one.count, one.total_ns, one.max_ns))
        .collect();
    let rest = sources.get(MOST_SOURCES..).unwrap_or_default();
    if !rest.is_empty() {
        let sum = |part: fn(&OsSource) -> u64| rest.iter().map(part).fold(0, u64::saturating_add);
        let longest = rest.iter().map(|source| source.max_ns).max();
        rows.push(row(
            format!("{} others", rest.len()),
            sum(|source| source.count),
            Nanos(sum(|source| source.total_ns.0)),
            longest.unwrap_or_default(),
        ));
    }
    if let Some(first) = rows.first_mut() {
        cpu.clone_into(&mut first[0]);
    }
    rows
}

fn merged<'a>(cpus: impl Iterator<Item = &'a Vec<OsSource>>) -> Vec<OsSource> {
    let mut by_name: BTreeMap<&str, OsSource> = BTreeMap::new();
    for source in cpus.flatten() {
        let entry = by_name.entry(&source.name).or_insert_with(|| OsSource {
            name: source.name.clone(),
            count: 0,
            total_ns: Nanos(0),
            max_ns: Nanos(0),
        });
        entry.count = entry.count.saturating_add(source.count);
        entry.total_ns = entry.total_ns.saturating_add(source.total_ns);
        entry.max_ns = entry.max_ns.max(source.max_ns);
    }
    let mut all: Vec<OsSource> = by_name.into_values().collect();
    all.sort_by_key(|source| std::cmp::Reverse(source.total_ns));
    all
}
