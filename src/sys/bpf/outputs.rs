//! Perf events of BPF programs, one a CPU: rings that they write to, or counters.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::units::CpuId;

use super::call;

/// The rings, by the number of their CPU. The events are others' to keep.
#[derive(Debug)]
pub struct Outputs(OwnedFd);

impl Outputs {
    /// Room for the rings of CPUs with numbers below `count`.
    ///
    /// # Errors
    /// EPERM without the rights, ENOMEM.
    pub fn new(count: u32, name: &str) -> io::Result<Outputs> {
        call::create_events(count, name).map(Outputs)
    }

    /// Lets programs write to the ring of this event, whose CPU it is.
    ///
    /// # Errors
    /// E2BIG beyond the room.
    pub fn put(&self, cpu: CpuId, event: BorrowedFd<'_>) -> io::Result<()> {
        call::put_event(self.0.as_fd(), cpu.0, event)
    }

    pub fn array(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
