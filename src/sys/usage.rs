//! What the kernel says that the calling thread has used.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::sys::resource::{UsageWho, getrusage};

use crate::units::Nanos;

/// Counts since the thread began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadUsage {
    /// Involuntary context switches (`ru_nivcsw`).
    pub involuntary_switches: u64,
    /// Voluntary ones (`ru_nvcsw`).
    pub voluntary_switches: u64,
    /// Page faults, minor and major.
    pub page_faults: u64,
}

/// Reads the calling thread's usage (getrusage(2), RUSAGE_THREAD); about
/// 0.2 us.
pub fn thread_usage() -> ThreadUsage {
    // RUSAGE_THREAD cannot fail on Linux; a zero is then also no change.
    getrusage(UsageWho::RUSAGE_THREAD).map_or(ThreadUsage::default(), |usage| ThreadUsage {
        involuntary_switches: usage.involuntary_context_switches().unsigned_abs(),
        voluntary_switches: usage.voluntary_context_switches().unsigned_abs(),
        page_faults: usage.minor_page_faults().unsigned_abs()
            + usage.major_page_faults().unsigned_abs(),
    })
}

/// The calling thread's /proc/thread-self/schedstat
/// (Documentation/scheduler/sched-stats.rst).
#[derive(Debug)]
pub struct Schedstat {
    file: File,
}

impl Schedstat {
    /// Opens the file for the calling thread.
    ///
    /// # Errors
    /// ENOENT where the kernel lacks CONFIG_SCHED_INFO or /proc is not there.
    pub fn open() -> io::Result<Schedstat> {
        Ok(Schedstat {
            file: File::open("/proc/thread-self/schedstat")?,
        })
    }

    /// Time in which the thread was runnable but did not run; about 0.4 us.
    pub fn run_delay(&self) -> Option<Nanos> {
        let mut bytes = [0; 64];
        let length = self.file.read_at(&mut bytes, 0).ok()?;
        let text = std::str::from_utf8(&bytes[..length]).ok()?;
        text.split_ascii_whitespace()
            .nth(1)?
            .parse()
            .ok()
            .map(Nanos)
    }
}
