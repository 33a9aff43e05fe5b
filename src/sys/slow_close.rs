//! Closing descriptors whose closing takes long, without waiting for it.
//!
//! The kernel waits for a grace period of RCU, some 30 ms, at the last
//! descriptor of each tracepoint (kernel/trace/trace_event_perf.c,
//! `perf_trace_event_unreg`), and does so under one lock: threads gain nothing,
//! and a process that ends is waited for as well. Whoever closes last waits, so
//! a child of this process does. It holds the descriptors, nothing else, and
//! ends as soon as they are closed, a second later.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// A child that holds copies of some descriptors until this is dropped. To be
/// of use it must outlive the originals.
#[derive(Debug)]
pub struct Heir {
    // Its end lets the child go.
    _leash: io::PipeWriter,
}

/// Lets a child inherit these descriptors.
///
/// # Errors
/// EAGAIN where no more processes are allowed, ENOMEM.
pub fn bequeath(descriptors: &[BorrowedFd<'_>]) -> io::Result<Heir> {
    let (end, leash) = io::pipe()?;
    let mut kept: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    kept.push(end.as_raw_fd());
    kept.sort_unstable();
    // SAFETY: the process has other threads, so the child makes nothing but
    // system calls: `wait` neither allocates nor locks, and does not return.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => wait(&kept, end.as_raw_fd()),
        _ => Ok(Heir { _leash: leash }),
    }
}

/// The child's life: to close all but the descriptors `kept`, which are in
/// order, to wait for the end of the pipe, and to end.
fn wait(kept: &[RawFd], end: RawFd) -> ! {
    let mut next = 0;
    for &descriptor in kept.iter().chain(&[RawFd::MAX]) {
        if descriptor > next {
            // SAFETY: closes descriptors that nothing here uses. Before Linux
            // 5.9 the call fails; the parent's leash is then among those left,
            // and the child must not wait for itself.
            let closed = unsafe { libc::syscall(libc::SYS_close_range, next, descriptor - 1, 0) };
            if closed < 0 {
                // SAFETY: ends this process at once.
                unsafe { libc::_exit(0) };
            }
        }
        next = descriptor.saturating_add(1);
    }
    let mut byte = 0u8;
    // SAFETY: reads at most one byte into a local. Nobody writes: it returns at
    // the end of the pipe, or for a signal that ends the wait early.
    unsafe { libc::read(end, (&raw mut byte).cast(), 1) };
    // SAFETY: ends this process; the kernel closes what is left.
    unsafe { libc::_exit(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsFd;

    /// The other end of a pipe hears of the last descriptor's end.
    #[test]
    fn a_descriptor_lives_until_its_heir_is_let_go() {
        let (mut reader, writer) = io::pipe().unwrap();
        let (mut other_reader, other_writer) = io::pipe().unwrap();
        let heir = bequeath(&[writer.as_fd()]).unwrap();
        drop(writer);
        // What was not bequeathed is closed in the child.
        drop(other_writer);
        assert_eq!(other_reader.read(&mut [0]).unwrap(), 0);
        nix::fcntl::fcntl(
            &reader,
            nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK),
        )
        .unwrap();
        let held = reader.read(&mut [0]).unwrap_err();
        assert_eq!(held.kind(), io::ErrorKind::WouldBlock);
        nix::fcntl::fcntl(
            &reader,
            nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::empty()),
        )
        .unwrap();
        drop(heir);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }
}
