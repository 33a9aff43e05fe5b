//! A ring of kernel events of one CPU: perf_event_open(2), "MMAP layout".
//!
//! The leader is a software event that records context switches, and that BPF
//! programs may write to; tracepoints are joined into its ring. The kernel writes,
//! this process reads at leisure: the sampled CPU makes no system call for it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use perf_event_open_sys::{bindings, ioctls, perf_event_open};

use crate::units::{CpuId, Fill};

use super::perf_record::{RingRecord, SAMPLE_TYPE, parse};

/// No record is longer, with what tells of lost ones before it.
const LONGEST: usize = 2048;

/// A mapped ring and the events that write to it.
#[derive(Debug)]
pub struct PerfRing {
    events: Vec<File>,
    cpu: CpuId,
    map: NonNull<u8>,
    map_length: usize,
    page: usize,
    size: usize,
    scratch: Vec<u8>,
    was_full: bool,
}

/// Whether a ring records context switches by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switches {
    /// It does.
    Recorded,
    /// It does not.
    Left,
}

// SAFETY: the mapping belongs to this value alone, and the kernel's side of it
// is synchronised by data_head and data_tail.
unsafe impl Send for PerfRing {}

fn attributes() -> bindings::perf_event_attr {
    let mut attributes = bindings::perf_event_attr {
        size: size_of::<bindings::perf_event_attr>() as u32,
        sample_type: SAMPLE_TYPE,
        clockid: libc::CLOCK_MONOTONIC_RAW,
        ..Default::default()
    };
    attributes.set_use_clockid(1);
    attributes.set_disabled(1);
    // Whichever event finds room again tells of records that were lost, and when.
    attributes.set_sample_id_all(1);
    // Nobody waits for the ring, so it should wake nobody up: each wake-up
    // would be an interrupt on the sampled CPU.
    attributes.set_watermark(1);
    attributes.__bindgen_anon_2.wakeup_watermark = u32::MAX;
    attributes
}

