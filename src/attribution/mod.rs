//! From a gap and its evidence to its account: who took which part of it, and
//! how sure that is.

mod account;
mod cause;
mod decide;
mod detail;
mod evidence;
mod setting;

pub use account::{Account, Parts, UnknownReason};
pub use cause::{Cause, Confidence};
pub use decide::{Known, account};
pub use detail::{Telling, Throttling, detail, looks_throttled};
pub use evidence::{Evidence, Footprint, SmiEvidence};
pub use setting::{ClockTrust, Platform, Setting};
