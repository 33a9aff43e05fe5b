//! The worst CPUs, a line each, and all others in one.

use super::lines;
use crate::model::{Cause, CpuReport};
use crate::render::document::cpus::{causes_seen, countable, longest, worst_first};
use crate::render::document::{Rank, Summary};
use crate::render::page::WIDTH;
use crate::render::screen::Part;
use crate::render::style::Style;
use crate::render::table::{Align, Table};
use crate::text::human;
use crate::units::Nanos;

const MOST_ROWS: usize = 4;

pub(super) fn parts<'a>(summary: &Summary<'a>, style: Style) -> Vec<Part<'a>> {
    let worst = worst_first(&summary.report.cpus);
    let shown = &worst[..worst.len().min(MOST_ROWS)];
    let causes = causes_seen(&summary.report.cpus);
    let mut table = table(summary, shown, &causes);
    if table.width() + 2 > WIDTH {
        table = self::table(summary, shown, &[]);
    }
    let mut rows = table.lines().into_iter();
    let head = lines(style, |page| {
        if let Some(head) = rows.next() {
            page.line(&format!("  {head}"));
        }
    });
    let has_more = worst.len() > shown.len();
    let mut part = Part::new(Rank::Detail, head).least(2);
    for row in rows {
        part.item(lines(style, |page| page.line(&format!("  {row}"))));
    }
    let summary = *summary;
    let part =
        part.told(move |shown| lines(style, |page| page.line(&rest(&summary, &worst[shown..]))));
    vec![if has_more { part.and_others() } else { part }]
}

fn table(summary: &Summary<'_>, cpus: &[&CpuReport], causes: &[Cause]) -> Table {
    let mut header = vec![
        ("CPU", Align::Right),
        ("covered", Align::Right),
        ("longest below kernel", Align::Right),
        ("longest kernel", Align::Right),
        ("SMIs", Align::Right),
    ];
    header.extend(causes.iter().map(|cause| (cause.name(), Align::Right)));
    let mut table = Table::new(&header);
    for cpu in cpus {
        let smis = countable(summary, cpu);
        let mut cells = vec![
            cpu.cpu.to_string(),
            human::percent(human::share(cpu.covered_ns, cpu.elapsed_ns)),
            longest(cpu.max_platform_ns),
            longest(cpu.max_os_ns),
            smis.map_or_else(|| String::from("n/a"), human::count),
        ];
        let counts = causes.iter().map(|cause| cpu.gaps_by_cause.count(*cause));
        cells.extend(counts.map(human::count));
        table.row(cells);
    }
    table
}

/// "119 more: 99.80 % covered or better, ...".
fn rest(summary: &Summary<'_>, cpus: &[&CpuReport]) -> String {
    let shares = cpus
        .iter()
        .map(|cpu| human::share(cpu.covered_ns, cpu.elapsed_ns));
    let most = |part: fn(&CpuReport) -> Nanos| {
        let parts = cpus.iter().map(|cpu| part(cpu));
        longest(parts.max().unwrap_or_default())
    };
    let gaps = cpus
        .iter()
        .fold(0_u64, |sum, cpu| sum.saturating_add(cpu.gaps_seen));
    let uncounted = cpus.iter().filter(|cpu| countable(summary, cpu).is_none());
    let smis = match uncounted.count() as u64 {
        0 => String::new(),
        some => format!("; SMIs n/a on {}", human::counted(some, "CPU")),
    };
    format!(
        "  {} more: {} or more; longest {} and {}; {}{smis}",
        human::grouped(cpus.len() as u64),
        human::percent(shares.fold(1.0, f64::min)),
        most(|cpu| cpu.max_platform_ns),
        most(|cpu| cpu.max_os_ns),
        human::counted(gaps, "gap"),
    )
}
