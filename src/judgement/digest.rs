//! All gaps of a report, brought down to what pages and pictures show. It is
//! made in one pass, so that a run can write its page from gaps that are never
//! held together.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use crate::judgement::time_line::TimeLine;
use crate::judgement::{periodicity, worst};
use crate::model::{Cause, Gap, PeriodicSeries, Report};
use crate::stats::stalls::Span;
use crate::units::{CpuId, Nanos};

/// Gaps that a page lists.
const WORST: usize = 50;
/// Moments that the pictures tell apart.
pub(crate) const COLUMNS: usize = 500;
/// Lengths told apart in each factor of ten.
pub(crate) const ROWS_PER_DECADE: f64 = 24.0;
/// Intervals told apart in each factor of ten.
pub(crate) const BINS_PER_DECADE: f64 = 20.0;
/// Rows of the picture of CPUs; on a larger machine several share one.
pub(crate) const MOST_CPU_ROWS: usize = 64;

/// What a picture tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Smi,
    OtherPlatform,
    Unknown,
}

impl Class {
    fn of(cause: Cause) -> Option<Class> {
        match cause {
            Cause::Smi | Cause::SmiOs => Some(Class::Smi),
            Cause::Unknown => Some(Class::Unknown),
            Cause::Os => None,
            _ => Some(Class::OtherPlatform),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub class: Class,
    /// The logarithm of the length, in [`ROWS_PER_DECADE`].
    pub row: u16,
    pub column: u16,
}

/// What pages and pictures show of the gaps.
pub struct Digest {
    /// The gaps that matter most, worst first.
    pub(crate) worst: Vec<Gap>,
    /// Gaps that are not the kernel's.
    pub(crate) gaps: u64,
    pub(crate) stalls: u64,
    pub(crate) marks: BTreeSet<Mark>,
    /// Rows of CPUs and columns in which a gap fell, with what it was: an SMI
    /// among several is never lost.
    pub(crate) on_cpus: BTreeMap<(u16, u16), Class>,
    /// Time between the starts of stalls: count by bin.
    pub(crate) intervals: BTreeMap<u16, u64>,
    /// Share of each column that was not covered, 0 to 1.
    pub(crate) uncovered: Vec<f64>,
    /// Series, where the report itself has none.
    pub(crate) periodicity: Vec<PeriodicSeries>,
}

impl Digest {
    pub fn new<I>(report: &Report<()>, gaps: I) -> Digest
    where
        I: IntoIterator,
        I::Item: Borrow<Gap>,
    {
        let line = TimeLine::new(&report.tsc);
        let mut pass = Pass::new(report, &line);
        let worst = worst::gaps(
            gaps.into_iter().inspect(|gap| pass.take(gap.borrow())),
            WORST,
        );
        let mut digest = pass.digest;
        digest.worst = worst;
        let stalls = periodicity::events(&line, pass.spans);
        digest.stalls = stalls.len() as u64;
        for pair in stalls.windows(2) {
            let apart = Nanos(pair[1].at.0.saturating_sub(pair[0].at.0));
            *digest
                .intervals
                .entry(bin(apart, BINS_PER_DECADE))
                .or_default() += 1;
        }
        if report.periodicity.is_none() {
            let verdict = &report.verdict;
            digest.periodicity = periodicity::of_events(stalls, verdict.coverage, verdict.subject);
        }
        for (covered, column) in digest.uncovered.iter_mut().zip(pass.os.shares()) {
            *covered = (column / report.cpus.len().max(1) as f64).clamp(0.0, 1.0);
        }
        digest
    }
}

/// The logarithm of a length in steps.
fn bin(length: Nanos, per_decade: f64) -> u16 {
    ((length.0.max(1) as f64).log10() * per_decade) as u16
}

struct Pass<'a> {
    digest: Digest,
    spans: Vec<Span>,
    os: Shares,
    line: &'a TimeLine,
    elapsed: f64,
    rows: BTreeMap<CpuId, u16>,
}

impl<'a> Pass<'a> {
    fn new(report: &Report<()>, line: &'a TimeLine) -> Pass<'a> {
        let shown = report.cpus.len().min(MOST_CPU_ROWS);
        let cpus = report.cpus.iter().enumerate();
        let rows = cpus
            .map(|(index, cpu)| (cpu.cpu, (index * shown / report.cpus.len().max(1)) as u16))
            .collect();
        let elapsed = (report.run.elapsed_ns.0 as f64).max(1.0);
        let mut os = Shares::new();
        for cpu in &report.cpus {
            // What a CPU left early is not covered from there on.
            let end = cpu.elapsed_ns.0 as f64 / elapsed;
            if end < 0.995 {
                os.add(end, 1.0);
            }
        }
        Pass {
            digest: Digest {
                worst: Vec::new(),
                gaps: 0,
                stalls: 0,
                marks: BTreeSet::new(),
                on_cpus: BTreeMap::new(),
                intervals: BTreeMap::new(),
                uncovered: vec![0.0; COLUMNS],
                periodicity: Vec::new(),
            },
            spans: Vec::new(),
            os,
            line,
            elapsed,
            rows,
        }
    }

    fn take(&mut self, gap: &Gap) {
        let place = |cycles| self.line.hz.to_nanos(cycles).0 as f64 / self.elapsed;
        let start = place(gap.start_cycles);
        let column = (start.clamp(0.0, 1.0) * (COLUMNS - 1) as f64) as u16;
        let Some(class) = Class::of(gap.cause) else {
            self.os.add(start, place(gap.end_cycles));
            return;
        };
        self.digest.gaps += 1;
        // Of an SMI within a task's time it is not known how long it took.
        let (class, length) = match gap.counted_ns() {
            Nanos(0) => (Class::Unknown, gap.unknown_ns),
            counted => (class, counted),
        };
        self.digest.marks.insert(Mark {
            class,
            row: bin(length, ROWS_PER_DECADE),
            column,
        });
        if class != Class::Unknown {
            let row = self.rows.get(&gap.cpu).copied().unwrap_or_default();
            let most = self.digest.on_cpus.entry((row, column)).or_insert(class);
            *most = class.min(*most);
        }
        self.spans.extend(self.line.span(gap));
    }
}

/// Stretches of time, summed up by column.
struct Shares {
    parts: Vec<f64>,
    /// Changes in the number of stretches that cover whole columns.
    whole: Vec<f64>,
}

impl Shares {
    fn new() -> Shares {
        Shares {
            parts: vec![0.0; COLUMNS + 1],
            whole: vec![0.0; COLUMNS + 1],
        }
    }

    /// Adds a stretch, given as shares of the run.
    fn add(&mut self, from: f64, to: f64) {
        let columns = COLUMNS as f64;
        let from = (from * columns).clamp(0.0, columns);
        let to = (to * columns).clamp(from, columns);
        let (first, last) = (from as usize, to as usize);
        if first == last {
            self.parts[first] += to - from;
            return;
        }
        self.parts[first] += first as f64 + 1.0 - from;
        self.parts[last] += to - last as f64;
        self.whole[first + 1] += 1.0;
        self.whole[last] -= 1.0;
    }

    fn shares(&self) -> impl Iterator<Item = f64> + '_ {
        let mut whole = 0.0;
        self.parts
            .iter()
            .zip(&self.whole)
            .map(move |(part, change)| {
                whole += change;
                part + whole
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_fill_their_columns() {
        let mut shares = Shares::new();
        let column = 1.0 / COLUMNS as f64;
        shares.add(1.5 * column, 4.25 * column);
        shares.add(2.0 * column, 2.5 * column);
        let found: Vec<f64> = shares.shares().take(6).collect();
        for (found, expected) in found.iter().zip([0.0, 0.5, 1.5, 1.0, 0.25, 0.0]) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }
}
