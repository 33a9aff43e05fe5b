//! What a program took, by the kernel's account: busybox's `time` multiplies
//! the peak of memory by the size of a page.
#![expect(unsafe_code, reason = "getrusage has no safe wrapper here")]

use std::io;

use serde::{Deserialize, Serialize};

/// What a program took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The TSC right before the program was started, and right after its end.
    pub before: u64,
    pub after: u64,
    /// The peak of its memory.
    pub peak_kib: u64,
}

/// The peak of the largest child, in KiB (getrusage(2)).
pub fn peak_of_children() -> io::Result<u64> {
    // SAFETY: the structure is plain data, for which all zeros are valid, and
    // the call writes nothing but it.
    let (result, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (
            libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage),
            usage,
        )
    };
    match result {
        0 => Ok(usage.ru_maxrss.unsigned_abs()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_a_peak() {
        std::process::Command::new("true").status().unwrap();
        let peak = peak_of_children().unwrap();
        assert!((100..10_000_000).contains(&peak), "{peak} KiB");
    }
}
