//! What the kernel did on the sampled CPUs, by its own account: tracepoints
//! and context switches in one perf ring for each CPU, read by the collector. A
//! tracepoint gets there by a BPF program for all CPUs, or, where none can be
//! had, by a perf event on each.
//! The sampled CPUs do nothing for it but run the kernel's own code.
//!
//! From a ring come segments: stretches of time with the name of what ran.
//! The union of the segments within a gap is what the kernel accounts for.

mod activity;
mod compare;
mod costs;
mod fold;
pub(crate) mod formats;
mod kernel_time;
mod measured;
mod programs;
mod reader;
mod trace;
mod within;

pub use activity::{ActivityId, Names, SourceTotal};
pub use costs::Way;
pub use kernel_time::{KernelTime, SHARES, Scope, Share, Standing};
pub use measured::Measured;
pub use trace::{KernelTrace, Lesson, TraceSetup};
