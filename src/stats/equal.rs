//! Whether two counts speak for two rates or for one.
//!
//! Given the sum of two Poisson counts, the first is binomial: with equal rates
//! each event falls into the first exposure with the probability of that
//! exposure's share (J. Przyborowski and H. Wilenski, "Homogeneity of results
//! in testing samples from Poisson series", Biometrika 31, 1940). The test is
//! exact and needs no rate; it is two-sided by twice the smaller tail, which
//! makes it a little conservative.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::rates::Rate;

/// The probability of counts at least as uneven as these, were the rates
/// equal. `None` where one side has no exposure.
pub fn p_value(first: Rate, second: Rate) -> Option<f64> {
    // A rate exists where there is exposure.
    first.per_hour().and(second.per_hour())?;
    let share = first.hours / (first.hours + second.hours);
    let sum = first.events.saturating_add(second.events);
    let binomial = Binomial::new(share, sum).ok()?;
    let at_most = binomial.cdf(first.events);
    let at_least = match first.events {
        0 => 1.0,
        events => binomial.sf(events - 1),
    };
    Some((2.0 * at_most.min(at_least)).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(first: (u64, f64), second: (u64, f64)) -> Option<f64> {
        let rate = |(events, hours)| Rate { events, hours };
        p_value(rate(first), rate(second))
    }

    // By hand: 10 of 10 events in one of two equal halves have the probability
    // 2^-10 on either side; 1 of 10 at most, 11 * 2^-10.
    #[test]
    fn uneven_counts_agree_with_figures_by_hand() {
        for (first, second, expected) in [
            ((10, 1.0), (0, 1.0), 2.0 / 1024.0),
            ((0, 1.0), (10, 1.0), 2.0 / 1024.0),
            ((1, 1.0), (9, 1.0), 22.0 / 1024.0),
            // A quarter of the time: (1/4)^5 on the upper side.
            ((5, 1.0), (0, 3.0), 2.0 / 1024.0),
        ] {
            let value = p(first, second).unwrap();
            assert!(
                (value - expected).abs() < 1e-10,
                "{first:?} {second:?}: {value}"
            );
        }
    }

    #[test]
    fn even_counts_speak_for_nothing() {
        assert_eq!(p((0, 1.0), (0, 1.0)), Some(1.0));
        assert_eq!(p((5, 1.0), (5, 1.0)), Some(1.0));
        assert!(p((100, 1.0), (300, 3.0)).unwrap() > 0.9);
    }

    #[test]
    fn without_exposure_there_is_no_test() {
        assert_eq!(p((0, 0.0), (5, 1.0)), None);
        assert_eq!(p((5, 1.0), (0, f64::NAN)), None);
    }

    #[test]
    fn large_counts_stay_finite() {
        let value = p((1_000_000, 1.0), (1_010_000, 1.0)).unwrap();
        assert!((0.0..1e-9).contains(&value), "{value}");
    }
}
