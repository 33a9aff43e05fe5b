//! Descriptors that this process was started with.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

/// A copy of the descriptor with this number.
///
/// # Errors
/// EBADF where nothing is open under it.
pub fn copy(number: RawFd) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: not -1, and used for one call only, which takes any number: it
    // makes a new descriptor, or fails.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned()
}
