//! Acceptance by a written policy: limits, how they must have been measured,
//! what the machine must be, and exceptions with an end.
//!
//! [`Policy::read`] takes the file, [`Policy::judge`] holds one run against it.

mod judge;
mod pattern;
mod read;
mod rule;
mod rules;
mod schema;
mod verdict;

pub use pattern::Pattern;
pub use read::PolicyError;
pub use rule::Rule;
pub use rules::{Clock, Evidence, GuestRuns, Limits, Measurement, Need, Rules, WantedCpus};
pub use schema::{AllowedBios, AllowedMicrocode, Exception, Policy, Waiver};
pub use verdict::{Judgement, Reason, Waived};
