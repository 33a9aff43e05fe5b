//! How often a count as large comes from a known mean: exact upper tails of the
//! Poisson and the negative binomial distribution.
//!
//! The tails are summed term by term from the count upwards. Each term is the
//! one before times a factor below 1, so that the sum is exact to rounding
//! even where the tail is 1e-200.

use statrs::function::gamma::ln_gamma;

/// Terms smaller than this part of the sum no longer change it.
const NEGLIGIBLE: f64 = 1e-17;
/// A scatter beyond Poisson's below this is none.
const NO_SCATTER: f64 = 1e-9;

/// The chance of `count` events or more where `mean` are expected and the
/// rates of hosts scatter by the relative variance `scatter`: their variance
/// over the square of their mean. With 0 this is Poisson's tail. For counts that
/// are not above the mean it is 1, a bound.
pub fn tail(count: u64, mean: f64, scatter: f64) -> f64 {
    if count == 0 {
        return 1.0;
    }
    if mean.is_nan() || mean <= 0.0 {
        return 0.0;
    }
    let k = count as f64;
    if k <= mean {
        return 1.0;
    }
    let (ln_first, next): (f64, Box<dyn Fn(f64) -> f64>) = if scatter < NO_SCATTER {
        let ln_first = k * mean.ln() - mean - ln_gamma(k + 1.0);
        (ln_first, Box::new(move |k| mean / k))
    } else {
        let size = 1.0 / scatter;
        let share = mean / (mean + size);
        let ln_first = ln_gamma(k + size) - ln_gamma(size) - ln_gamma(k + 1.0)
            + size * (size / (mean + size)).ln()
            + k * share.ln();
        (ln_first, Box::new(move |k| share * (k - 1.0 + size) / k))
    };
    let (mut term, mut sum, mut k) = (1.0, 1.0, k);
    while term > NEGLIGIBLE * sum {
        k += 1.0;
        term *= next(k);
        sum += term;
    }
    (ln_first + f64::ln(sum)).exp().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Summed apart from this code, with 50 digits.
    #[test]
    fn tails_agree_with_reference_figures() {
        for (count, mean, scatter, reference) in [
            (10, 3.0, 0.0, 1.102_488_130_115_479_7e-3),
            (60, 20.0, 0.0, 4.233_284_694_712_903e-13),
            (30, 10.0, 0.25, 6.744_053_039_622_873e-3),
        ] {
            let error = tail(count, mean, scatter) / reference - 1.0;
            assert!(error.abs() < 1e-9, "{count} {mean} {scatter}: {error}");
        }
    }

    #[test]
    fn a_small_scatter_joins_poisson() {
        let (with, without) = (tail(40, 20.0, 1e-8), tail(40, 20.0, 0.0));
        assert!((with / without - 1.0).abs() < 1e-4, "{with} {without}");
    }

    #[test]
    fn far_tails_end() {
        assert!(tail(u64::MAX, 1e6, 0.1) >= 0.0);
        assert_eq!(tail(0, 5.0, 0.0), 1.0);
        assert_eq!(tail(3, 0.0, 0.0), 0.0);
    }
}
