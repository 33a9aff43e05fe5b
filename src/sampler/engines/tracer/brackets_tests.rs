//! Readings beside made-up gaps.

use super::*;
use crate::model::Footprint;

fn seen(start: u64, end: u64) -> Seen {
    Seen {
        start: Cycles(start),
        end: Cycles(end),
        footprint: Footprint::Excluded,
        companions: 0,
    }
}

fn reading(at: u64, count: u32) -> Reading {
    Reading {
        at: Cycles(at),
        count,
    }
}

/// Settles gaps in windows from 10 us to 1 ms of each ms, all of it known.
fn settled(readings: &[Reading], gaps: &[Seen]) -> (Vec<SmiEvidence>, SmiTotals) {
    let span = Stretch {
        first: Cycles(10_000),
        last: Cycles(3_000_000),
    };
    settled_in(span, readings, gaps)
}

fn settled_in(span: Stretch, readings: &[Reading], gaps: &[Seen]) -> (Vec<SmiEvidence>, SmiTotals) {
    let mut brackets = Brackets::default();
    readings.iter().for_each(|&reading| brackets.push(reading));
    let mut found = Found {
        seen: gaps.iter().copied().collect(),
        settled: Cycles(u64::MAX),
        ..Found::default()
    };
    for window in 0..3 {
        found.stretches.push_back(Stretch {
            first: Cycles(window * 1_000_000 + 10_000),
            last: Cycles((window + 1) * 1_000_000),
        });
    }
    let scale = Scale {
        threshold: Cycles(10_000),
        limit: Cycles(10_000),
        hz: Hertz(1e9),
    };
    let mut all = Vec::new();
    let sink = &mut |_, evidence, _| all.push(evidence);
    brackets.settle(&mut found, scale, span, sink);
    (all, brackets.totals.unwrap())
}

#[test]
fn the_only_gap_of_a_window_has_the_rise() {
    let readings = [reading(0, 7), reading(1_000_500, 8), reading(2_000_500, 8)];
    let gaps = [seen(300_000, 350_000), seen(1_500_000, 1_520_000)];
    let (all, totals) = settled(&readings, &gaps);
    assert_eq!(
        all,
        [
            SmiEvidence::Alone { delta: 1 },
            SmiEvidence::Own { delta: 0 }
        ]
    );
    assert_eq!(totals.unassigned, 0);
}

#[test]
fn companions_share_the_rise() {
    let gap = Seen {
        companions: 2,
        ..seen(300_000, 350_000)
    };
    let (all, totals) = settled(&[reading(0, 0), reading(1_000_500, 3)], &[gap]);
    assert_eq!(all, [SmiEvidence::Shared { delta: 3, among: 3 }]);
    assert_eq!(totals.unassigned, 3);
}

#[test]
fn a_rise_without_a_gap_fell_between_windows() {
    let (_, totals) = settled(&[reading(0, 0), reading(1_000_500, 1)], &[]);
    assert_eq!(totals.between_shots, 1);
}

#[test]
fn a_gap_that_holds_a_reading_is_given_no_rise_of_its_own() {
    let readings = [reading(0, 0), reading(500_000, 1), reading(1_000_000, 1)];
    let (all, _) = settled(&readings, &[seen(495_000, 505_000)]);
    assert_eq!(all, [SmiEvidence::Shared { delta: 1, among: 1 }]);
}

#[test]
fn a_counter_that_wraps_goes_on() {
    let readings = [reading(0, u32::MAX), reading(1_000_500, 0)];
    let (all, _) = settled(&readings, &[seen(300_000, 350_000)]);
    assert_eq!(all, [SmiEvidence::Alone { delta: 1 }]);
}
#[test]
fn what_came_before_the_first_sample_or_after_the_last_is_not_counted() {
    let readings = [
        reading(0, 5),
        reading(1_005_000, 7),
        reading(2_005_000, 8),
        reading(2_500_000, 9),
        reading(4_000_000, 13),
    ];
    let second = Stretch {
        first: Cycles(1_010_000),
        last: Cycles(2_000_000),
    };
    let (_, totals) = settled_in(second, &readings, &[]);
    let count = SmiCount {
        before: 7,
        after: 8,
        delta: 1,
    };
    assert_eq!(totals.count, count);
    assert_eq!(totals.between_shots, 1);
    // Sampling went on after a pause with several readings: all count.
    let on = Stretch {
        last: Cycles(3_000_000),
        ..second
    };
    assert_eq!(settled_in(on, &readings, &[]).1.count.delta, 6);
}

#[test]
fn a_pause_that_goes_on_is_counted_once_sampling_has_begun_again() {
    let mut brackets = Brackets::default();
    for (at, count) in [(0, 0), (1_005_000, 1), (1_500_000, 2), (2_005_000, 2)] {
        brackets.push(reading(at, count));
    }
    let scale = Scale {
        threshold: Cycles(10_000),
        limit: Cycles(10_000),
        hz: Hertz(1e9),
    };
    let mut found = Found::default();
    for (settled, last, delta) in [(1_600_000, 1_000_000, 1), (2_005_000, 2_000_000, 2)] {
        found.settled = Cycles(settled);
        let span = Stretch {
            first: Cycles(10_000),
            last: Cycles(last),
        };
        brackets.settle(&mut found, scale, span, &mut |_, _, _| {});
        assert_eq!(brackets.totals.unwrap().count.delta, delta);
    }
}
