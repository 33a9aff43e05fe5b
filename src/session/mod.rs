//! A run in progress: the collector that takes gaps from an engine, judges
//! them at once, keeps the longest, and watches the clock meanwhile.

mod anchors;
mod clock_watch;
mod collected;
mod collector;
mod indicators;
mod judged;
mod kept;
pub mod limits;
mod moments;
mod observer;
mod packed;
pub mod preparation;
mod progress;
mod requests;
mod resolver;
mod retention;
mod rhythm;
mod snapshot;
mod tally;
mod timeline;
mod trigger;
mod watchdog;

pub use clock_watch::ClockWatch;
pub use collected::{Collected, KernelRecords};
pub use collector::Collector;
pub use indicators::{Agreement, RingZeroAgreement};
pub use judged::{JudgedGap, Recast};
pub use kept::KeptGaps;
pub use observer::{CpuView, JudgedNow, Observer, Sampling, Unobserved, View};
pub use packed::PackedGap;
pub use preparation::Preparation;
pub use progress::{LiveGap, MessageSink, Progress, Silent};
pub use requests::{Request, Requests};
pub use retention::{Budget, LeftOut};
pub use rhythm::Pace;
pub use snapshot::Snapshot;
pub use tally::{CpuCollection, Limits};
pub use timeline::{Rate, Timeline, UtcStep};
pub use trigger::Trigger;
