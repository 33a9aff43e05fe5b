//! What pictures show of the stalls of both sides: bounded, however many there
//! are.

use std::collections::BTreeSet;

use crate::units::Nanos;

use super::events::Series;
use super::input::SavedRun;

/// Moments that are told apart over all runs together.
const COLUMNS: f64 = 1_000.0;
/// Lengths told apart in each factor of ten.
const ROWS_PER_DECADE: f64 = 24.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    Before,
    After,
}

/// How many stalls reached a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    pub length: Nanos,
    /// Stalls that were as long or longer.
    pub stalls: u64,
}

/// A run on the line of all runs, in order of their starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    pub side: Which,
    /// Its number on that side, from 0.
    pub number: usize,
    /// Where it begins, as a share of the line.
    pub from: f64,
    pub to: f64,
}

/// A stall, or several of one length and moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub side: Which,
    column: u16,
    row: u16,
}

impl Mark {
    /// Its place on the line of runs, 0 to 1.
    pub fn at(self) -> f64 {
        f64::from(self.column) / COLUMNS
    }

    /// The logarithm to base 10 of its length in ns.
    pub fn log_length(self) -> f64 {
        f64::from(self.row) / ROWS_PER_DECADE
    }
}

/// What pictures show of both sides.
#[derive(Clone, Debug, Default)]
pub struct Pictured {
    /// How many stalls reached which length, before and after, from the longest
    /// down.
    pub reached: [Vec<Reached>; 2],
    /// The runs, one after the other.
    pub line: Vec<Stretch>,
    pub marks: BTreeSet<Mark>,
}

impl Pictured {
    /// Looks at all stalls. `runs` and `series` are in the same order.
    pub(super) fn new(runs: [&[SavedRun]; 2], series: [&[Series]; 2]) -> Pictured {
        let line = line(runs);
        let mut marks = BTreeSet::new();
        for stretch in &line {
            let events = &series[stretch.side as usize][stretch.number].events;
            marks.extend(events.iter().map(|event| Mark {
                side: stretch.side,
                column: ((stretch.from + event.at * (stretch.to - stretch.from)) * COLUMNS) as u16,
                row: row(event.length),
            }));
        }
        Pictured {
            reached: series.map(reached),
            line,
            marks,
        }
    }
}

fn row(length: Nanos) -> u16 {
    ((length.0.max(1) as f64).log10() * ROWS_PER_DECADE) as u16
}

/// Each run takes of the line what it took of the time.
fn line(runs: [&[SavedRun]; 2]) -> Vec<Stretch> {
    let mut all: Vec<(&SavedRun, Which, usize)> = Vec::new();
    for (side, runs) in [Which::Before, Which::After].into_iter().zip(runs) {
        all.extend((runs.iter().enumerate()).map(|(number, run)| (run, side, number)));
    }
    all.sort_by(|(a, ..), (b, ..)| a.report.run.started_utc.cmp(&b.report.run.started_utc));
    let hours = |run: &SavedRun| run.report.run.elapsed_ns.as_hours_f64().max(1e-9);
    let whole: f64 = all.iter().map(|(run, ..)| hours(run)).sum();
    let mut from = 0.0;
    (all.into_iter())
        .map(|(run, side, number)| {
            let to = from + hours(run) / whole;
            let stretch = Stretch {
                side,
                number,
                from,
                to,
            };
            from = to;
            stretch
        })
        .collect()
}

fn reached(runs: &[Series]) -> Vec<Reached> {
    let mut lengths: Vec<Nanos> = (runs.iter())
        .flat_map(|run| run.events.iter().map(|event| event.length))
        .collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let mut steps: Vec<Reached> = Vec::new();
    for (index, &length) in lengths.iter().enumerate() {
        let step = Reached {
            length,
            stalls: index as u64 + 1,
        };
        // Of stalls within one row only the last step stays: there are as many
        // of this length or more.
        match steps.last_mut() {
            Some(last) if row(last.length) == row(length) => *last = step,
            _ => steps.push(step),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Class, Event};

    #[test]
    fn each_length_has_as_many_stalls_as_reach_it() {
        let event = |length| Event {
            at: 0.5,
            length: Nanos(length),
            class: Class::Smi,
        };
        let runs = [Series {
            events: [20_000, 90_000, 20_100, 3_000_000].map(event).to_vec(),
            hours: 1.0,
        }];
        let found: Vec<(u64, u64)> = (reached(&runs).iter())
            .map(|step| (step.length.0, step.stalls))
            .collect();
        assert_eq!(found, [(3_000_000, 1), (90_000, 2), (20_000, 4)]);
    }
}
