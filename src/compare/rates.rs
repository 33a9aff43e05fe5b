//! Rates by class and length.

use crate::stats::dispersion::{self, Block, Dispersion, Kind, blocks_of_runs};
use crate::stats::rate_ratio::{self, RateRatio, Tally};
use crate::units::Nanos;

use super::Question;
use super::events::{Class, Event, Series};
use super::model::{Counted, RateRow};

/// Where ranges of length part, in ns: half decades, as stalls of 10 us and of
/// 10 ms have other sources and do other harm.
const EDGES: [u64; 7] = [
    10_000,
    30_000,
    100_000,
    300_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// Whether the evidence tells SMIs from the rest in the same way everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classes {
    Alike,
    /// Some runs could count SMIs and some could not.
    Unlike,
}

/// A row with what the verdict needs beside it.
pub struct Rated {
    pub row: RateRow,
    /// The ratio of its rates; `None` without stalls or time.
    pub ratio: Option<RateRatio>,
    /// How its stalls scatter.
    pub dispersion: Dispersion,
}

pub fn series_blocks(runs: &[Series], keep: impl Fn(&Event) -> bool) -> Vec<Vec<Block>> {
    let hours: Vec<f64> = runs.iter().map(|run| run.hours).collect();
    (runs.iter().zip(blocks_of_runs(&hours)))
        .map(|(run, count)| {
            let block = Block {
                events: 0,
                hours: run.hours / count as f64,
            };
            let mut blocks = vec![block; count];
            for event in run.events.iter().filter(|event| keep(event)) {
                blocks[block_of(event, count)].events += 1;
            }
            blocks
        })
        .collect()
}

pub(super) fn block_of(event: &Event, count: usize) -> usize {
    ((event.at * count as f64) as usize).min(count - 1)
}

/// All rows that hold an event, and always the first: the platform as a whole.
pub(super) fn rate(
    sides: [&[Series]; 2],
    threshold: Nanos,
    classes: Classes,
    question: &Question,
) -> Vec<Rated> {
    let mut rows: Vec<Rated> = Vec::new();
    for class in Class::ALL {
        for (above, up_to) in ranges(threshold) {
            let is_whole = class == Class::Platform && above == threshold && up_to.is_none();
            let mut rated = one(sides, class, (above, up_to), question);
            let counted = counts(&rated.row);
            if counted == (0, 0) && !is_whole {
                continue;
            }
            // Of each row there is a wider one before it; with as many events
            // it holds the same ones.
            let repeats = rows.iter().any(|row| {
                let within = row.row.class == Class::Platform || row.row.class == class;
                within && encloses(&row.row, &rated.row) && counts(&row.row) == counted
            });
            let reason = if repeats {
                Some("the same stalls as in a row above")
            } else if class != Class::Platform && classes == Classes::Unlike {
                Some("SMIs were not countable in all runs")
            } else {
                too_few(sides, &rated, question)
            };
            if reason.is_some() {
                (rated.row.p, rated.row.not_tested) = (None, reason);
            }
            rows.push(rated);
        }
    }
    rows
}

fn counts(row: &RateRow) -> (u64, u64) {
    (row.before.events, row.after.events)
}

fn encloses(outer: &RateRow, inner: &RateRow) -> bool {
    let end = |row: &RateRow| row.up_to_ns.unwrap_or(Nanos(u64::MAX));
    outer.above_ns <= inner.above_ns && end(outer) >= end(inner)
}

/// Comparisons that could find nothing, had all events fallen on one side,
/// would only take risk away from the others (R. E. Tarone, Biometrics 46,
/// 1990). How many events there are says nothing of where they fell.
fn too_few(sides: [&[Series]; 2], rated: &Rated, question: &Question) -> Option<&'static str> {
    let (before, after) = counts(&rated.row);
    if before + after == 0 {
        return Some("no stall on either side");
    }
    let [before_hours, after_hours] = sides.map(hours);
    if before_hours <= 0.0 || after_hours <= 0.0 {
        return Some("a side has no covered time");
    }
    let rarest = before_hours.min(after_hours) / (before_hours + after_hours);
    let least = 2.0 * rarest.powf((before + after) as f64 / rated.dispersion.factor);
    (least > 1.0 - question.level).then_some("too few stalls to tell anything")
}

/// The range above the threshold as a whole, then in parts.
fn ranges(threshold: Nanos) -> Vec<(Nanos, Option<Nanos>)> {
    let mut ranges = vec![(threshold, None)];
    let mut from = threshold;
    for edge in EDGES
        .map(Nanos)
        .into_iter()
        .filter(|edge| *edge > threshold)
    {
        ranges.push((from, Some(edge)));
        from = edge;
    }
    if from > threshold {
        ranges.push((from, None));
    }
    ranges
}

fn hours(runs: &[Series]) -> f64 {
    runs.iter().map(|run| run.hours).sum()
}

fn one(
    sides: [&[Series]; 2],
    class: Class,
    (above, up_to): (Nanos, Option<Nanos>),
    question: &Question,
) -> Rated {
    // A stall of several CPUs may be longer than each of its gaps, and is never
    // shorter: all are above the threshold, so that the first range needs no
    // lower end.
    let keep = |event: &Event| {
        (class == Class::Platform || event.class == class)
            && event.length > above
            && up_to.is_none_or(|end| event.length <= end)
    };
    let blocks = sides.map(|runs| series_blocks(runs, keep));
    let dispersion = dispersion::estimate([&blocks[0], &blocks[1]]);
    let tally = |side: usize| Tally {
        events: (blocks[side].iter().flatten().map(|block| block.events)).sum(),
        hours: hours(sides[side]),
    };
    let (before, after) = (tally(0), tally(1));
    let ratio = rate_ratio::compare(before, after, dispersion, question.level);
    Rated {
        row: RateRow {
            class,
            above_ns: above,
            up_to_ns: up_to,
            before: counted(before),
            after: counted(after),
            ratio: ratio.and_then(|ratio| ratio.estimate),
            ratio_low: ratio.map(|ratio| ratio.low),
            ratio_high: ratio.and_then(|ratio| ratio.high),
            scatter: scatter(dispersion.kind),
            dispersion: dispersion.factor,
            p: ratio.map(|ratio| ratio.p),
            p_corrected: None,
            not_tested: None,
        },
        ratio,
        dispersion,
    }
}

fn counted(tally: Tally) -> Counted {
    Counted {
        events: tally.events,
        per_hour: (tally.hours > 0.0).then(|| tally.events as f64 / tally.hours),
    }
}

fn scatter(kind: Kind) -> &'static str {
    match kind {
        Kind::Random => "random",
        Kind::Bursty => "bursty",
        Kind::Regular => "regular",
        Kind::RunsDiffer => "runs-differ",
    }
}
