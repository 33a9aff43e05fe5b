//! Whether lengths are longer on one side, and by how much.
//!
//! The rank test of H. B. Mann and D. R. Whitney (Annals of Mathematical
//! Statistics 18, 1947) and the shift of J. L. Hodges and E. L. Lehmann (ibid.
//! 34, 1963), the median of all differences between a length after and one
//! before. Stalls of one burst have like lengths, which the plain test takes
//! for so many indicators; the variance is therefore also estimated from the
//! sums over blocks of time (N. A. Obuchowski, Biometrics 53, 1997, after
//! E. R. DeLong et al., ibid. 44, 1988), and the larger one counts.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::units::Nanos;

/// Fewer lengths a side than this are not compared.
pub const FEWEST: usize = 5;

/// A length, and the block of time that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Measured {
    pub length: Nanos,
    /// Lengths of the same block may depend on each other.
    pub block: usize,
}

/// How lengths after differ from lengths before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The chance that one after is longer than one before, ties by half.
    pub chance_longer: f64,
    /// The Hodges-Lehmann shift, in ns: after minus before.
    pub shift_ns: i64,
    /// Lower end of its interval; `None` where so few lengths give none.
    pub low_ns: Option<i64>,
    /// Upper end.
    pub high_ns: Option<i64>,
    /// How often equal distributions give ranks at least as far apart.
    pub p: f64,
}

/// Compares lengths; `None` where there are too few on a side.
pub fn compare(before: &[Measured], after: &[Measured], level: f64) -> Option<Shift> {
    if before.len() < FEWEST || after.len() < FEWEST {
        return None;
    }
    let (before_sorted, after_sorted) = (sorted(before), sorted(after));
    let chance_after = Placements::new(after, &before_sorted);
    let chance_before = Placements::new(before, &after_sorted);
    let chance_longer = chance_after.mean;
    let by_blocks = chance_after.variance + chance_before.variance;
    // The sums over a few blocks tell their variance badly, and over sides that
    // do not overlap not at all: what the blocks have in common counts as well.
    let by_ranks = rank_variance(&before_sorted, &after_sorted) * design_effect(before, after);
    let variance = by_blocks.max(by_ranks);
    // No better founded than the side with fewer blocks.
    let freedom = chance_after.blocks.min(chance_before.blocks) - 1;
    let student = StudentsT::new(0.0, 1.0, freedom.max(1) as f64).ok()?;
    let spread = variance.sqrt();
    // All lengths alike have no ranks, and no difference.
    let p = match spread > 0.0 {
        true => 2.0 * student.cdf(-((chance_longer - 0.5) / spread).abs()),
        false => 1.0,
    };
    let pairs = before.len() as f64 * after.len() as f64;
    let differences = Differences {
        before: &before_sorted,
        after: &after_sorted,
    };
    let reach = student.inverse_cdf(f64::midpoint(1.0, level)) * spread;
    let lowest = (pairs * (0.5 - reach)).floor();
    Some(Shift {
        chance_longer,
        shift_ns: differences.median(pairs as u128),
        low_ns: (lowest >= 1.0).then(|| differences.at(lowest as u128)),
        high_ns: (lowest >= 1.0).then(|| differences.at(pairs as u128 + 1 - lowest as u128)),
        p,
    })
}

fn sorted(lengths: &[Measured]) -> Vec<i64> {
    let mut sorted: Vec<i64> = lengths
        .iter()
        .map(|measured| i64::try_from(measured.length.0).unwrap_or(i64::MAX))
        .collect();
    sorted.sort_unstable();
    sorted
}

/// Where the lengths of one side fall among those of the other.
struct Placements {
    mean: f64,
    /// Of the mean, from the sums over blocks.
    variance: f64,
    blocks: usize,
}

impl Placements {
    fn new(own: &[Measured], other: &[i64]) -> Placements {
        let mut placed: Vec<(usize, f64)> = own
            .iter()
            .map(|measured| {
                let length = i64::try_from(measured.length.0).unwrap_or(i64::MAX);
                let below = other.partition_point(|&value| value < length);
                let not_above = other.partition_point(|&value| value <= length);
                let place = (below + not_above) as f64 / 2.0 / other.len() as f64;
                (measured.block, place)
            })
            .collect();
        placed.sort_by_key(|(block, _)| *block);
        let count = placed.len() as f64;
        let mean = placed.iter().map(|(_, place)| place).sum::<f64>() / count;
        let sums: Vec<f64> = placed
            .chunk_by(|a, b| a.0 == b.0)
            .map(|block| block.iter().map(|(_, place)| place - mean).sum::<f64>())
            .collect();
        let blocks = sums.len() as f64;
        let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
        Placements {
            mean,
            variance: match sums.len() {
                1 => 0.0,
                _ => blocks / (blocks - 1.0) * squares / (count * count),
            },
            blocks: sums.len(),
        }
    }
}

