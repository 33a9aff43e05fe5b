//! Many comparisons, one risk.
//!
//! Ten tests at 5 % each find something in four of ten cases in which there is
//! nothing. S. Holm, "A simple sequentially rejective multiple test procedure"
//! (Scandinavian Journal of Statistics 6, 1979), keeps the risk of even one
//! false finding at the level, however the tests depend on each other. Section
//! 4 of that paper gives the form with weights: what was asked first may have
//! more of the risk than what was looked at besides.

/// A chance, and its share of the risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// The chance of the comparison by itself.
    pub p: f64,
    /// Its weight, above 0; only the proportions matter.
    pub weight: f64,
}

/// The chances after correction, in the order given: a comparison is found at
/// a level if its corrected chance is not above the level's risk.
pub fn holm(chances: &[Weighted]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    let rank = |at: &usize| chances[*at].p / chances[*at].weight;
    order.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    let mut weight_left: f64 = chances.iter().map(|chance| chance.weight).sum();
    let mut corrected = vec![1.0; chances.len()];
    let mut highest: f64 = 0.0;
    for at in order {
        highest = highest.max(rank(&at) * weight_left).min(1.0);
        corrected[at] = highest;
        weight_left -= chances[at].weight;
    }
    corrected
}

/// The chances after the correction of Y. Benjamini and Y. Hochberg ("Controlling
/// the false discovery rate", J. R. Stat. Soc. B 57, 1995), in the order given:
/// of what is found at a level, at most that share is false on average. For
/// groups that overlap, as vendors and their models do, it holds as well where
/// they depend on each other positively (Y. Benjamini and D. Yekutieli, Ann.
/// Statist. 29, 2001).
pub fn false_discovery(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*b].total_cmp(&chances[*a]));
    let all = chances.len() as f64;
    let mut corrected = vec![1.0; chances.len()];
    let mut lowest: f64 = 1.0;
    for (passed, at) in order.into_iter().enumerate() {
        let rank = all - passed as f64;
        lowest = lowest.min(chances[at] * all / rank);
        corrected[at] = lowest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_give_the_plain_procedure() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
        let chances = [0.01, 0.04, 0.03, 0.005].map(|p| Weighted { p, weight: 2.0 });
        let corrected = holm(&chances);
        for (found, reference) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - reference).abs() < 1e-12, "{corrected:?}");
        }
    }

    #[test]
    fn false_discoveries_are_corrected_as_r_does() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "BH").
        let corrected = false_discovery(&[0.01, 0.04, 0.03, 0.005]);
        for (found, reference) in corrected.iter().zip([0.02, 0.04, 0.04, 0.02]) {
            assert!((found - reference).abs() < 1e-12, "{corrected:?}");
        }
    }

    #[test]
    fn weight_buys_a_larger_share_of_the_risk() {
        let chance = |p, weight| Weighted { p, weight };
        let corrected = holm(&[chance(0.02, 3.0), chance(0.02, 1.0)]);
        // 0.02 of 3/4 of the risk; then the other has all of it, but may not
        // be found more easily than the first.
        assert!((corrected[0] - 0.02 / 0.75).abs() < 1e-12, "{corrected:?}");
        assert!((corrected[1] - 0.02 / 0.75).abs() < 1e-12, "{corrected:?}");
        assert!(holm(&[]).is_empty());
        assert_eq!(holm(&[chance(0.9, 1.0), chance(0.8, 1.0)]), [1.0, 1.0]);
    }
}
