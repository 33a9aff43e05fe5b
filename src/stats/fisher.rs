//! Whether two groups fail alike: R. A. Fisher's exact test of a two by two
//! table, "The logic of inductive inference", J. R. Stat. Soc. 98 (1935).

use statrs::function::factorial::ln_binomial;

/// Tables that differ from the one seen by less than this in chance count as
/// equally rare, as R's `fisher.test` has it.
const AS_RARE: f64 = 1.0 + 1e-7;

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
        let chance = |k: u64| (ln_binomial(group, k) + ln_binomial(rest, with - k) - ln_all).exp();
        let seen = chance(self.group_with) * AS_RARE;
        let sum: f64 = (least..=most)
            .map(chance)
            .filter(|chance| *chance <= seen)
            .sum();
        sum.min(1.0)
    }

    /// The share with the property in the group.
    pub fn group_share(&self) -> f64 {
        share(self.group_with, self.group_without)
    }

    /// The share with the property in the rest.
    pub fn rest_share(&self) -> f64 {
        share(self.rest_with, self.rest_without)
    }
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

    #[test]
    fn tables_without_a_choice_show_nothing() {
        assert_eq!(chance(0, 5, 0, 9), 1.0);
        assert_eq!(chance(5, 0, 9, 0), 1.0);
        assert_eq!(chance(0, 0, 3, 4), 1.0);
    }
}
