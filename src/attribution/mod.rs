//! From a gap and its evidence to its account: who took which part of it, and
//! how sure that is.

mod account;
mod decide;
mod detail;

pub use account::{Account, Parts, UnknownReason};
pub use decide::{Known, account, is_as_long};
pub use detail::{Telling, Throttling, detail, looks_throttled};
