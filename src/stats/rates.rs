//! Rates of rare events with exact Poisson bounds.
//!
//! Stalls are counted over a known time; what matters is how large the true
//! rate may still be. The bounds are those of F. Garwood, "Fiducial limits for
//! the Poisson distribution", Biometrika 28 (1936), in their chi-squared form:
//! with n events the upper bound at level c is `chi2inv(c, 2n + 2) / 2`, the
//! lower one `chi2inv(1 - c, 2n) / 2`.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Counts from here on are bounded by Wilson and Hilferty's cube-root formula
/// (PNAS 17, 1931): its relative error is below 1e-8 there, and the exact
/// quantile takes ever longer.
const LARGE_COUNT: u64 = 100_000;

/// Events counted over a time of exposure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub events: u64,
    /// The time in which they would have been seen, in hours.
    pub hours: f64,
}

/// A two-sided interval of a rate, events an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The smallest rate that the count does not contradict.
    pub low: f64,
    pub high: f64,
}

impl Rate {
    /// The rate as counted; `None` without exposure.
    pub fn per_hour(&self) -> Option<f64> {
        self.exposure().map(|hours| self.events as f64 / hours)
    }

    /// The one-sided 95 % upper bound: were the true rate higher, so few
    /// events would be seen in less than one of twenty such runs.
    pub fn upper95_per_hour(&self) -> Option<f64> {
        self.exposure()
            .map(|hours| upper_mean(self.events, 0.95) / hours)
    }

    /// The one-sided 95 % lower bound: were the true rate lower, so many
    /// events would be seen in less than one of twenty such runs.
    pub fn lower95_per_hour(&self) -> Option<f64> {
        self.exposure()
            .map(|hours| lower_mean(self.events, 0.95) / hours)
    }

    /// The two-sided 95 % interval; 2.5 % of the risk lies on either side.
    pub fn interval95_per_hour(&self) -> Option<Interval> {
        self.exposure().map(|hours| Interval {
            low: lower_mean(self.events, 0.975) / hours,
            high: upper_mean(self.events, 0.975) / hours,
        })
    }

    fn exposure(&self) -> Option<f64> {
        (self.hours.is_finite() && self.hours > 0.0).then_some(self.hours)
    }
}

/// Hours without a single event after which the 95 % upper bound has come down
/// to `per_hour`: the answer to "how long must I test". `None` where no length
/// of test shows it.
pub fn hours_for_zero_to_show(per_hour: f64) -> Option<f64> {
    (per_hour.is_finite() && per_hour > 0.0).then(|| upper_mean(0, 0.95) / per_hour)
}

/// The mean that the one-sided 95 % bound allows, to a hundredth: by the
/// cube-root formula, quick enough for each report of a large fleet.
pub fn roughly_upper95_mean(events: u64) -> f64 {
    let half = events.saturating_add(1) as f64;
    let part = 1.0 / (9.0 * half);
    // The normal quantile of 0.95.
    half * (1.0 - part + 1.644_853_626_951_47 * part.sqrt()).powi(3)
}

fn upper_mean(events: u64, level: f64) -> f64 {
    half_chi_squared(events.saturating_add(1), level)
}

fn lower_mean(events: u64, level: f64) -> f64 {
    match events {
        0 => 0.0,
        n => half_chi_squared(n, 1.0 - level),
    }
}

/// Half the quantile of the chi-squared distribution with `2 * half_freedom`
/// degrees of freedom.
fn half_chi_squared(half_freedom: u64, level: f64) -> f64 {
    let half = half_freedom as f64;
    if half_freedom >= LARGE_COUNT {
        let part = 1.0 / (9.0 * half);
        return half * (1.0 - part + normal_quantile(level) * part.sqrt()).powi(3);
    }
    match ChiSquared::new(2.0 * half) {
        Ok(distribution) => distribution.inverse_cdf(level) / 2.0,
        // Only a freedom of 0 or less is refused; the callers give 1 or more.
        Err(_) => f64::NAN,
    }
}

