//! The ratio of two rates: its exact interval, and a test of equality.
//!
//! Given how many events there are in all, those after the change are binomial,
//! whatever the rates (J. Przyborowski and H. Wilenski, Biometrika 31, 1940).
//! The interval inverts the exact test (C. J. Clopper and E. S. Pearson,
//! Biometrika 26, 1934). For events that are not at random moments the counts
//! are divided by their [`Dispersion`] first, so that a burst of ten weighs as
//! the one event that it is; as the divisor is an estimate, normal quantiles
//! give way to Student's, as in quasi-likelihood. At a factor of 1 all of this
//! is the exact test.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::function::beta::beta_reg;

use super::dispersion::Dispersion;

/// Above this many events in all the library's continued fraction for the beta
/// integral, cut off at 140 terms, no longer converges.
const LARGE_TOTAL: f64 = 4_000.0;
/// Ratios beyond `exp(80)` are not told from none.
const FARTHEST: f64 = 80.0;

/// Events over a time, of one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tally {
    pub events: u64,
    /// The time in which they would have been seen, in hours.
    pub hours: f64,
}

/// The rate after by the rate before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateRatio {
    /// As counted; `None` where nothing was seen before.
    pub estimate: Option<f64>,
    pub low: f64,
    /// Upper end; `None` where nothing bounds it.
    pub high: Option<f64>,
    /// How often equal rates give counts at least as far apart, two-sided.
    pub p: f64,
}

/// Compares two rates; `None` where a side has no time, or none has events.
/// `level` is that of the two-sided interval.
pub fn compare(
    before: Tally,
    after: Tally,
    dispersion: Dispersion,
    level: f64,
) -> Option<RateRatio> {
    let usable = |tally: Tally| tally.hours.is_finite() && tally.hours > 0.0;
    if !usable(before) || !usable(after) || (before.events == 0 && after.events == 0) {
        return None;
    }
    let effective = |tally: Tally| tally.events as f64 / dispersion.factor;
    let test = Test {
        before: effective(before),
        after: effective(after),
        odds: after.hours / before.hours,
        freedom: dispersion.freedom,
    };
    let risk = (1.0 - level) / 2.0;
    let estimate = (before.events > 0)
        .then(|| (after.events as f64 / after.hours) / (before.events as f64 / before.hours));
    Some(RateRatio {
        estimate,
        low: match after.events {
            0 => 0.0,
            _ => test.root(|ratio| test.as_many_after(ratio) < risk),
        },
        high: (before.events > 0).then(|| test.root(|ratio| test.as_few_after(ratio) > risk)),
        p: (2.0 * test.as_many_after(1.0).min(test.as_few_after(1.0))).min(1.0),
    })
}

/// The counts in independent events, and the odds that one falls after.
struct Test {
    before: f64,
    after: f64,
    odds: f64,
    freedom: Option<f64>,
}

impl Test {
    /// The chance of as many events after or more, were the rates in `ratio`.
    fn as_many_after(&self, ratio: f64) -> f64 {
        self.widened(binomial_tail(self.after, self.before, self.odds * ratio))
    }

    /// The chance of as few after or fewer: of as many before or more.
    fn as_few_after(&self, ratio: f64) -> f64 {
        let odds = 1.0 / (self.odds * ratio);
        self.widened(binomial_tail(self.before, self.after, odds))
    }

    /// Student's tail at the normal quantile of a chance.
    fn widened(&self, chance: f64) -> f64 {
        let Some(freedom) = self.freedom else {
            return chance;
        };
        if chance >= 0.5 {
            return chance;
        }
        let quantile = Normal::standard().inverse_cdf(chance.max(f64::MIN_POSITIVE));
        StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |student| student.cdf(quantile))
    }

    /// The ratio up to which `holds` is true.
    fn root(&self, holds: impl Fn(f64) -> bool) -> f64 {
        let (mut low, mut high) = (-FARTHEST, FARTHEST);
        while high - low > 1e-10 {
            let middle = f64::midpoint(low, high);
            if holds(middle.exp()) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low.exp()
    }
}

/// The chance of `hits` or more against `misses`, each event a hit at `odds`
/// to 1. Counts need not be whole.
fn binomial_tail(hits: f64, misses: f64, odds: f64) -> f64 {
    if hits <= 0.0 {
        return 1.0;
    }
    if hits + misses > LARGE_TOTAL {
        return paulson(hits, misses, odds);
    }
    beta_reg(hits, misses + 1.0, odds / (1.0 + odds))
}

/// E. Paulson's normal approximation of the variance ratio's distribution
/// (Annals of Mathematical Statistics 13, 1942), which the binomial tail is an
/// instance of: with degrees of freedom in the thousands it is right to 1e-6.
fn paulson(hits: f64, misses: f64, odds: f64) -> f64 {
    let ratio = ((misses + 1.0) * odds / hits).cbrt();
    let (of_hits, of_misses) = (1.0 / (9.0 * hits), 1.0 / (9.0 * (misses + 1.0)));
    let spread = (of_misses * ratio * ratio + of_hits).sqrt();
    Normal::standard().cdf(((1.0 - of_misses) * ratio - (1.0 - of_hits)) / spread)
}
