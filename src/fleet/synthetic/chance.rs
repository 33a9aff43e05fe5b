//! Random numbers of the kinds that events follow.

use fastrand::Rng;

/// A normal variable (G. E. P. Box and M. E. Muller, Ann. Math. Statist. 29,
/// 1958).
pub(super) fn normal(random: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}

/// A count at random moments (D. E. Knuth's product of uniform variables, in
/// steps that do not underflow).
pub(in crate::fleet) fn poisson(random: &mut Rng, mean: f64) -> u64 {
    let (mut left, mut count) = (mean, 0);
    while left > 0.0 {
        let step = left.min(30.0);
        left -= step;
        let (limit, mut product) = ((-step).exp(), random.f64());
        while product > limit {
            count += 1;
            product *= random.f64();
        }
    }
    count
}