fn normal_quantile(level: f64) -> f64 {
    statrs::distribution::Normal::standard().inverse_cdf(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over_one_hour(events: u64) -> Rate {
        Rate { events, hours: 1.0 }
    }

    fn assert_close(value: Option<f64>, reference: f64) {
        let value = value.unwrap();
        let error = (value / reference - 1.0).abs();
        assert!(error < 1e-8, "{value} is not {reference}");
    }

    // Computed apart from statrs, with mpmath at 30 digits: the root m of
    // gammainc(n + 1, m, inf, regularized) = risk, and of its mirror image for
    // the lower bound. They agree with the printed tables (3.00, 4.74, 6.30).
    #[test]
    fn bounds_agree_with_reference_figures() {
        for (events, one_sided, low, high) in [
            (0, 2.995_732_273_554, 0.0, 3.688_879_454_113_9),
            (
                1,
                4.743_864_518_390_6,
                0.025_317_807_984_29,
                5.571_643_390_938_9,
            ),
            (
                2,
                6.295_793_621_872,
                0.242_209_278_543_96,
                7.224_687_667_724,
            ),
            (
                10,
                16.962_219_235_722,
                4.795_388_696_132_4,
                18.390_356_042_018,
            ),
            (
                100,
                118.079_272_782_1,
                81.363_991_250_923,
                121.626_793_793_8,
            ),
            (
                10_000,
                10_166.060_136_127,
                9_804.952_467_260_2,
                10_197.951_624_661,
            ),
        ] {
            let rate = over_one_hour(events);
            assert_close(rate.upper95_per_hour(), one_sided);
            let interval = rate.interval95_per_hour().unwrap();
            assert_close(Some(interval.high), high);
            assert!((interval.low - low).abs() <= low * 1e-8, "{events}");
        }
    }

    #[test]
    fn bound_is_where_the_poisson_sum_leaves_five_percent() {
        for events in [0_u64, 1, 5, 40] {
            let mean = over_one_hour(events).upper95_per_hour().unwrap();
            let (mut term, mut sum) = ((-mean).exp(), 0.0);
            for k in 0..=events {
                sum += term;
                term *= mean / (k + 1) as f64;
            }
            assert!((sum - 0.05).abs() < 1e-9, "{events} events: {sum}");
        }
    }

    #[test]
    fn large_counts_join_the_exact_bound_without_a_step() {
        let exact = over_one_hour(LARGE_COUNT - 3).upper95_per_hour().unwrap();
        let formula = over_one_hour(LARGE_COUNT - 1).upper95_per_hour().unwrap();
        // The mean of the bound grows by a little more than 1 an event.
        assert!(
            (formula - exact - 2.005).abs() < 0.01,
            "{}",
            formula - exact
        );
        assert!(
            over_one_hour(u64::MAX)
                .upper95_per_hour()
                .unwrap()
                .is_finite()
        );
    }

    #[test]
    fn the_quick_bound_is_good_to_a_hundredth() {
        for events in (0..200).chain([1_000, 99_000, 5_000_000]) {
            let exact = over_one_hour(events).upper95_per_hour().unwrap();
            let ratio = roughly_upper95_mean(events) / exact;
            assert!((ratio - 1.0).abs() < 0.01, "{events}: {ratio}");
        }
    }

    #[test]
    fn ten_clean_seconds_leave_a_thousand_an_hour_open() {
        let rate = Rate {
            events: 0,
            hours: 9.98 / 3600.0,
        };
        assert_eq!(rate.per_hour(), Some(0.0));
        assert_close(
            rate.upper95_per_hour(),
            2.995_732_273_553_991 * 3600.0 / 9.98,
        );
    }

    #[test]
    fn no_exposure_gives_no_rate() {
        for hours in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let rate = Rate { events: 3, hours };
            assert_eq!(rate.per_hour(), None);
            assert_eq!(rate.upper95_per_hour(), None);
            assert_eq!(rate.interval95_per_hour(), None);
        }
    }

    #[test]
    fn three_hours_show_less_than_one_an_hour() {
        assert_close(hours_for_zero_to_show(1.0), 2.995_732_273_553_991);
        assert_eq!(hours_for_zero_to_show(0.0), None);
    }
}
