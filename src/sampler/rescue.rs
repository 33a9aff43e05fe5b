//! Samplers that wait for a CPU which something else occupies: what they wait
//! for, and how they are freed.
//!
//! A thread that is pinned to an occupied CPU cannot end, not even by SIGKILL,
//! before it has run once more; and its process cannot end before it. So it is
//! moved to another CPU, where it finds that it is to end.

use std::io;

use crate::host::occupants::occupant;
use crate::host::root::Root;
use crate::sys::sched;
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

/// More CPUs than any machine has; the kernel takes those that are there
/// (sched_setaffinity(2)).
const ALL: u32 = 8192;
/// Above every task but the kernel's own and deadlines.
const HIGHEST: u8 = 98;

/// What occupies a CPU that a sampler of this priority waits for.
pub(super) fn what_occupies(cpu: CpuId, priority: u8) -> String {
    match occupant(&Root::live(), cpu, priority, std::process::id()) {
        Some(task) => format!("it is occupied by {task}"),
        None => String::from("what occupies it is not known"),
    }
}

/// Frees a thread that waits for its turn on `cpu`.
///
/// # Errors
/// Where it may run nowhere else, and no higher.
pub(super) fn free(thread: u32, cpu: CpuId) -> io::Result<()> {
    let elsewhere: CpuList = (0..ALL).map(CpuId).filter(|other| *other != cpu).collect();
    // Outside its cpuset, or with no other CPU: before the others, then.
    sched::set_affinity_of(thread, &elsewhere)
        .or_else(|_| sched::set_scheduler_of(thread, libc::SCHED_FIFO, i32::from(HIGHEST)))
}
