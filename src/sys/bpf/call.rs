//! The bpf(2) system call, for two kinds of programs: one for a raw tracepoint,
//! which is attached to one, or to none and run on the calling thread's CPU by
//! BPF_PROG_TEST_RUN; and one for the event of a tracepoint, which finds its fields
//! laid out. When its last descriptor closes, it is gone.
//!
//! Programs of BPF_PROG_TYPE_SYSCALL, which are made to be run like this, must
//! be allowed to sleep, and such programs may not read a perf event
//! (kernel/bpf/verifier.c, check_map_prog_compatibility).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::sys::perf_ring;
use crate::units::CpuId;

/// Commands (enum bpf_cmd).
const MAP_CREATE: u32 = 0;
const MAP_UPDATE_ELEM: u32 = 2;
const MAP_DELETE_ELEM: u32 = 3;
const PROG_LOAD: u32 = 5;
const PROG_TEST_RUN: u32 = 10;
const OBJECT_INFO: u32 = 15;
const RAW_TRACEPOINT_OPEN: u32 = 17;
/// enum bpf_map_type, bpf_prog_type.
const MAP_TYPE_HASH: u32 = 1;
const MAP_TYPE_ARRAY: u32 = 2;
const MAP_TYPE_PERF_EVENT_ARRAY: u32 = 4;
const PROG_TYPE_TRACEPOINT: u32 = 5;
const PROG_TYPE_RAW_TRACEPOINT: u32 = 17;
/// Flag: user space may map the array.
const F_MMAPABLE: u32 = 1 << 10;
/// Kernel functions may be called by programs under the GPL only. The project
/// is MIT or Apache-2.0; this string covers the instructions handed over.
const LICENCE: &CStr = c"Dual MIT/GPL";
/// Room for the verifier's reasons.
const LOG_BYTES: usize = 64 * 1024;
/// All command structures, padded to the kernel's union by zeroes.
const ATTRIBUTE_WORDS: usize = 20;

#[derive(Debug, thiserror::Error)]
#[error("{cause}{}", reason.as_ref().map(|text| format!(" (verifier: {text})")).unwrap_or_default())]
pub struct LoadError {
    /// The system's answer.
    pub cause: io::Error,
    /// The verifier's last words, where it came to speak.
    pub reason: Option<String>,
}

#[derive(Debug)]
pub struct Program {
    descriptor: OwnedFd,
}

impl Program {
    /// Has the kernel verify and translate `code`.
    ///
    /// # Errors
    /// EPERM without the rights, ENOSYS without bpf(2), others from the
    /// verifier with its reason.
    pub fn load(code: &[u64], name: &str) -> Result<Program, LoadError> {
        Self::load_as(PROG_TYPE_RAW_TRACEPOINT, code, name)
    }

    /// The same for the event of a tracepoint: its context is the fields of that,
    /// from the eighth byte on.
    ///
    /// # Errors
    /// Those of [`Program::load`].
    pub fn load_for_event(code: &[u64], name: &str) -> Result<Program, LoadError> {
        Self::load_as(PROG_TYPE_TRACEPOINT, code, name)
    }

    fn load_as(kind: u32, code: &[u64], name: &str) -> Result<Program, LoadError> {
        Self::try_load(kind, code, name, &mut []).or_else(|cause| {
            // Only a refused program is verified again with a log: writing it
            // takes longer than everything else.
            let mut log = vec![0; LOG_BYTES];
            Self::try_load(kind, code, name, &mut log).map_err(|_| LoadError {
                reason: last_words(&log),
                cause,
            })
        })
    }

    fn try_load(kind: u32, code: &[u64], name: &str, log: &mut [u8]) -> io::Result<Program> {
        let mut attributes = Attributes::default();
        attributes.pair(0, kind, code.len() as u32);
        attributes.set(1, code.as_ptr().addr() as u64);
        attributes.set(2, LICENCE.as_ptr().addr() as u64);
        attributes.pair(3, u32::from(!log.is_empty()), log.len() as u32);
        if !log.is_empty() {
            attributes.set(4, log.as_mut_ptr().expose_provenance() as u64);
        }
        attributes.name(6, name);
        // SAFETY: the code, the licence and the log outlive the call; their
        // lengths are those given, and the kernel writes to the log only.
        unsafe { attributes.create(PROG_LOAD) }.map(|descriptor| Program { descriptor })
    }

