//! What each cause took of all gaps, and in which rhythm.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::judgement::periodicity::of_events;
use crate::model::Subject;
use crate::model::absence::HostCause;
use crate::model::explained::{ExplainedGap, ExplainedTotal};
use crate::stats::periodicity::Event;
use crate::units::{Cycles, Hertz, Nanos};

/// Causes of which a rhythm is looked for, and events of each.
const MOST_SEARCHES: usize = 12;
const MOST_EVENTS: usize = 3_000;
/// Of the events of a cause a series must hold this share to be its rhythm.
const LEAST_SHARE: f64 = 0.5;

/// The totals, the largest first.
pub(super) fn totals(gaps: &[ExplainedGap], hz: Hertz, coverage: f64) -> Vec<ExplainedTotal> {
    let mut sums: HashMap<(HostCause, &str), (ExplainedTotal, Vec<Event>)> = HashMap::new();
    let first = gaps.iter().map(|gap| gap.start_cycles).min();
    for gap in gaps {
        for part in &gap.parts {
            let empty = || {
                let total = ExplainedTotal {
                    cause: part.cause,
                    what: part.what.clone(),
                    gaps: 0,
                    total_ns: Nanos(0),
                    longest_ns: Nanos(0),
                    period_ns: None,
                };
                (total, Vec::new())
            };
            let key = (part.cause, part.what.as_str());
            let (total, events) = sums.entry(key).or_insert_with(empty);
            total.gaps += 1;
            total.total_ns = total.total_ns.saturating_add(part.length_ns);
            total.longest_ns = total.longest_ns.max(part.length_ns);
            if events.len() < MOST_EVENTS {
                let since = gap.start_cycles.saturating_sub(first.unwrap_or(Cycles(0)));
                events.push(Event {
                    at: hz.to_nanos(since),
                    length: part.length_ns,
                });
            }
        }
    }
    let mut sums: Vec<(ExplainedTotal, Vec<Event>)> = sums.into_values().collect();
    sums.sort_by(|(a, _), (b, _)| {
        let key = |total: &ExplainedTotal| (Reverse(total.total_ns), total.cause);
        key(a).cmp(&key(b)).then_with(|| a.what.cmp(&b.what))
    });
    let searched = sums
        .iter_mut()
        .filter(|(total, _)| total.cause != HostCause::NotObserved);
    for (total, events) in searched.take(MOST_SEARCHES) {
        let found = of_events(
            std::mem::take(events),
            coverage,
            Subject::HypervisorAndBelow,
        );
        let series = found.first().filter(|series| series.share >= LEAST_SHARE);
        total.period_ns = series.map(|series| Nanos(series.period_ns));
    }
    sums.into_iter().map(|(total, _)| total).collect()
}
