//! Everything that needs `unsafe`: instructions and system calls that no safe
//! crate offers. Each function is a thin, safe wrapper; policy lives above.
// Reason: this folder is where the project's unsafe code is kept.
#![allow(unsafe_code)]

pub mod bpf;
pub mod clock;
pub mod clock_fit;
mod counter_page;
pub mod descriptor;
pub mod detached_mount;
pub mod memory;
pub mod msr;
pub mod perf;
pub mod perf_record;
pub mod perf_ring;
pub mod port;
pub mod sched;
pub mod selector;
pub mod signals;
pub mod slow_close;
pub mod tsc;
pub mod usage;
pub mod user_counter;