/// The variance of the chance under equal distributions and independence, with
/// the correction for ties (E. L. Lehmann, "Nonparametrics", 1975, ch. 1.4).
fn rank_variance(before: &[i64], after: &[i64]) -> f64 {
    let mut all = [before, after].concat();
    all.sort_unstable();
    let total = all.len() as f64;
    let ties: f64 = all
        .chunk_by(|a, b| a == b)
        .map(|tied| (tied.len() as f64).powi(3) - tied.len() as f64)
        .sum();
    let pairs = before.len() as f64 * after.len() as f64;
    (total + 1.0 - ties / (total * (total - 1.0))) / (12.0 * pairs)
}

/// By how much lengths of a block, being alike, inflate a variance: 1 for
/// independent ones, their mean number in a block where all are the same
/// (L. Kish, "Survey Sampling", 1965, ch. 5.4). The likeness is the intraclass
/// correlation of ranks, by the analysis of variance.
fn design_effect(before: &[Measured], after: &[Measured]) -> f64 {
    let mut all = sorted(before);
    all.extend(sorted(after));
    all.sort_unstable();
    let rank = |measured: &Measured| {
        let length = i64::try_from(measured.length.0).unwrap_or(i64::MAX);
        let below = all.partition_point(|&value| value < length);
        (below + all.partition_point(|&value| value <= length)) as f64 / 2.0
    };
    let (mut between, mut within, mut blocks, mut size, mut sizes) = (0.0, 0.0, 0.0, 1.0_f64, 0.0);
    for side in [before, after] {
        let mut ranked: Vec<(usize, f64)> = side.iter().map(|m| (m.block, rank(m))).collect();
        ranked.sort_by_key(|(block, _)| *block);
        let mean = ranked.iter().map(|(_, rank)| rank).sum::<f64>() / side.len() as f64;
        let mut squares = 0.0;
        for block in ranked.chunk_by(|a, b| a.0 == b.0) {
            let count = block.len() as f64;
            let own = block.iter().map(|(_, rank)| rank).sum::<f64>() / count;
            between += count * (own - mean).powi(2);
            within += block
                .iter()
                .map(|(_, rank)| (rank - own).powi(2))
                .sum::<f64>();
            blocks += 1.0;
            squares += count * count;
        }
        size = size.max(squares / side.len() as f64);
        sizes += squares / side.len() as f64;
    }
    let total = all.len() as f64;
    if total <= blocks {
        return 1.0;
    }
    if blocks <= 2.0 {
        return size;
    }
    let typical = (total - sizes) / (blocks - 2.0);
    let (between, within) = (between / (blocks - 2.0), within / (total - blocks));
    let likeness = (between - within) / (between + (typical - 1.0) * within);
    if likeness.is_nan() {
        return 1.0;
    }
    1.0 + (size - 1.0) * likeness.clamp(0.0, 1.0)
}

/// All differences between a length after and one before. They are too many to
/// list: 100,000 a side make ten thousand million.
struct Differences<'a> {
    before: &'a [i64],
    after: &'a [i64],
}

impl Differences<'_> {
    /// The difference of this rank, from 1: bisection over the values, with one
    /// pass over both sides a step.
    fn at(&self, rank: u128) -> i64 {
        let (mut low, mut high) = (-i64::MAX, i64::MAX);
        while low < high {
            let middle = low.midpoint(high);
            // Rounds towards zero: keep `middle` below `high`.
            let middle = if middle == high { middle - 1 } else { middle };
            if self.not_above(middle) >= rank {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    fn median(&self, pairs: u128) -> i64 {
        let (low, high) = (self.at(pairs.div_ceil(2)), self.at(pairs / 2 + 1));
        low.midpoint(high)
    }

    /// How many differences are at most this large.
    fn not_above(&self, limit: i64) -> u128 {
        let mut first = 0;
        let mut count = 0;
        for &after in self.after {
            // after - before <= limit, or before >= after - limit.
            let bound = after.saturating_sub(limit);
            while self.before.get(first).is_some_and(|&before| before < bound) {
                first += 1;
            }
            count += (self.before.len() - first) as u128;
        }
        count
    }
}
