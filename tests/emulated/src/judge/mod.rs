//! Holds hwgap's report against the log of the SMIs themselves.

mod account;
pub mod acted;
pub mod checks;
mod complaints;
pub mod coverage;
mod explained;
mod gaps;
pub mod left_behind;
pub mod many;
pub mod matching;
pub mod pair;
mod recall;
pub mod selftest;
mod several;
mod shots;
pub mod table;
mod windows;
pub mod words;

/// What came out of one scenario.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub scenario: String,
    /// SMIs while hwgap sampled.
    pub smis: usize,
    /// Stalls above the threshold among them: what had to be found.
    pub expected: usize,
    pub found: usize,
    /// Stalls above the threshold that did not lie wholly inside a shot, where
    /// the report lists its shots: not sampled, and not to be found.
    pub between: usize,
    /// Stalls that fell into hwgap's own blind time after a gap.
    pub blind: usize,
    /// Stalls below the threshold that stand in no gap.
    pub below: usize,
    /// The largest difference between a gap and its SMIs outside the kernel.
    pub length_error: Option<u64>,
    /// The largest difference of the platform's share where the kernel ran too.
    pub share_error: Option<u64>,
    /// Gaps with tasks that leave out an SMI that hit the kernel.
    pub at_switches: usize,
    /// Gaps that are the kernel's, as it seems, and leave out a stall in a handler.
    pub in_handlers: usize,
    /// Gaps with SMIs of which hwgap leaves a part open.
    pub unknown_shares: usize,
    /// Of the stalls that could be told apart, those with cause and length, and
    /// all of them.
    pub told: Option<(usize, usize)>,
    /// Stalls that hit the kernel, and other tasks, where the log tells.
    pub in_kernel: usize,
    pub in_tasks: usize,
    /// Gaps that held an SMI and were classed otherwise.
    pub misclassed: usize,
    /// Gaps of the platform's that held no SMI.
    pub invented: usize,
    /// Gaps without an SMI.
    pub other_gaps: usize,
    /// Of the gaps above 10 us in which the kernel ran, those that are explained
    /// by name, and all of them.
    pub explained: Option<(u32, u32)>,
    /// hwgap's SMI count, where it has one.
    pub counted: Option<u64>,
    /// Cycles an iteration of the sampling loop.
    pub cycles_per_iteration: Option<f64>,
    /// What a run took of the machine, each with its bar.
    pub figures: Vec<String>,
    /// Each broken expectation in a sentence; empty means passed.
    pub failures: Vec<String>,
}

impl Outcome {
    /// An outcome that failed before there was anything to judge.
    pub fn broken(scenario: &str, reason: String) -> Self {
        Self {
            scenario: scenario.into(),
            failures: vec![reason],
            ..Self::default()
        }
    }

    /// This one's failures and figures, and all that another judge of the same boot
    /// found.
    pub fn with(self, mut other: Self) -> Self {
        other.failures.extend(self.failures);
        other.figures.extend(self.figures);
        other
    }

    /// Adds a failure where something that must hold does not.
    pub fn require(&mut self, holds: bool, failure: impl Into<String>) {
        if !holds {
            self.failures.push(failure.into());
        }
    }
}