    /// Runs the program once, on the CPU of the calling thread, and returns
    /// what it returns.
    ///
    /// # Errors
    /// EPERM where the rights have gone, ENOMEM.
    pub fn run(&self) -> io::Result<u32> {
        let mut attributes = Attributes::default();
        attributes.pair(0, self.descriptor.as_raw_fd() as u32, 0);
        // SAFETY: the program has no context and no data; the kernel writes
        // its result to the attributes, which outlive the call.
        unsafe { attributes.call(PROG_TEST_RUN) }?;
        Ok((attributes.0[0] >> 32) as u32)
    }

    /// Has the program run at each hit of a tracepoint, on whichever CPU, until
    /// the descriptor closes.
    ///
    /// # Errors
    /// ENOENT for a tracepoint that the kernel does not have, EPERM without the
    /// rights.
    pub fn attach(&self, tracepoint: &CStr) -> io::Result<OwnedFd> {
        let mut attributes = Attributes::default();
        attributes.set(0, tracepoint.as_ptr().addr() as u64);
        attributes.pair(1, self.descriptor.as_raw_fd() as u32, 0);
        // SAFETY: the name outlives the call, which only reads it.
        unsafe { attributes.create(RAW_TRACEPOINT_OPEN) }
    }

    /// Has the program run at each hit of the tracepoint with this number, on
    /// whichever CPU, until the descriptor closes: the event is of one CPU and never
    /// enabled, but programs belong to the tracepoint
    /// (kernel/trace/bpf_trace.c, `perf_event_attach_bpf_prog`).
    ///
    /// # Errors
    /// EACCES where the program reads beyond the fields, EPERM without the rights.
    pub fn attach_to_event(&self, tracepoint: u64, cpu: CpuId) -> io::Result<OwnedFd> {
        perf_ring::open_with_program(tracepoint, cpu, self.descriptor.as_fd())
    }

    /// How long the program has run by now, in ns; 0 unless the kernel counts it
    /// (sysctl kernel.bpf_stats_enabled).
    ///
    /// # Errors
    /// ENOSYS, EINVAL on old kernels.
    pub fn run_time(&self) -> io::Result<u64> {
        // struct bpf_prog_info up to run_time_ns.
        let mut info = [0u64; 25];
        let mut attributes = Attributes::default();
        let size = size_of_val(&info) as u32;
        attributes.pair(0, self.descriptor.as_raw_fd() as u32, size);
        attributes.set(1, info.as_mut_ptr().expose_provenance() as u64);
        // SAFETY: the kernel writes at most `size` bytes to `info`, which outlives
        // the call; all zero, it asks for no further tables.
        unsafe { attributes.call(OBJECT_INFO) }?;
        Ok(info[24])
    }
}

/// Creates an array of one value that user space may map.
pub(super) fn create_array(bytes: u32, name: &str) -> io::Result<OwnedFd> {
    let mut attributes = Attributes::default();
    attributes.pair(0, MAP_TYPE_ARRAY, 4);
    attributes.pair(1, bytes, 1);
    attributes.pair(2, F_MMAPABLE, 0);
    // numa_node comes first, then the name, at byte 28.
    attributes.name_at(28, name);
    // SAFETY: the attributes hold no pointer.
    unsafe { attributes.create(MAP_CREATE) }
}

/// Creates an array that holds one perf event.
pub(super) fn create_event_array(event: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let array = create_events(1, name)?;
    put_event(array.as_fd(), 0, event)?;
    Ok(array)
}

/// Creates an array for so many perf events.
pub(super) fn create_events(count: u32, name: &str) -> io::Result<OwnedFd> {
    let mut attributes = Attributes::default();
    attributes.pair(0, MAP_TYPE_PERF_EVENT_ARRAY, 4);
    attributes.pair(1, 4, count);
    attributes.name_at(28, name);
    // SAFETY: the attributes hold no pointer.
    unsafe { attributes.create(MAP_CREATE) }
}

/// Creates a table of 64-bit values by 32-bit keys.
pub(super) fn create_table(entries: u32, name: &str) -> io::Result<OwnedFd> {
    let mut attributes = Attributes::default();
    attributes.pair(0, MAP_TYPE_HASH, 4);
    attributes.pair(1, 8, entries);
    attributes.name_at(28, name);
    // SAFETY: the attributes hold no pointer.
    unsafe { attributes.create(MAP_CREATE) }
}

