//! The period that the platform gaps of a CPU keep, if they keep one.

use crate::model::GapPeriod;
use crate::stats::periodicity::{Event, Visibility, find};
use crate::units::{Cycles, Nanos};

use super::Case;

/// Gaps that are looked at, from the first on: of all CPUs together, and of one
/// at least and at most. This is asked for each CPU; more gaps of many CPUs cost
/// seconds at the end of a run, and a series among them shows in fewer as well.
const MOST_GAPS: usize = 3_000;
const MOST_OF_ONE: (usize, usize) = (64, 1_000);

/// The series that explains most platform gaps of the CPU with this index, over
/// all slices of a run or some of them.
/// Each CPU by itself: the CPUs of a guest run on different CPUs of its host,
/// whose ticks come at different moments.
pub fn period(cases: &[Case<'_>], index: usize) -> Option<GapPeriod> {
    let first = cases.first()?;
    let (hz, cpus) = (first.rate.hz, first.collected.cpus.len());
    let most = (MOST_GAPS / cpus).clamp(MOST_OF_ONE.0, MOST_OF_ONE.1);
    let gaps = || (cases.iter()).flat_map(|case| case.collected.cpus[index].gaps.iter());
    let first = gaps().next().map(|gap| gap.start())?;
    let events: Vec<Event> = gaps()
        .filter(|gap| gap.platform() > Nanos(0))
        .take(most)
        .map(|gap| Event {
            at: hz
                .to_nanos(gap.start().since(first))
                .saturating_add(gap.platform_at()),
            length: gap.platform(),
        })
        .collect();
    let covered = covered(cases, index);
    let gaps = events.len() as u64;
    let series = find(events, Visibility { covered }).into_iter().next()?;
    Some(GapPeriod {
        period_ns: Nanos(series.period_ns.round() as u64),
        share: series.share,
        occupancy: series.seen as f64 / series.beats.max(1) as f64,
        gaps,
    })
}

/// The share of the CPU's time in which gaps could be seen.
fn covered(cases: &[Case<'_>], index: usize) -> f64 {
    let (mut elapsed, mut hidden) = (Cycles(0), Cycles(0));
    for totals in cases.iter().map(|case| &case.collected.totals[index]) {
        elapsed = elapsed.saturating_add(totals.last.since(totals.first));
        let between = totals.masked.map_or(Cycles(0), |masked| masked.between);
        for part in [totals.blind, totals.os, totals.paused, between] {
            hidden = hidden.saturating_add(part);
        }
    }
    if elapsed == Cycles(0) {
        return 1.0;
    }
    1.0 - (hidden.0 as f64 / elapsed.0 as f64).min(1.0)
}
