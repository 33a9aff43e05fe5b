//! From a gap and its evidence to a cause and a confidence.

mod cause;
mod decide;
mod detail;
mod evidence;
mod setting;
mod shares;

pub use cause::{Cause, Confidence};
pub use decide::{Attribution, attribute, noise};
pub use detail::{Telling, Throttling, detail, looks_throttled};
pub use evidence::{Evidence, Footprint, SmiEvidence};
pub use setting::{ClockTrust, Platform, Setting};
pub use shares::shares;
