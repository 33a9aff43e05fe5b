//! How far the counts of a series scatter, against counts at random moments.
//!
//! Stalls seldom are a Poisson process: a timer raises them at even intervals,
//! a storm raises hundreds at once. The variance of a count is then its mean
//! times a factor below or above 1. That factor is estimated as in
//! quasi-likelihood (R. W. M. Wedderburn, Biometrika 61, 1974; P. McCullagh and
//! J. A. Nelder, "Generalized Linear Models", 1989, ch. 4.5): runs are cut into
//! blocks, and Pearson's statistic of the blocks' counts is divided by its
//! degrees of freedom. Events that come in bursts shorter than a block count as
//! one another's company; bursts that outlast a block are seen only as runs
//! that differ.

use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor};

/// Blocks that one side is cut into, over all its runs.
pub const BLOCKS_PER_SIDE: usize = 16;
/// The risk at which random events are taken for regular ones, and for less
/// scattered than they are. Spent on top of the test's own, so it is small.
const REGULAR_RISK: f64 = 0.001;
/// The risk at which runs of one side are found to differ. It is large, as few
/// runs show a difference badly and to overlook one makes false findings
/// (T. A. Bancroft, Biometrics 20, 1964, on preliminary tests of this kind).
const RUNS_DIFFER_RISK: f64 = 0.25;
/// Fewer events than this in a block on average cannot show regularity.
const REGULAR_EVENTS_A_BLOCK: f64 = 1.0;
/// The largest variance of the count of a strictly periodic series at a random
/// phase: that of one event that falls in or out, `f (1 - f)`.
const EDGE_VARIANCE: f64 = 0.25;

/// A stretch of a run, its events and its covered time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    pub events: u64,
    pub hours: f64,
}

/// What the scatter of the counts looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As at random moments, as far as can be told.
    Random,
    /// More: events come in bursts.
    Bursty,
    /// Less: events come at even intervals.
    Regular,
    /// More between the runs of a side than within them.
    RunsDiffer,
}

/// The variance of a count, as a multiple of its mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dispersion {
    /// The multiple: 1 for random moments.
    pub factor: f64,
    /// Degrees of freedom of the estimate; `None` where 1 is assumed.
    pub freedom: Option<f64>,
    pub kind: Kind,
}

impl Dispersion {
    /// Events at random moments.
    pub const RANDOM: Dispersion = Dispersion {
        factor: 1.0,
        freedom: None,
        kind: Kind::Random,
    };
}

/// Into how many blocks each run of a side is cut: in proportion to its time,
/// at least one each.
pub fn blocks_of_runs(hours: &[f64]) -> Vec<usize> {
    let total: f64 = hours.iter().sum();
    hours
        .iter()
        .map(|run| {
            let share = run / total * BLOCKS_PER_SIDE as f64;
            // A NaN, from runs without time, becomes 0 here.
            (share.round() as usize).clamp(1, BLOCKS_PER_SIDE)
        })
        .collect()
}

/// The dispersion within the sides. Each side is a list of runs, each run a
/// list of blocks. A difference between the sides adds nothing.
pub fn estimate(sides: [&[Vec<Block>]; 2]) -> Dispersion {
    let blocks = pearson(sides.map(|runs| runs.iter().flatten().copied().collect()));
    let runs = pearson(sides.map(|runs| runs.iter().map(|run| total(run)).collect()));
    let within = of_blocks(&blocks, sides);
    let between = runs.mean_square();
    if between > within.factor.max(1.0) && runs.freedom >= 1.0 {
        let excess = between / within.factor.max(1.0);
        let within_freedom = within.freedom.unwrap_or(blocks.freedom).max(1.0);
        let chance = FisherSnedecor::new(runs.freedom, within_freedom).map(|f| f.sf(excess));
        if chance.is_ok_and(|chance| chance < RUNS_DIFFER_RISK) {
            return Dispersion {
                factor: between,
                freedom: Some(runs.freedom),
                kind: Kind::RunsDiffer,
            };
        }
    }
    within
}

fn of_blocks(blocks: &Pearson, sides: [&[Vec<Block>]; 2]) -> Dispersion {
    let factor = blocks.mean_square();
    if blocks.freedom < 1.0 {
        return Dispersion::RANDOM;
    }
    if factor > 1.0 {
        // A block without an event tells little of how large bursts are, so
        // the estimate is trusted no further than the others reach.
        let freedom = (blocks.occupied - blocks.sides).clamp(1.0, blocks.freedom);
        return Dispersion {
            factor,
            freedom: Some(freedom),
            kind: Kind::Bursty,
        };
    }
    // Each side by itself: what is regular before may be random afterwards, and
    // a side without events shows no pattern at all.
    let dense = blocks.sparsest >= REGULAR_EVENTS_A_BLOCK;
    let chance = ChiSquared::new(blocks.freedom).map(|chi| chi.cdf(blocks.statistic));
    if dense && chance.is_ok_and(|chance| chance < REGULAR_RISK) {
        return Dispersion {
            factor: factor.max(edge_factor(sides)).min(1.0),
            freedom: Some(blocks.freedom),
            kind: Kind::Regular,
        };
    }
    Dispersion::RANDOM
}

