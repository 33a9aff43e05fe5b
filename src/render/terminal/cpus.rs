//! One row a CPU; on a large machine the worst ones and the rest as one.

use std::collections::BTreeMap;

use crate::judgement::packages::worst_first;
use crate::model::{Cause, CpuReport};
use crate::render::packages::{ByPackage, KEY};
use crate::render::page::{Page, WIDTH};
use crate::render::table::{Align, Table};
use crate::render::terminal::{Summary, cpu_names};
use crate::text::human;
use crate::units::{Cycles, Nanos};

/// More CPUs than this are not shown one by one.
const MOST_ROWS: usize = 16;
/// So many of them are, when they are not all.
const WORST_ROWS: usize = 8;
/// Distinct notes below the table.
const MOST_NOTES: usize = 4;

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    let subject = summary.verdict.subject;
    if let Some(packages) = ByPackage::new(summary.cpus, summary.stalls, subject) {
        page.heading("Packages");
        page.table(&aligned(&packages));
        page.paragraph(KEY);
        packages.reach.iter().for_each(|text| page.paragraph(text));
    }
    page.heading("CPUs");
    let rows = rows(summary);
    let causes = causes_seen(summary.cpus);
    let whole = base(summary, &rows, &causes);
    if whole.width() + 2 <= WIDTH {
        page.table(&whole);
        notes(summary, page);
        return;
    }
    page.table(&base(summary, &rows, &[]));
    notes(summary, page);
    let threshold = human::chosen(summary.run.threshold_ns);
    page.heading(&format!("Gaps above {threshold} by cause"));
    page.table(&by_cause(&rows, &causes));
}

fn aligned(packages: &ByPackage) -> Table {
    let header = packages.header.iter().map(|name| (*name, Align::Right));
    let mut table = Table::new(&header.collect::<Vec<_>>());
    packages.rows.iter().for_each(|row| table.row(row.clone()));
    table
}

/// What one line of the table is about.
struct Row<'a> {
    name: String,
    cpus: Vec<&'a CpuReport>,
}

fn rows<'a>(summary: &Summary<'a>) -> Vec<Row<'a>> {
    let mut cpus: Vec<&CpuReport> = summary.cpus.iter().collect();
    let mut rest = Vec::new();
    if cpus.len() > MOST_ROWS {
        cpus.sort_by_key(|cpu| worst_first(cpu));
        rest = cpus.split_off(WORST_ROWS);
        cpus.sort_by_key(|cpu| cpu.cpu);
    }
    let mut rows: Vec<Row> = cpus
        .into_iter()
        .map(|cpu| Row {
            name: cpu.cpu.to_string(),
            cpus: vec![cpu],
        })
        .collect();
    if !rest.is_empty() {
        rows.push(Row {
            name: format!("{} more", rest.len()),
            cpus: rest,
        });
    }
    rows
}

impl Row<'_> {
    fn sum(&self, part: impl Fn(&CpuReport) -> u64) -> u64 {
        let parts = self.cpus.iter().map(|cpu| part(cpu));
        parts.fold(0, u64::saturating_add)
    }

    fn longest(&self, part: impl Fn(&CpuReport) -> Nanos) -> String {
        let longest = self.cpus.iter().map(|cpu| part(cpu)).max();
        match longest.unwrap_or_default() {
            Nanos(0) => "-".to_owned(),
            length => human::length(length),
        }
    }

    /// The least covered CPU stands for several.
    fn coverage(&self) -> String {
        let shares = self
            .cpus
            .iter()
            .map(|cpu| human::share(cpu.covered_ns, cpu.elapsed_ns));
        human::percent(shares.fold(1.0, f64::min))
    }

    /// A sum only where every CPU has a count that means something.
    fn smis(&self, summary: &Summary<'_>) -> String {
        let deltas: Option<Vec<u64>> = self
            .cpus
            .iter()
            .map(|cpu| countable(summary, cpu))
            .collect();
        match deltas {
            Some(deltas) => human::count(deltas.into_iter().fold(0, u64::saturating_add)),
            None => "n/a".to_owned(),
        }
    }
}

/// The SMIs counted on a CPU. A hypervisor's counter that stays at 0 says
/// nothing of the SMIs below.
pub(super) fn countable(summary: &Summary<'_>, cpu: &CpuReport) -> Option<u64> {
    let delta = cpu.smi?.delta;
    (delta > 0 || !summary.in_guest()).then_some(delta)
}

