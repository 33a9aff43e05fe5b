//! A run in progress: the collector that takes gaps from an engine, judges
//! them at once, keeps the longest, and watches the clock meanwhile.

mod clock_watch;
mod collector;
mod packed;
mod progress;
mod resolver;
mod retention;
mod tally;
mod timeline;
mod witnesses;

pub use clock_watch::ClockWatch;
pub use collector::{Collected, Collector, KernelRecords, Stopper};
pub use packed::{JudgedGap, PackedGap};
pub use progress::{LiveGap, Progress, Silent, TerminalProgress};
pub use retention::RETAINED;
pub use tally::{CpuCollection, Limits, Pace, StopOnGap};
pub use timeline::{Rate, Timeline};
pub use witnesses::{Agreement, RingZeroAgreement};
