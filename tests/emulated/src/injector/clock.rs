//! The time stamp counter, for times that the handler does not log.
#![expect(unsafe_code, reason = "RDTSC has no safe form")]

/// The time stamp counter now.
pub fn tsc() -> u64 {
    // SAFETY: every x86-64 processor has RDTSC, and the kernel leaves it to
    // user space unless a process asks otherwise.
    unsafe { std::arch::x86_64::_rdtsc() }
}
