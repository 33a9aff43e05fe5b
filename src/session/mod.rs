//! A run in progress: the collector that takes gaps from an engine, judges
//! them at once, keeps the longest, and watches the clock meanwhile.

mod clock_watch;
mod collector;
mod progress;
mod resolver;
mod retention;
mod timeline;

pub use clock_watch::ClockWatch;
pub use collector::{Collected, Collector, CpuCollection, Limits, StopOnGap, Stopper};
pub use progress::{Progress, Silent, TerminalProgress};
pub use retention::{RETAINED, StoredGap};
pub use timeline::{Rate, Timeline};
