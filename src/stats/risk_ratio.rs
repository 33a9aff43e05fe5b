//! How many times as likely a property is in a group as in the rest: the score
//! interval of the ratio of two shares (P. A. R. Koopman, "Confidence intervals
//! for the ratio of two binomial proportions", Biometrics 40, 1984). Unlike
//! intervals made from logarithms it holds where a share is 0 or 1.

use super::fisher::Table;

/// 1.96: two-sided 95 %.
const QUANTILE: f64 = 1.959_963_984_540_054;
/// Ratios beyond `exp(30)` are not told from none.
const FARTHEST: f64 = 30.0;
/// Halvings: the interval's ends are found to 1 part in a billion.
const HALVINGS: usize = 60;

/// The ratio of two shares with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiskRatio {
    /// As counted; `None` where the rest has none.
    pub estimate: Option<f64>,
    pub low: f64,
    /// Upper end; `None` where nothing bounds it.
    pub high: Option<f64>,
}

/// The ratio for a table; `None` where a side is empty or nobody has the
/// property.
pub fn of(table: &Table) -> Option<RiskRatio> {
    let (x, y) = (table.group_with as f64, table.rest_with as f64);
    let n = x + table.group_without as f64;
    let m = y + table.rest_without as f64;
    if n == 0.0 || m == 0.0 || x + y == 0.0 {
        return None;
    }
    let score = |ln_ratio: f64| score([x, n, y, m], ln_ratio.exp());
    // The score falls as the ratio grows.
    let root = |level: f64| {
        let (mut low, mut high) = (-FARTHEST, FARTHEST);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            match score(middle) > level {
                true => low = middle,
                false => high = middle,
            }
        }
        low.midpoint(high).exp()
    };
    Some(RiskRatio {
        estimate: (y > 0.0).then(|| (x / n) / (y / m)),
        low: match x > 0.0 {
            true => root(QUANTILE),
            false => 0.0,
        },
        high: (y > 0.0).then(|| root(-QUANTILE)),
    })
}

/// How many standard errors the shares are from the ratio, with the shares
/// that are most likely at that ratio.
fn score([x, n, y, m]: [f64; 4], ratio: f64) -> f64 {
    let a = (n + m) * ratio;
    let b = -(n * ratio + x + m + y * ratio);
    let c = x + y;
    let q = ((-b - (b * b - 4.0 * a * c).max(0.0).sqrt()) / (2.0 * a)).clamp(0.0, 1.0);
    let p = (ratio * q).clamp(0.0, 1.0);
    let variance = p * (1.0 - p) / n + ratio * ratio * q * (1.0 - q) / m;
    let distance = x / n - ratio * y / m;
    match variance > 0.0 {
        true => distance / variance.sqrt(),
        false => distance.signum() * f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(x: u64, n: u64, y: u64, m: u64) -> Table {
        Table {
            group_with: x,
            group_without: n - x,
            rest_with: y,
            rest_without: m - y,
        }
    }

    // Koopman's own example: 36 of 40 against 16 of 80 gives 2.94 to 7.15.
    #[test]
    fn the_interval_agrees_with_the_paper() {
        let found = of(&table(36, 40, 16, 80)).unwrap();
        assert!((found.estimate.unwrap() - 4.5).abs() < 1e-12);
        assert!((found.low - 2.94).abs() < 0.01, "{found:?}");
        assert!((found.high.unwrap() - 7.15).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn shares_of_none_and_all_have_intervals() {
        let none_else = of(&table(10, 10, 0, 1_000)).unwrap();
        assert_eq!((none_else.estimate, none_else.high), (None, None));
        assert!(none_else.low > 50.0, "{none_else:?}");
        let none_here = of(&table(0, 10, 5, 1_000)).unwrap();
        assert_eq!(none_here.low, 0.0);
        assert!(none_here.high.unwrap() > 10.0, "{none_here:?}");
        assert_eq!(of(&table(0, 10, 0, 10)), None);
    }
}