fn open(mut attributes: bindings::perf_event_attr, cpu: CpuId) -> io::Result<File> {
    let cpu = i32::try_from(cpu.0).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let flags = libc::c_ulong::from(bindings::PERF_FLAG_FD_CLOEXEC);
    // SAFETY: `attributes` is a zeroed, sized perf_event_attr that outlives
    // the call.
    let fd = unsafe { perf_event_open(&mut attributes, -1, cpu, -1, flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Attaches a BPF program to the tracepoint with this number.
pub(super) fn open_with_program(
    tracepoint: u64,
    cpu: CpuId,
    program: BorrowedFd<'_>,
) -> io::Result<OwnedFd> {
    let mut event = attributes();
    event.type_ = bindings::PERF_TYPE_TRACEPOINT;
    event.config = tracepoint;
    event.__bindgen_anon_1.sample_period = 1;
    let event = open(event, cpu)?;
    // SAFETY: a live perf event; SET_BPF takes a descriptor.
    if unsafe { ioctls::SET_BPF(event.as_raw_fd(), program.as_raw_fd() as u32) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(event.into())
}

impl PerfRing {
    /// Opens a ring of `size` bytes, a power of two, for a CPU.
    ///
    /// # Errors
    /// EACCES or EPERM without CAP_PERFMON or a perf_event_paranoid below 1;
    /// EPERM also where perf_event_mlock_kb is used up.
    pub fn open(cpu: CpuId, size: usize) -> io::Result<PerfRing> {
        Self::open_for(cpu, size, Switches::Recorded)
    }

    /// The same, without records of context switches where they are not wanted.
    ///
    /// # Errors
    /// Those of [`PerfRing::open`].
    pub fn open_for(cpu: CpuId, size: usize, switches: Switches) -> io::Result<PerfRing> {
        let mut leader = attributes();
        leader.type_ = bindings::PERF_TYPE_SOFTWARE;
        // Counts nothing, as a dummy does, but takes records of programs.
        leader.config = u64::from(bindings::PERF_COUNT_SW_BPF_OUTPUT);
        leader.sample_type |= u64::from(bindings::PERF_SAMPLE_RAW);
        leader.__bindgen_anon_1.sample_period = 1;
        leader.set_context_switch(u64::from(switches == Switches::Recorded));
        let leader = open(leader, cpu)?;
        // SAFETY: sysconf has no preconditions.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        let map_length = page + size;
        // SAFETY: a new shared mapping of the event at an address of the
        // kernel's choice.
        let map = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                map_length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                leader.as_raw_fd(),
                0,
            )
        };
        if map == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let map = NonNull::new(map.cast()).ok_or_else(|| io::Error::other("mmap gave null"))?;
        Ok(PerfRing {
            events: vec![leader],
            cpu,
            map,
            map_length,
            page,
            size,
            scratch: Vec::with_capacity(4096),
            was_full: false,
        })
    }

    /// Lets a tracepoint write to the ring, every hit of it.
    ///
    /// # Errors
    /// ENOENT for an unknown number, EACCES where raw tracepoint data is not
    /// allowed to this process.
    pub fn join(&mut self, tracepoint: u64) -> io::Result<()> {
        let mut event = attributes();
        event.type_ = bindings::PERF_TYPE_TRACEPOINT;
        event.config = tracepoint;
        event.sample_type |= u64::from(bindings::PERF_SAMPLE_RAW);
        event.__bindgen_anon_1.sample_period = 1;
        let event = open(event, self.cpu)?;
        // SAFETY: both are live perf events; SET_OUTPUT takes a descriptor.
        let result =
            unsafe { ioctls::SET_OUTPUT(event.as_raw_fd(), self.events[0].as_raw_fd() as _) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        self.events.push(event);
        Ok(())
    }

    /// Begins to record, the leader last so that no switch is seen without its
    /// tracepoints.
    ///
    /// # Errors
    /// Those of ioctl(2).
    pub fn enable(&self) -> io::Result<()> {
        for event in self.events.iter().rev() {
            // SAFETY: a live perf event; ENABLE takes a flag word.
            if unsafe { ioctls::ENABLE(event.as_raw_fd(), 0) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }

    pub fn leader(&self) -> BorrowedFd<'_> {
        self.events[0].as_fd()
    }

    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.events.iter().map(AsFd::as_fd)
    }

    /// Hands over all records written so far, oldest first. Says how full the
    /// ring was.
    pub fn drain(&mut self, sink: &mut dyn FnMut(RingRecord<'_>)) -> Fill {
        let page = self.map.as_ptr().cast::<bindings::perf_event_mmap_page>();
        // SAFETY: the first page of the mapping is the control page; the
        // kernel updates data_head concurrently, hence an atomic view of it.
        let (head, tail) = unsafe {
            (
                AtomicU64::from_ptr(&raw mut (*page).data_head),
                AtomicU64::from_ptr(&raw mut (*page).data_tail),
            )
        };
        // Acquire: the records before data_head are then visible.
        let end = head.load(Ordering::Acquire);
        let mut position = tail.load(Ordering::Relaxed);
        let used = end.wrapping_sub(position) as usize;
        let fill = Fill::of(used, self.size);
        self.was_full = self.size.saturating_sub(used) < LONGEST;
        let mut scratch = std::mem::take(&mut self.scratch);
        while end.wrapping_sub(position) >= 8 {
            // Records are aligned to 8 bytes, and a header is as long.
            let (header, _) = self.bytes(position, 8);
            let kind = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]);
            let misc = u16::from_ne_bytes([header[4], header[5]]);
            let length = usize::from(u16::from_ne_bytes([header[6], header[7]]));
            let left = end.wrapping_sub(position);
            if length < 8 || !length.is_multiple_of(8) || length as u64 > left {
                // A torn record would leave the reader lost for good.
                position = end;
                break;
            }
            let (whole, rest) = self.bytes(position + 8, length - 8);
            let body = match rest {
                [] => whole,
                // It runs past the end of the ring.
                rest => {
                    scratch.clear();
                    scratch.extend_from_slice(whole);
                    scratch.extend_from_slice(rest);
                    &scratch
                }
            };
            if let Some(record) = parse(kind, misc, body) {
                sink(record);
            }
            position += length as u64;
        }
        self.scratch = scratch;
        // Release: the kernel may overwrite the records only after they were
        // copied.
        tail.store(position, Ordering::Release);
        fill
    }

    /// Whether, at the latest [`PerfRing::drain`], the ring had no room for every
    /// record: what came after the last one may be lost, and only the next one
    /// says so.
    pub fn was_full(&self) -> bool {
        self.was_full
    }

    /// The bytes from `position` on: up to the end of the ring, and from its
    /// start. The kernel must not have been told that they may be overwritten.
    fn bytes(&self, position: u64, length: usize) -> (&[u8], &[u8]) {
        let start = position as usize & (self.size - 1);
        let first = length.min(self.size - start);
        // SAFETY: both ranges lie within the data pages, which follow the
        // control page and live as long as `self`; the kernel does not write to
        // them before data_tail passes them, and only `drain`, which holds
        // `self` alone, moves that, when it is done with them.
        unsafe {
            let data = self.map.as_ptr().add(self.page);
            (
                std::slice::from_raw_parts(data.add(start), first),
                std::slice::from_raw_parts(data, length - first),
            )
        }
    }
}

impl Drop for PerfRing {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to `self`, and no reference to it exists.
        unsafe { libc::munmap(self.map.as_ptr().cast(), self.map_length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_can_say_when_records_were_lost() {
        assert_eq!(attributes().sample_id_all(), 1);
    }
}
