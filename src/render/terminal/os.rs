//! What this kernel did on the sampled CPUs, by its own records.

use std::collections::BTreeMap;

use crate::model::{CpuReport, OsSource};
use crate::render::page::Page;
use crate::render::table::{Align, Table};
use crate::render::terminal::Summary;
use crate::text::human;
use crate::units::Nanos;

/// More CPUs than this are shown as one.
const MOST_CPUS: usize = 4;
/// Sources shown of each.
const MOST_SOURCES: usize = 6;

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    let known: Vec<(&CpuReport, &Vec<OsSource>)> = summary
        .cpus
        .iter()
        .filter_map(|cpu| Some((cpu, cpu.os_sources.as_ref()?)))
        .filter(|(_, sources)| !sources.is_empty())
        .collect();
    if known.is_empty() {
        return;
    }
    page.heading("What the kernel did on the sampled CPUs");
    let mut table = Table::new(&[
        ("CPU", Align::Right),
        ("source", Align::Left),
        ("times", Align::Right),
        ("time", Align::Right),
        ("share", Align::Right),
        ("longest", Align::Right),
    ]);
    if known.len() <= MOST_CPUS {
        for (cpu, sources) in known {
            rows(&mut table, &cpu.cpu.to_string(), sources, cpu.elapsed_ns);
        }
    } else {
        let elapsed = known
            .iter()
            .map(|(cpu, _)| cpu.elapsed_ns.0)
            .fold(0, u64::saturating_add);
        rows(
            &mut table,
            "all",
            &merged(known.iter().map(|(_, sources)| *sources)),
            Nanos(elapsed),
        );
    }
    page.table(&table);
}

fn rows(table: &mut Table, cpu: &str, sources: &[OsSource], elapsed: Nanos) {
    let mut cpu = cpu.to_owned();
    for source in sources.iter().take(MOST_SOURCES) {
        table.row(vec![
            std::mem::take(&mut cpu),
            source.name.chars().take(24).collect(),
            human::count(source.count),
            human::length(source.total_ns),
            human::percent(human::share(source.total_ns, elapsed)),
            human::length(source.max_ns),
        ]);
    }
    let rest = sources.get(MOST_SOURCES..).unwrap_or_default();
    if !rest.is_empty() {
        let sum = |part: fn(&OsSource) -> u64| rest.iter().map(part).fold(0, u64::saturating_add);
        let total = Nanos(sum(|source| source.total_ns.0));
        table.row(vec![
            String::new(),
            format!("{} others", rest.len()),
            human::count(sum(|source| source.count)),
            human::length(total),
            human::percent(human::share(total, elapsed)),
            human::length(
                rest.iter()
                    .map(|source| source.max_ns)
                    .max()
                    .unwrap_or_default(),
            ),
        ]);
    }
}

/// The same source on several CPUs as one.
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
