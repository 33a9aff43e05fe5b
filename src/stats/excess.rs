//! How often a count as large comes from a known mean: exact upper tails of the
//! Poisson and the negative binomial distribution.
//!
//! The tails are summed term by term from the count upwards. Each term is the
//! one before times a factor below 1, so that the sum is exact to rounding
//! even where the tail is 1e-200.

use statrs::function::gamma::ln_gamma;

/// Terms smaller than this part of the sum no longer change it.
const NEGLIGIBLE: f64 = 1e-17;
/// A dispersion beyond Poisson's below this is none.
const NO_DISPERSION: f64 = 1e-9;

/// The chance of `count` events or more where `mean` are expected and the
/// rates of hosts differ by the relative variance `dispersion`: their variance
/// over the square of their mean. With 0 this is Poisson's tail. For counts that
/// are not above the mean it is 1, a bound.
pub fn tail(count: u64, mean: f64, dispersion: f64) -> f64 {
    match Terms::new(count, mean, dispersion) {
        Ok(terms) => terms.sum(),
        Err(known) => known,
    }
}

/// Whether [`tail`] is at least `level`. Its first term tells in most cases.
pub fn tail_reaches(level: f64, count: u64, mean: f64, dispersion: f64) -> bool {
    match Terms::new(count, mean, dispersion) {
        Ok(terms) => terms.ln_first >= level.ln() || terms.sum() >= level,
        Err(known) => known >= level,
    }
}

struct Terms {
    first: f64,
    ln_first: f64,
    next: Next,
}

/// The factor from the term before `k` to that of `k`.
enum Next {
    /// Poisson: the mean over `k`.
    Poisson { mean: f64 },
    /// Negative binomial.
    Scattered { share: f64, size: f64 },
}

impl Terms {
    /// The terms, or the tail where it is known without them.
    fn new(count: u64, mean: f64, dispersion: f64) -> Result<Terms, f64> {
        let k = count as f64;
        if count == 0 || k <= mean {
            return Err(1.0);
        }
        if mean.is_nan() || mean <= 0.0 {
            return Err(0.0);
        }
        let (ln_first, next) = if dispersion < NO_DISPERSION {
            let ln_first = k * mean.ln() - mean - ln_gamma(k + 1.0);
            (ln_first, Next::Poisson { mean })
        } else {
            let size = 1.0 / dispersion;
            let share = mean / (mean + size);
            let ln_first = ln_gamma(k + size) - ln_gamma(size) - ln_gamma(k + 1.0)
                + size * (size / (mean + size)).ln()
                + k * share.ln();
            (ln_first, Next::Scattered { share, size })
        };
        Ok(Terms {
            first: k,
            ln_first,
            next,
        })
    }

    fn sum(&self) -> f64 {
        let sum = match self.next {
            Next::Poisson { mean } => sum_from(self.first, |k| mean / k),
            Next::Scattered { share, size } => {
                sum_from(self.first, |k| share * (k - 1.0 + size) / k)
            }
        };
        (self.ln_first + sum.ln()).exp().min(1.0)
    }
}

/// The sum of all terms from `k` on, in parts of the first.
fn sum_from(mut k: f64, next: impl Fn(f64) -> f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    while term > NEGLIGIBLE * sum {
        k += 1.0;
        term *= next(k);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    // Summed apart from this code, with 50 digits.
    #[test]
    fn tails_agree_with_reference_figures() {
        for (count, mean, dispersion, reference) in [
            (10, 3.0, 0.0, 1.102_488_130_115_479_7e-3),
            (60, 20.0, 0.0, 4.233_284_694_712_903e-13),
            (30, 10.0, 0.25, 6.744_053_039_622_873e-3),
        ] {
            let error = tail(count, mean, dispersion) / reference - 1.0;
            assert!(error.abs() < 1e-9, "{count} {mean} {dispersion}: {error}");
        }
    }

    #[test]
    fn what_a_tail_reaches_is_its_size() {
        for (count, mean, dispersion) in [(10, 3.0, 0.0), (30, 10.0, 0.25), (2, 5.0, 0.1)] {
            let size = tail(count, mean, dispersion);
            for (level, reached) in [(0.1, true), (0.999, true), (1.001, false)] {
                let found = tail_reaches(level * size, count, mean, dispersion);
                assert_eq!(found, reached, "{count} {mean} {dispersion} {level}");
            }
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
