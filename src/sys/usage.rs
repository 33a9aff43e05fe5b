//! What the kernel says that the calling thread has used, and a child.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

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

/// What a child and those that it waited for have used.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    pub status: ExitStatus,
    pub user: Nanos,
    pub system: Nanos,
    /// The most that one of them had in memory.
    pub max_rss_kib: u64,
}

/// Reaps a child that has ended (wait4(2)).
///
/// # Errors
/// ECHILD where it is none, or was reaped before.
pub fn reap(pid: u32) -> io::Result<Reaped> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are valid places for what wait4 writes.
    let reaped = unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) };
    if reaped != pid {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was zeroed, which is a valid rusage, and wait4 has filled it.
    let usage = unsafe { usage.assume_init() };
    let nanos = |time: libc::timeval| {
        let micros = time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_usec.unsigned_abs();
        Nanos(micros.saturating_mul(1_000))
    };
    Ok(Reaped {
        status: ExitStatus::from_raw(status),
        user: nanos(usage.ru_utime),
        system: nanos(usage.ru_stime),
        max_rss_kib: usage.ru_maxrss.unsigned_abs(),
    })
}
