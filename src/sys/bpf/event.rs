//! A perf event that a BPF program may read.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::perf::CpuCounter;

use super::call;

/// An array with one event in it. The event is let go with the array.
#[derive(Debug)]
pub struct EventSlot {
    array: OwnedFd,
    _counter: CpuCounter,
}

impl EventSlot {
    /// Puts a counter where a program finds it: at index 0.
    ///
    /// # Errors
    /// EPERM without the rights, ENOMEM.
    pub fn new(counter: CpuCounter, name: &str) -> io::Result<EventSlot> {
        let array = call::create_event_array(counter.as_fd(), name)?;
        Ok(EventSlot {
            array,
            _counter: counter,
        })
    }

    pub fn array(&self) -> BorrowedFd<'_> {
        self.array.as_fd()
    }
}
