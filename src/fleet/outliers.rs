//! Passing hosts that have far more events than their like.
//!
//! Within a group of equal machines the counts of hosts follow a negative
//! binomial: Poisson around rates that scatter from host to host. Rate and
//! scatter are fitted without the hosts that stand out, starting from the
//! middle half of the group, so that outliers neither move the rate nor hide
//! behind a scatter that they make themselves. A host is named where its exact
//! tail, corrected for all hosts of the fleet, is below [`FALSE_ALARM`]: of the
//! hosts that are named at most that share is false on average.

use std::collections::HashMap;

use crate::report::model::{EngineName, Outcome};
use crate::stats::excess::tail;
use crate::stats::multiplicity::false_discovery;
use crate::units::Nanos;

use super::hosts::Host;
use super::model::{OutlierRow, OutlierSearch, Quantity};
use super::names::Name;

/// A fleet of hosts that are alike has any named with at most this chance.
pub const FALSE_ALARM: f64 = 0.01;
/// Of fewer hosts the scatter is not known well enough.
pub const SMALLEST_GROUP: usize = 30;
/// Hosts rarer than this, times their number, are left out of the fit.
const LEFT_OUT: f64 = 0.05;
/// Standard errors by which the scatter is raised.
const UNCERTAINTY: f64 = 1.5;
/// The fit settles in a few rounds; a cycle ends here.
const MOST_ROUNDS: usize = 20;
/// The width of the middle half of a normal distribution, in standard
/// deviations.
const MIDDLE_HALF: f64 = 1.349;

/// What was found and how.
pub(super) struct Outliers {
    pub rows: Vec<OutlierRow>,
    pub search: OutlierSearch,
}

/// Hosts that count alike.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Like {
    model: Option<Name>,
    bios: Option<Name>,
    cpu: Option<Name>,
    microcode: Option<Name>,
    hypervisor: Option<Name>,
    threshold: Nanos,
    engine: EngineName,
}

/// One host's events.
#[derive(Clone, Copy, Debug)]
struct Counted {
    host: usize,
    events: u64,
    hours: f64,
}

pub(super) fn find(hosts: &[Host], outcomes: &[Outcome]) -> Outliers {
    let mut alike: HashMap<Like, Vec<usize>> = HashMap::new();
    for (at, host) in hosts.iter().enumerate() {
        alike.entry(like(host)).or_default().push(at);
    }
    let mut looked_at = vec![false; hosts.len()];
    let mut found: Vec<OutlierRow> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    let mut chances: Vec<f64> = Vec::new();
    for (like, members) in &alike {
        for quantity in [Quantity::Smis, Quantity::Stalls] {
            let counted = members
                .iter()
                .filter_map(|at| count(quantity, *at, &hosts[*at]));
            let counted: Vec<Counted> = counted.collect();
            if counted.len() < SMALLEST_GROUP {
                continue;
            }
            for (one, judged) in counted.iter().zip(judge(&counted)) {
                looked_at[one.host] = true;
                places.push(one.host);
                chances.push(judged.p);
                found.push(OutlierRow {
                    host: hosts[one.host].name.clone(),
                    quantity,
                    events: one.events,
                    expected: judged.expected,
                    group: name(like),
                    group_hosts: counted.len() as u64,
                    p: judged.p,
                    p_corrected: 1.0,
                });
            }
        }
    }
    for (row, corrected) in found.iter_mut().zip(false_discovery(&chances)) {
        row.p_corrected = corrected;
    }
    let mut rows: Vec<OutlierRow> = (found.into_iter().zip(places))
        .filter(|(row, at)| row.p_corrected <= FALSE_ALARM && outcomes[*at] != Outcome::Fail)
        .map(|(row, _)| row)
        .collect();
    rows.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| a.host.cmp(&b.host)));
    Outliers {
        rows,
        search: OutlierSearch {
            false_alarm: FALSE_ALARM,
            smallest_group: SMALLEST_GROUP as u64,
            hosts: looked_at.iter().filter(|looked| **looked).count() as u64,
        },
    }
}

fn like(host: &Host) -> Like {
    let (identity, latest) = (host.identity(), host.latest());
    Like {
        model: identity.model.clone(),
        bios: identity.bios.clone(),
        cpu: identity.cpu.clone(),
        microcode: identity.microcode.clone(),
        hypervisor: identity.hypervisor.clone(),
        threshold: latest.threshold,
        engine: latest.engine,
    }
}

