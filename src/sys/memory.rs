//! Memory that is present before it is needed.

use std::io;
use std::ptr::NonNull;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// All memory, present and future.
    All,
    /// What was mapped at the time of the call.
    Present,
}

/// Whether RLIMIT_MEMLOCK binds this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockLimit {
    /// CAP_IPC_LOCK lifts it.
    Lifted,
    InForce,
}

/// Lets threads share a few arenas of the C library's, where it has any: each
/// of its own would take 132 KiB of locked memory, and 64 MiB of addresses.
pub fn share_arenas() {
    // SAFETY: sets a number that the allocator looks at when it makes an arena.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2)
    };
}

/// Locks the memory of the process, so that no page of a sampler is ever
/// faulted in or reclaimed. The lock ends with the process.
///
/// # Errors
/// EPERM or ENOMEM where RLIMIT_MEMLOCK allows neither form.
pub fn lock_all(limit: LockLimit) -> io::Result<Locked> {
    // Future mappings are locked only where a limit cannot make a later
    // allocation fail.
    let unlimited = limit == LockLimit::Lifted
        || matches!(getrlimit(Resource::RLIMIT_MEMLOCK), Ok((soft, _)) if soft == RLIM_INFINITY);
    if unlimited && mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE).is_ok() {
        return Ok(Locked::All);
    }
    mlockall(MlockAllFlags::MCL_CURRENT)?;
    Ok(Locked::Present)
}

/// Touches the stack below the caller, so that the first deep call of a
/// sampler does not fault.
#[inline(never)]
pub fn prefault_stack() {
    let mut stack = [0u8; 64 * 1024];
    std::hint::black_box(&mut stack);
}

/// A page that can be dropped and faulted in again at will: the known kernel
/// entry with which the footprint is tested.
pub struct FaultPage {
    page: NonNull<u8>,
    length: usize,
}

impl FaultPage {
    /// Maps one page.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn map() -> io::Result<FaultPage> {
        // SAFETY: sysconf has no preconditions.
        let length = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        // SAFETY: an anonymous private mapping at an address of the kernel's
        // choice touches no existing memory.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let page = NonNull::new(page.cast()).ok_or_else(|| io::Error::other("mmap gave null"))?;
        let page = FaultPage { page, length };
        // Locked pages cannot be dropped by MADV_DONTNEED; mlockall with
        // MCL_FUTURE has locked this one.
        // SAFETY: the range is this mapping.
        unsafe { libc::munlock(page.page.as_ptr().cast(), page.length) };
        Ok(page)
    }

    /// Drops the page, so that the next touch is a page fault.
    ///
    /// # Errors
    /// EINVAL where the page is locked.
    pub fn drop_page(&self) -> io::Result<()> {
        // SAFETY: the range is this mapping; its content is not needed again.
        let result =
            unsafe { libc::madvise(self.page.as_ptr().cast(), self.length, libc::MADV_DONTNEED) };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    #[inline(always)]
    pub fn touch(&self) {
        // SAFETY: the mapping is writable and lives as long as `self`.
        unsafe { self.page.as_ptr().write_volatile(1) };
    }
}

impl Drop for FaultPage {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to `self`, and no reference to it exists.
        unsafe { libc::munmap(self.page.as_ptr().cast(), self.length) };
    }
}

/// Pages that nobody has touched yet: the first write to each is a page fault.
pub struct FreshPages {
    start: NonNull<u8>,
    length: usize,
    page: usize,
    next: usize,
}

// SAFETY: the mapping belongs to this value alone.
unsafe impl Send for FreshPages {}

impl FreshPages {
    /// Maps this many pages.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn map(count: usize) -> io::Result<FreshPages> {
        // SAFETY: sysconf has no preconditions.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        let length = page * count;
        // SAFETY: an anonymous private mapping at an address of the kernel's
        // choice touches no existing memory.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start: NonNull<u8> =
            NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mmap gave null"))?;
        // One huge page would take all faults at once. Kernels without huge
        // pages refuse, and need it not.
        // SAFETY: the range is this mapping.
        unsafe { libc::madvise(start.as_ptr().cast(), length, libc::MADV_NOHUGEPAGE) };
        Ok(FreshPages {
            start,
            length,
            page,
            next: 0,
        })
    }

    /// Writes to the next page; false when none is left.
    pub fn touch_next(&mut self) -> bool {
        if self.next >= self.length {
            return false;
        }
        // SAFETY: `next` lies within the mapping, which is writable and lives
        // as long as `self`.
        unsafe { self.start.as_ptr().add(self.next).write_volatile(1) };
        self.next += self.page;
        true
    }
}

impl Drop for FreshPages {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to `self`, and no reference to it exists.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
