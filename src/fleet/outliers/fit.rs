//! The rate that hosts of a group share, and how far they differ from it.

use crate::stats::excess::{tail, tail_reaches};

/// Hosts rarer than this, times their number, are left out of the fit.
const LEFT_OUT: f64 = 0.05;
/// Standard errors by which the dispersion is raised.
const UNCERTAINTY: f64 = 1.5;
/// The fit settles in a few rounds; a cycle ends here.
const MOST_ROUNDS: usize = 20;
/// The width of the middle half of a normal distribution, in standard
/// deviations.
const MIDDLE_HALF: f64 = 1.349;

/// One host's events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub host: usize,
    /// How many it had ...
    pub events: u64,
    /// ... in this time.
    pub hours: f64,
}

/// What a group lets expect of one host.
pub(super) struct Judged {
    pub expected: f64,
    /// How often a host like the others has as many as this one.
    pub p: f64,
}

/// A rate that hosts share, and how far they differ from it.
#[derive(Clone, Copy)]
struct Fit {
    rate: f64,
    dispersion: f64,
}

impl Fit {
    fn chance(&self, one: &Counted) -> f64 {
        tail(one.events, self.rate * one.hours, self.dispersion)
    }

    fn allows(&self, one: &Counted, level: f64) -> bool {
        tail_reaches(level, one.events, self.rate * one.hours, self.dispersion)
    }
}

/// Holds each host of a group against the others.
pub(super) fn judge(counted: &[Counted]) -> Vec<Judged> {
    let mut fit = of_middle_half(counted);
    let cut = LEFT_OUT / counted.len() as f64;
    let mut kept: Vec<bool> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let fitting: Vec<bool> = counted.iter().map(|one| fit.allows(one, cut)).collect();
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
        dispersion: (beyond_poisson / (fit.rate * fit.rate)).max(fit.dispersion),
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
        dispersion: 1.0 / events,
    }
}

/// Rate and dispersion by moments, the latter raised by what its own uncertainty
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
        dispersion: fit.dispersion + between,
        ..fit
    }
}
