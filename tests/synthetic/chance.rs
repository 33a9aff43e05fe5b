//! How many events come at random moments. Unit tests of outliers use it, too.

use fastrand::Rng;

/// A count at random moments (D. E. Knuth's product of uniform variables, in
/// steps that do not underflow).
pub fn poisson(random: &mut Rng, mean: f64) -> u64 {
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
