//! From a gap and its evidence to a cause and a confidence.

mod cause;
mod evidence;

pub use cause::{Cause, Confidence};
pub use evidence::{Evidence, Footprint, SmiEvidence};