fn name(like: &Like) -> String {
    let shown = |name: &Option<Name>| name.as_deref().unwrap_or("not known").to_owned();
    format!(
        "{}, BIOS {}, microcode {}",
        shown(&like.model),
        shown(&like.bios),
        shown(&like.microcode)
    )
}

/// The events of the latest run: earlier ones may have had another threshold.
fn count(quantity: Quantity, at: usize, host: &Host) -> Option<Counted> {
    let run = host.latest();
    let (events, hours) = match quantity {
        Quantity::Smis => run.smis?,
        Quantity::Stalls => (run.stalls_above_threshold?, run.covered_hours),
    };
    (hours > 0.0).then_some(Counted {
        host: at,
        events,
        hours,
    })
}

/// What a group lets expect of one host.
struct Judged {
    expected: f64,
    p: f64,
}

/// A rate that hosts share, and how far they scatter about it.
#[derive(Clone, Copy)]
struct Fit {
    rate: f64,
    scatter: f64,
}

impl Fit {
    fn chance(&self, one: &Counted) -> f64 {
        tail(one.events, self.rate * one.hours, self.scatter)
    }
}

fn judge(counted: &[Counted]) -> Vec<Judged> {
    let mut fit = of_middle_half(counted);
    let cut = LEFT_OUT / counted.len() as f64;
    let mut kept: Vec<bool> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let fitting: Vec<bool> = counted.iter().map(|one| fit.chance(one) >= cut).collect();
        if fitting == kept {
            break;
        }
        kept = fitting;
        let inside: Vec<Counted> = chosen(counted, &kept).collect();
        fit = of_all(&inside);
    }
    (counted.iter())
        .map(|one| Judged {
            expected: fit.rate * one.hours,
            p: fit.chance(one),
        })
        .collect()
}

fn chosen<'a>(counted: &'a [Counted], kept: &'a [bool]) -> impl Iterator<Item = Counted> + 'a {
    let pairs = counted.iter().zip(kept);
    pairs.filter(|(_, kept)| **kept).map(|(one, _)| *one)
}

/// A first fit: half of the hosts may be outliers on either side.
fn of_middle_half(counted: &[Counted]) -> Fit {
    let mut sorted: Vec<Counted> = counted.to_vec();
    let rate = |one: &Counted| one.events as f64 / one.hours;
    sorted.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
    let (low, high) = (sorted.len() / 4, sorted.len() - 1 - sorted.len() / 4);
    let middle = &sorted[low..=high];
    let fit = with_mean_only(middle);
    let deviation = (rate(&sorted[high]) - rate(&sorted[low])) / MIDDLE_HALF;
    let hours = middle.iter().map(|one| one.hours).sum::<f64>() / middle.len() as f64;
    let beyond_poisson = deviation * deviation - fit.rate / hours;
    Fit {
        scatter: (beyond_poisson / (fit.rate * fit.rate)).max(fit.scatter),
        ..fit
    }
}

/// The rate, as uncertain as its number of events makes it: with one event
/// added, so that a rate of which nothing was seen is not taken for 0.
fn with_mean_only(counted: &[Counted]) -> Fit {
    let events = counted.iter().map(|one| one.events as f64).sum::<f64>() + 1.0;
    let hours: f64 = counted.iter().map(|one| one.hours).sum();
    Fit {
        rate: events / hours,
        scatter: 1.0 / events,
    }
}

/// Rate and scatter by moments, the latter raised by what its own uncertainty
/// may hide, as of a chi-squared distribution.
fn of_all(counted: &[Counted]) -> Fit {
    let fit = with_mean_only(counted);
    let freedom = counted.len().saturating_sub(1).max(1) as f64;
    let mut pearson = 0.0;
    let mut expected = 0.0;
    for one in counted {
        let mean = fit.rate * one.hours;
        pearson += (one.events as f64 - mean).powi(2) / mean;
        expected += mean;
    }
    let factor = pearson / freedom * (1.0 + UNCERTAINTY * (2.0 / freedom).sqrt());
    let mean = expected / counted.len().max(1) as f64;
    let between = ((factor - 1.0) / mean).max(0.0);
    Fit {
        scatter: fit.scatter + between,
        ..fit
    }
}

#[cfg(test)]
#[path = "outliers_tests.rs"]
mod tests;
