//! Two sets of runs held against each other: what changed between them, whether
//! stalls became rarer or more frequent, shorter or longer, and how sure that
//! is.
//!
//! The events are stalls, not gaps: one SMI that stops all CPUs counts once.
//! They are taken from the recorded gaps above a threshold that all runs share.

mod assess;
mod changes;
mod comparable;
mod describe;
mod events;
mod input;
pub mod model;
mod pictured;
mod rates;
mod redact;
mod sides;
mod threshold;
mod verdict;
mod words;

pub use assess::{Figures, compare, figures};
pub use events::{Class, Event, Series};
pub use input::{InputError, Machine, SavedRun, load};
pub use pictured::{Mark, Pictured, Reached, Stretch, Which};
pub use rates::{Classes, Rated, series_blocks};

/// What is asked of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// Level of all intervals, and 1 minus the risk of a false finding.
    pub level: f64,
    /// The factor between rates from which on a difference matters.
    pub margin: f64,
    pub naming: Naming,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Everything that the reports hold.
    Full,
    /// No host names, serial numbers, labels or file names.
    Redacted,
}