/// Sets the value of a key that has none yet (BPF_NOEXIST).
pub(super) fn insert(table: BorrowedFd<'_>, key: u32, value: u64) -> io::Result<()> {
    let mut attributes = Attributes::default();
    attributes.pair(0, table.as_raw_fd() as u32, 0);
    attributes.set(1, (&raw const key).addr() as u64);
    attributes.set(2, (&raw const value).addr() as u64);
    attributes.set(3, 1);
    // SAFETY: key and value are as long as the table has them, and outlive the
    // call, which only reads them.
    unsafe { attributes.call(MAP_UPDATE_ELEM) }.map(drop)
}

pub(super) fn remove(table: BorrowedFd<'_>, key: u32) -> io::Result<()> {
    let mut attributes = Attributes::default();
    attributes.pair(0, table.as_raw_fd() as u32, 0);
    attributes.set(1, (&raw const key).addr() as u64);
    // SAFETY: the key is as long as the table has it, and outlives the call.
    unsafe { attributes.call(MAP_DELETE_ELEM) }.map(drop)
}

pub(super) fn put_event(array: BorrowedFd<'_>, key: u32, event: BorrowedFd<'_>) -> io::Result<()> {
    let value = event.as_raw_fd();
    let mut attributes = Attributes::default();
    attributes.pair(0, array.as_raw_fd() as u32, 0);
    attributes.set(1, (&raw const key).addr() as u64);
    attributes.set(2, (&raw const value).addr() as u64);
    // SAFETY: key and value are four bytes each, as the array has it, and
    // outlive the call, which only reads them.
    unsafe { attributes.call(MAP_UPDATE_ELEM) }.map(drop)
}

/// union bpf_attr: pairs of 32-bit numbers, pointers and names.
#[derive(Default)]
#[repr(C, align(8))]
struct Attributes([u64; ATTRIBUTE_WORDS]);

impl Attributes {
    fn set(&mut self, index: usize, value: u64) {
        self.0[index] = value;
    }

    fn pair(&mut self, index: usize, low: u32, high: u32) {
        self.0[index] = u64::from(low) | u64::from(high) << 32;
    }

    fn name(&mut self, index: usize, name: &str) {
        self.name_at(8 * index, name);
    }

    /// A name of at most 15 letters, digits, '_' and '.' (BPF_OBJ_NAME_LEN).
    fn name_at(&mut self, at: usize, name: &str) {
        for (byte, place) in name.bytes().take(15).zip(at..) {
            self.0[place / 8] |= u64::from(byte) << (8 * (place % 8));
        }
    }

    /// # Safety
    /// Pointers among the attributes must be valid for what the command does
    /// with them.
    unsafe fn call(&mut self, command: u32) -> io::Result<i32> {
        let size = size_of_val(&self.0);
        // SAFETY: the attributes outlive the call and are of the size given;
        // what lies beyond the kernel's own union is zero, as it demands.
        let result = unsafe { libc::syscall(libc::SYS_bpf, command, self.0.as_mut_ptr(), size) };
        match result {
            0.. => Ok(result as i32),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// # Safety
    /// As for [`Attributes::call`]; the command must return a descriptor.
    unsafe fn create(&mut self, command: u32) -> io::Result<OwnedFd> {
        // SAFETY: promised by the caller.
        let descriptor = unsafe { self.call(command) }?;
        // SAFETY: the kernel has just given this descriptor, close-on-exec, to
        // us alone.
        Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
    }
}

/// The last line of a log that is not the verifier's statistics.
fn last_words(log: &[u8]) -> Option<String> {
    let end = log.iter().position(|&byte| byte == 0)?;
    let text = String::from_utf8_lossy(&log[..end]);
    let statistics = [
        "processed ",
        "verification time",
        "stack depth",
        "max_states",
    ];
    text.lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty() && !statistics.iter().any(|start| line.starts_with(start)))
        .map(|line| line.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifiers_statistics_are_not_its_reason() {
        let log = b"0: (b7) r0 = 0\nR1 is not a pointer\nprocessed 2 insns (limit 1000000)\n\0\0";
        assert_eq!(last_words(log).as_deref(), Some("R1 is not a pointer"));
        assert_eq!(last_words(b"\0"), None);
        assert_eq!(last_words(b"no end"), None);
    }

    #[test]
    fn names_are_cut_and_placed() {
        let mut attributes = Attributes::default();
        attributes.name_at(28, "a_name_longer_than_fifteen");
        let bytes: Vec<u8> = attributes
            .0
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        assert_eq!(&bytes[28..44], b"a_name_longer_t\0");
    }
}
