//! Counters of perf_event_open(2).

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd};

use perf_event_open_sys::{bindings, perf_event_open};

use crate::units::CpuId;

/// Whether an event takes turns with others for the PMU's counters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Shared,
    Own,
    /// Its own, and counting in ring 0 only.
    OwnInKernel,
}

/// A counter bound to a CPU, of all tasks, the kernel included.
#[derive(Debug)]
pub struct CpuCounter {
    file: File,
}

impl CpuCounter {
    /// Opens a counting event of the PMU with number `kind` on `cpu`.
    ///
    /// # Errors
    /// EACCES or EPERM where perf_event_paranoid or lockdown forbids it,
    /// ENOENT, EINVAL or EOPNOTSUPP where the PMU has no such event.
    pub fn open(kind: u32, config: u64, cpu: CpuId) -> io::Result<CpuCounter> {
        open(kind, config, cpu, Place::Shared)
    }

    /// The same with a place in the PMU of its own: it counts all the time, or
    /// reading it fails.
    pub fn open_pinned(kind: u32, config: u64, cpu: CpuId) -> io::Result<CpuCounter> {
        open(kind, config, cpu, Place::Own)
    }

    /// The same for what is done in ring 0 only.
    pub fn open_kernel_only(kind: u32, config: u64, cpu: CpuId) -> io::Result<CpuCounter> {
        open(kind, config, cpu, Place::OwnInKernel)
    }

    /// The count since it was opened.
    ///
    /// # Errors
    /// EIO or a short read when the event is in error state, for example after
    /// its CPU went offline.
    pub fn read(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        (&self.file).read_exact(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }
}

impl AsFd for CpuCounter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn open(kind: u32, config: u64, cpu: CpuId, place: Place) -> io::Result<CpuCounter> {
    let mut attributes = bindings::perf_event_attr {
        type_: kind,
        size: size_of::<bindings::perf_event_attr>() as u32,
        config,
        ..Default::default()
    };
    attributes.set_pinned(u64::from(place != Place::Shared));
    attributes.set_exclude_user(u64::from(place == Place::OwnInKernel));
    let cpu = i32::try_from(cpu.0).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let flags = libc::c_ulong::from(bindings::PERF_FLAG_FD_CLOEXEC);
    // SAFETY: `attributes` is a zeroed, sized perf_event_attr that
    // outlives the call.
    let fd = unsafe { perf_event_open(&mut attributes, -1, cpu, -1, flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    let file = unsafe { File::from_raw_fd(fd) };
    Ok(CpuCounter { file })
}
