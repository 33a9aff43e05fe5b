//! The difference between two rates of an amount, such as time lost an hour.
//!
//! The amounts are summed over blocks of time, and the blocks are taken for the
//! independent indicators: the ratio estimator of W. G. Cochran ("Sampling
//! Techniques", 1977, ch. 6) for each side, and B. L. Welch's degrees of freedom
//! (Biometrika 34, 1947) for their difference. The interval is approximate: few
//! blocks with one huge amount among them make it too narrow.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// An amount and the time it came in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    pub amount: f64,
    pub hours: f64,
}

/// An amount an hour on each side, and the difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub before: f64,
    pub after: f64,
    /// Interval of after minus before; `None` where the blocks do not scatter.
    pub interval: Option<(f64, f64)>,
}

/// Compares two sides; `None` where one has no time.
pub fn compare(before: &[Part], after: &[Part], level: f64) -> Option<Difference> {
    let (before, after) = (Mean::new(before)?, Mean::new(after)?);
    let variance = before.variance + after.variance;
    let freedom = variance.powi(2)
        / [before, after]
            .iter()
            .filter(|side| side.variance > 0.0)
            .map(|side| side.variance.powi(2) / (side.blocks - 1.0))
            .sum::<f64>();
    let student = StudentsT::new(0.0, 1.0, freedom).ok();
    Some(Difference {
        before: before.rate,
        after: after.rate,
        interval: student.filter(|_| variance > 0.0).map(|student| {
            let reach = student.inverse_cdf(f64::midpoint(1.0, level)) * variance.sqrt();
            let difference = after.rate - before.rate;
            (difference - reach, difference + reach)
        }),
    })
}

#[derive(Clone, Copy)]
struct Mean {
    rate: f64,
    variance: f64,
    blocks: f64,
}

impl Mean {
    fn new(parts: &[Part]) -> Option<Mean> {
        let hours: f64 = parts.iter().map(|part| part.hours).sum();
        if !(hours.is_finite() && hours > 0.0) {
            return None;
        }
        let rate = parts.iter().map(|part| part.amount).sum::<f64>() / hours;
        let residual = |part: &Part| (part.amount - rate * part.hours).powi(2);
        let squares: f64 = parts.iter().map(residual).sum();
        let blocks = parts.len() as f64;
        let variance = match parts.len() {
            0 | 1 => 0.0,
            _ => blocks / (blocks - 1.0) * squares / (hours * hours),
        };
        Some(Mean {
            rate,
            variance,
            blocks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_blocks_give_welchs_interval() {
        // scipy.stats.ttest_ind([5, 7, 6, 8], [1, 2, 3, 2, 1], equal_var=False)
        // .confidence_interval() of SciPy 1.17.1: (2.774664629, 6.625335371).
        let parts = |amounts: &[f64]| -> Vec<Part> {
            let part = |&amount| Part { amount, hours: 1.0 };
            amounts.iter().map(part).collect()
        };
        let (before, after) = (
            parts(&[1.0, 2.0, 3.0, 2.0, 1.0]),
            parts(&[5.0, 7.0, 6.0, 8.0]),
        );
        let found = compare(&before, &after, 0.95).unwrap();
        let (low, high) = found.interval.unwrap();
        assert!((low - 2.774_664_629).abs() < 1e-6, "{found:?}");
        assert!((high - 6.625_335_371).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn no_scatter_gives_no_interval() {
        let none = [Part {
            amount: 0.0,
            hours: 1.0,
        }; 4];
        assert_eq!(compare(&none, &none, 0.95).unwrap().interval, None);
        assert_eq!(compare(&[], &none, 0.95), None);
    }
}
