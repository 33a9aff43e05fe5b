//! hwgap: a hardware latency detector.

pub mod cpulist;
pub mod host;
pub mod units;