fn base(summary: &Summary<'_>, rows: &[Row<'_>], causes: &[Cause]) -> Table {
    let mut header = vec![
        ("CPU", Align::Right),
        ("covered", Align::Right),
        ("rounds", Align::Right),
        ("floor", Align::Right),
        ("(cyc)", Align::Right),
        ("max platf.", Align::Right),
        ("max OS", Align::Right),
        ("SMIs", Align::Right),
    ];
    header.extend(causes.iter().map(|cause| (cause.name(), Align::Right)));
    let mut table = Table::new(&header);
    for row in rows {
        // A tracer of the kernel's tells of neither.
        let unknown = || String::from("n/a");
        let rounds: Option<Vec<u64>> = row.cpus.iter().map(|cpu| cpu.iterations).collect();
        let floor = row.cpus.iter().filter_map(|cpu| cpu.min_cycles).min();
        let mut cells = vec![
            row.name.clone(),
            row.coverage(),
            rounds.map_or_else(unknown, |rounds| {
                human::count(rounds.into_iter().fold(0, u64::saturating_add))
            }),
            floor.map_or_else(unknown, |floor| floor_time(summary, floor)),
            floor.map_or_else(unknown, |floor| human::count(floor.0)),
            row.longest(|cpu| cpu.max_platform_ns),
            row.longest(|cpu| cpu.max_os_ns),
            row.smis(summary),
        ];
        cells.extend(cause_cells(row, causes));
        table.row(cells);
    }
    table
}

/// The floor is a few nanoseconds; tenths matter.
fn floor_time(summary: &Summary<'_>, floor: Cycles) -> String {
    let nanos = floor.0 as f64 * 1e9 / summary.tsc.hz;
    match nanos < 1_000.0 {
        true => format!("{} ns", human::three_digits(nanos)),
        false => human::length(Nanos(nanos as u64)),
    }
}

fn by_cause(rows: &[Row<'_>], causes: &[Cause]) -> Table {
    let mut header = vec![("CPU", Align::Right), ("seen", Align::Right)];
    header.extend(causes.iter().map(|cause| (cause.name(), Align::Right)));
    let mut table = Table::new(&header);
    for row in rows {
        let mut cells = vec![row.name.clone(), human::count(row.sum(|cpu| cpu.gaps_seen))];
        cells.extend(cause_cells(row, causes));
        table.row(cells);
    }
    table
}

fn cause_cells(row: &Row<'_>, causes: &[Cause]) -> Vec<String> {
    let count = |cause: &Cause| human::count(row.sum(|cpu| gaps_of(cpu, *cause)));
    causes.iter().map(count).collect()
}

/// The causes that any gap of theirs has.
pub(super) fn causes_seen(cpus: &[CpuReport]) -> Vec<Cause> {
    let all = crate::model::CauseCounts::default().each();
    let seen = |cause: &Cause| cpus.iter().any(|cpu| gaps_of(cpu, *cause) > 0);
    all.iter().map(|(cause, _)| *cause).filter(seen).collect()
}

fn gaps_of(cpu: &CpuReport, cause: Cause) -> u64 {
    cpu.gaps_by_cause.count(cause)
}

/// Reasons below the table, each with the CPUs that share it.
fn notes(summary: &Summary<'_>, page: &mut Page) {
    let mut notes: BTreeMap<String, Vec<&CpuReport>> = BTreeMap::new();
    for cpu in summary.cpus {
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
        let early = cpu
            .ended_early
            .as_ref()
            .map(|why| format!("ended early: {why}"));
        for note in [smi, early].into_iter().flatten() {
            notes.entry(note).or_default().push(cpu);
        }
    }
    let more = notes.len().saturating_sub(MOST_NOTES);
    for (note, cpus) in notes.into_iter().take(MOST_NOTES) {
        let whose = match cpus.len() == summary.cpus.len() {
            true => String::new(),
            false => format!("{}: ", cpu_names(cpus)),
        };
        page.paragraph(&format!("{whose}{note}"));
    }
    if more > 0 {
        page.paragraph(&format!(
            "{more} more notes on single CPUs are in the report file."
        ));
    }
}
