//! The self-test: stalls of known length, raised on purpose, and whether this
//! instrument finds and names them on this host.

pub mod bench;
mod judge;
mod raise;
pub mod store;

pub use judge::{Expected, Found, judge};
pub use raise::{CompetingTask, SignalStorm};
