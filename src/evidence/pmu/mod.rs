//! What the CPU's performance counters say of a gap: instructions of ring 0
//! and, where counters stand still in SMM, the time in it. Read by RDPMC on the
//! sampled CPU, at some tens of cycles and without a system call.

mod selftest;
mod sources;

pub use sources::{PmuCounters, PmuReading, PmuSetup, PmuSources};
