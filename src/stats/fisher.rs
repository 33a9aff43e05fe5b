//! Whether two groups fail alike: R. A. Fisher's exact test of a two by two
//! table, "The logic of inductive inference", J. R. Stat. Soc. 98 (1935).

use statrs::function::factorial::ln_binomial;

/// Tables that differ from the one seen by less than this in chance count as
/// equally rare, as R's `fisher.test` has it.
const AS_RARE: f64 = 1.0 + 1e-7;

/// Terms smaller than this part of a sum no longer change it.
const NEGLIGIBLE: f64 = 1e-17;

/// Members of a group and of the rest, by whether they have a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// In the group, with the property.
    pub group_with: u64,
    /// In the group, without.
    pub group_without: u64,
    /// In the rest, with.
    pub rest_with: u64,
    /// In the rest, without.
    pub rest_without: u64,
}

impl Table {
    /// How often a table with these sums is as rare or rarer if the group has
    /// nothing to do with the property: the two-sided exact chance.
    pub fn chance(&self) -> f64 {
        let group = self.group_with + self.group_without;
        let rest = self.rest_with + self.rest_without;
        let with = self.group_with + self.rest_with;
        let all = group + rest;
        let (least, most) = (with.saturating_sub(rest), with.min(group));
        if least == most {
            return 1.0;
        }
        let ln_all = ln_binomial(all, with);
        let ln = |k: u64| ln_binomial(group, k) + ln_binomial(rest, with - k) - ln_all;
        let as_rare = ln(self.group_with) + AS_RARE.ln();
        // Chances rise to the mode and fall from there on, so that the rare
        // ones stand at both ends.
        let mode = (group + 1) as f64 * (with + 1) as f64 / (all + 2) as f64;
        let mode = (mode as u64).clamp(least, most);
        let low = first(least, mode + 1, |k| ln(k) > as_rare);
        let high = first(mode, most + 1, |k| ln(k) <= as_rare);
        if low >= high {
            return 1.0;
        }
        // The share of the chance of k in that of k - 1.
        let step = |k: u64| {
            let (up, down) = ((group - k + 1) * (with - k + 1), k * (rest + k - with));
            up as f64 / down as f64
        };
        let mut sum = 0.0;
        if low > least {
            let down = (least + 1..low).rev().map(|k| 1.0 / step(k));
            sum += ln(low - 1).exp() * sum_of(down);
        }
        if high <= most {
            sum += ln(high).exp() * sum_of((high + 1..=most).map(step));
        }
        sum.min(1.0)
    }

    pub fn group_share(&self) -> f64 {
        share(self.group_with, self.group_without)
    }

    pub fn rest_share(&self) -> f64 {
        share(self.rest_with, self.rest_without)
    }
}

/// The first of `from..to` for which something holds that holds for all after
/// it; `to` if for none.
fn first(from: u64, to: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut from, mut to) = (from, to);
    while from < to {
        let middle = from + (to - from) / 2;
        match holds(middle) {
            true => to = middle,
            false => from = middle + 1,
        }
    }
    from
}

/// A falling series of terms that begins with 1, by the factors from one to the
/// next, as far as they count.
fn sum_of(factors: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for factor in factors {
        term *= factor;
        sum += term;
        if term < NEGLIGIBLE * sum {
            break;
        }
    }
    sum
}

fn share(with: u64, without: u64) -> f64 {
    match with + without {
        0 => 0.0,
        all => with as f64 / all as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(group_with: u64, group_without: u64, rest_with: u64, rest_without: u64) -> f64 {
        let table = Table {
            group_with,
            group_without,
            rest_with,
            rest_without,
        };
        table.chance()
    }

    // Summed apart from this code, in whole fractions.
    #[test]
    fn chances_agree_with_reference_figures() {
        for ([a, b, c, d], reference) in [
            ([8, 2, 1, 5], 0.034_965_034_965_034_97),
            ([3, 1, 1, 3], 0.485_714_285_714_285_7),
            ([0, 10, 10, 0], 1.082_508_822_446_903e-5),
            ([50, 950, 100, 8_900], 3.436_765_217_285_915e-15),
        ] {
            let error = chance(a, b, c, d) / reference - 1.0;
            assert!(error.abs() < 1e-9, "{a} {b} {c} {d}: {error}");
        }
    }

    /// Every table with the same sums, one after the other.
    fn summed(table: &Table) -> f64 {
        let group = table.group_with + table.group_without;
        let rest = table.rest_with + table.rest_without;
        let with = table.group_with + table.rest_with;
        let ln = |k| ln_binomial(group, k) + ln_binomial(rest, with - k);
        let all = ln_binomial(group + rest, with);
        let chance = |k| f64::exp(ln(k) - all);
        let seen = chance(table.group_with) * AS_RARE;
        let every = (with.saturating_sub(rest)..=with.min(group)).map(chance);
        every.filter(|chance| *chance <= seen).sum()
    }

    #[test]
    fn both_ends_are_summed_as_far_as_they_count() {
        let mut random = fastrand::Rng::with_seed(8);
        for most in [3, 30, 300, 3_000] {
            for _ in 0..200 {
                let [group_with, group_without, rest_with, rest_without] =
                    std::array::from_fn(|_| random.u64(0..=most));
                let table = Table {
                    group_with,
                    group_without,
                    rest_with,
                    rest_without,
                };
                let (found, reference) = (table.chance(), summed(&table).min(1.0));
                let error = (found - reference).abs();
                assert!(error <= 1e-8 * reference, "{table:?}: {found} {reference}");
            }
        }
    }

    #[test]
    fn tables_without_a_choice_show_nothing() {
        assert_eq!(chance(0, 5, 0, 9), 1.0);
        assert_eq!(chance(5, 0, 9, 0), 1.0);
        assert_eq!(chance(0, 0, 3, 4), 1.0);
    }
}
