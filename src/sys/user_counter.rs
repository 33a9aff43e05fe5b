//! A counter of the PMU that a thread on its CPU reads without a system call,
//! by RDPMC (Intel SDM vol. 2B, RDPMC; AMD APM vol. 3).

use std::arch::asm;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;

use super::counter_page::CounterPage;
use super::perf::CpuCounter;

pub use super::counter_page::PageDefect;

/// A counter with its page mapped.
#[derive(Debug)]
pub struct UserCounter {
    page: NonNull<CounterPage>,
    length: usize,
    // The event counts while its descriptor lives.
    _counter: CpuCounter,
}

// SAFETY: the mapping belongs to this value alone, and the kernel's changes to
// it are met with atomics.
unsafe impl Send for UserCounter {}

impl UserCounter {
    /// Maps the page of an event that was opened for one CPU.
    ///
    /// # Errors
    /// EPERM where perf_event_mlock_kb is used up, ENOMEM.
    pub fn map(counter: CpuCounter) -> io::Result<UserCounter> {
        // SAFETY: sysconf has no preconditions.
        let length = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        // SAFETY: a new shared mapping of the event at an address of the
        // kernel's choice.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_SHARED,
                counter.as_fd().as_raw_fd(),
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let page = NonNull::new(page.cast()).ok_or_else(|| io::Error::other("mmap gave null"))?;
        Ok(UserCounter {
            page,
            length,
            _counter: counter,
        })
    }

    /// The count. The calling thread must be on the counter's CPU: on another
    /// one it is that CPU's counter that is read, which has another meaning.
    ///
    /// # Errors
    /// Where there is nothing to read.
    #[inline]
    pub fn count(&self) -> Result<u64, PageDefect> {
        // SAFETY: the mapping is a page, as long as `self` lives; the layout of
        // `CounterPage` is that of the kernel's structure, and all of its
        // fields are atomics.
        let page = unsafe { self.page.as_ref() };
        page.count(rdpmc)
    }
}

impl Drop for UserCounter {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to `self`, and no reference to it exists.
        unsafe { libc::munmap(self.page.as_ptr().cast(), self.length) };
    }
}

/// Reads a counter of the CPU under the calling thread.
#[inline]
fn rdpmc(counter: u32) -> u64 {
    let (low, high): (u32, u32);
    // Not `nomem`: it must stay between the two looks at the page's lock.
    // SAFETY: the instruction touches neither memory nor flags. Where the
    // kernel forbids it the process gets SIGSEGV: it is called only where the
    // event's page allows it, and the kernel keeps CR4.PCE set while such a page
    // is mapped (arch/x86/events/core.c, x86_pmu_event_mapped). Who writes 0
    // to the PMU's `rdpmc` file in mid-run ends every such program.
    unsafe {
        asm!(
            "rdpmc",
            in("ecx") counter,
            out("eax") low,
            out("edx") high,
            options(nostack, preserves_flags)
        );
    }
    u64::from(high) << 32 | u64::from(low)
}
