//! Memory that a BPF program and this process share: the only value of an
//! array, mapped (BPF_F_MMAPABLE).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use super::call;

/// The memory, as 64-bit numbers.
///
/// A program that is run writes to it only while [`super::Program::run`] is under
/// way on the thread that reads it afterwards, so that no reading meets a writing;
/// one that is attached only ever adds to a number atomically. Accesses are volatile
/// because the compiler sees no writer at all.
#[derive(Debug)]
pub struct Area {
    map: OwnedFd,
    words: NonNull<u64>,
    length: usize,
}

// SAFETY: the pointer is to a mapping of this value alone, which any thread of
// the process may use. Not Sync: two threads could write.
unsafe impl Send for Area {}

impl Area {
    /// Creates an area of `length` numbers, all zero.
    ///
    /// # Errors
    /// EPERM without the rights, ENOMEM.
    pub fn new(length: usize, name: &str) -> io::Result<Area> {
        let too_long = || io::Error::from(io::ErrorKind::InvalidInput);
        let bytes = length.checked_mul(8).ok_or_else(too_long)?;
        let map = call::create_array(u32::try_from(bytes).map_err(|_| too_long())?, name)?;
        // SAFETY: a shared mapping of a fresh map, at an address of the
        // kernel's choice, touches no existing memory.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                map.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let words =
            NonNull::new(address.cast()).ok_or_else(|| io::Error::other("mmap gave null"))?;
        Ok(Area { map, words, length })
    }

    /// The map, for the program's loads of its address.
    pub fn map(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The number at `index`.
    ///
    /// # Panics
    /// Beyond the end.
    pub fn get(&self, index: usize) -> u64 {
        assert!(index < self.length, "{index} is beyond the shared area");
        // SAFETY: within the mapping and aligned; nobody writes meanwhile but
        // whole numbers at once.
        unsafe { self.words.add(index).read_volatile() }
    }

    /// Sets the number at `index`.
    ///
    /// # Panics
    /// Beyond the end.
    pub fn set(&mut self, index: usize, value: u64) {
        assert!(index < self.length, "{index} is beyond the shared area");
        // SAFETY: within the mapping, aligned, and nobody reads meanwhile.
        unsafe { self.words.add(index).write_volatile(value) };
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to `self`, and no reference to it exists.
        unsafe { libc::munmap(self.words.as_ptr().cast(), self.length * 8) };
    }
}