/// The least that a count scatters: each run begins and ends somewhere within
/// a period.
fn edge_factor(sides: [&[Vec<Block>]; 2]) -> f64 {
    let of_side = |runs: &[Vec<Block>]| {
        let events: u64 = runs.iter().flatten().map(|block| block.events).sum();
        match events {
            0 => 0.0,
            events => EDGE_VARIANCE * runs.len() as f64 / events as f64,
        }
    };
    of_side(sides[0]).max(of_side(sides[1]))
}

fn total(run: &[Block]) -> Block {
    Block {
        events: run.iter().map(|block| block.events).sum(),
        hours: run.iter().map(|block| block.hours).sum(),
    }
}

/// Pearson's statistic about the mean rate of each side.
struct Pearson {
    statistic: f64,
    freedom: f64,
    /// Sides with events: the others have nothing to scatter.
    sides: f64,
    count: f64,
    occupied: f64,
    /// Events a block, of the side that has fewer.
    sparsest: f64,
}

impl Pearson {
    fn mean_square(&self) -> f64 {
        if self.freedom >= 1.0 {
            self.statistic / self.freedom
        } else {
            0.0
        }
    }
}

fn pearson(sides: [Vec<Block>; 2]) -> Pearson {
    let mut sum = Pearson {
        statistic: 0.0,
        freedom: 0.0,
        sides: 0.0,
        count: 0.0,
        occupied: 0.0,
        sparsest: f64::INFINITY,
    };
    for side in sides {
        let whole = total(&side);
        let blocks = side.len().max(1) as f64;
        sum.sparsest = sum.sparsest.min(whole.events as f64 / blocks);
        if whole.events == 0 || whole.hours <= 0.0 {
            continue;
        }
        let rate = whole.events as f64 / whole.hours;
        for block in side.iter().filter(|block| block.hours > 0.0) {
            let expected = rate * block.hours;
            sum.statistic += (block.events as f64 - expected).powi(2) / expected;
            sum.count += 1.0;
            sum.occupied += f64::from(u8::from(block.events > 0));
        }
        sum.sides += 1.0;
    }
    sum.freedom = sum.count - sum.sides;
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(counts: &[u64]) -> Vec<Vec<Block>> {
        let block = |&events| Block { events, hours: 0.5 };
        vec![counts.iter().map(block).collect()]
    }

    #[test]
    fn factor_is_pearsons_statistic_by_its_freedom() {
        // Means 3 and 2: (9 + 1 + 1 + 9) / 3 + (4 + 4 + 4 + 4) / 2, by 8 - 2.
        let found = estimate([&side(&[0, 2, 4, 6]), &side(&[0, 4, 0, 4])]);
        assert_eq!(found.kind, Kind::Bursty);
        let reference = (20.0 / 3.0 + 8.0) / 6.0;
        assert!((found.factor - reference).abs() < 1e-12, "{found:?}");
        // Five blocks hold events, two means were fitted.
        assert_eq!(found.freedom, Some(3.0));
    }

    #[test]
    fn even_counts_are_regular_down_to_the_edge() {
        let found = estimate([&side(&[10; 16]), &side(&[10; 16])]);
        assert_eq!(found.kind, Kind::Regular);
        assert!((found.factor - 0.25 / 160.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn too_few_events_are_taken_for_random() {
        let sparse = side(&[1, 0, 0, 1, 0, 0, 1, 0]);
        assert_eq!(estimate([&sparse, &sparse]), Dispersion::RANDOM);
        assert_eq!(estimate([&side(&[0; 8]), &[]]), Dispersion::RANDOM);
        // Were nothing after the change taken for regular, its rate would seem
        // known to be next to none.
        let even = side(&[10; 16]);
        assert_eq!(estimate([&even, &side(&[0; 16])]), Dispersion::RANDOM);
    }

    #[test]
    fn runs_that_differ_outweigh_calm_within_them() {
        let run = |events| vec![Block { events, hours: 1.0 }; 4];
        let runs = [run(10), run(30), run(12), run(33)];
        let found = estimate([&runs, &runs]);
        assert_eq!(found.kind, Kind::RunsDiffer);
        assert_eq!(found.freedom, Some(6.0));
        assert!(found.factor > 10.0, "{found:?}");
    }

    #[test]
    fn blocks_follow_the_length_of_runs() {
        assert_eq!(blocks_of_runs(&[1.0]), [16]);
        assert_eq!(blocks_of_runs(&[3.0, 1.0]), [12, 4]);
        assert_eq!(blocks_of_runs(&[0.0, 1.0]), [1, 16]);
        assert_eq!(blocks_of_runs(&[0.0]), [1]);
    }
}
