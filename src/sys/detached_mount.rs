//! A file system that nobody else sees: mounted nowhere, gone with its
//! descriptor. fsopen(2), fsconfig(2), fsmount(2), Linux 5.2.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

/// FSCONFIG_CMD_CREATE of include/uapi/linux/mount.h.
const CREATE: libc::c_ulong = 6;
/// FSMOUNT_CLOEXEC and FSOPEN_CLOEXEC of the same file.
const CLOEXEC: libc::c_ulong = 1;

/// A mounted file system without a place in the tree.
#[derive(Debug)]
pub struct DetachedMount {
    mount: OwnedFd,
}

impl DetachedMount {
    /// Mounts a file system of this kind, detached.
    ///
    /// # Errors
    /// EPERM without CAP_SYS_ADMIN, ENODEV for an unknown kind, ENOSYS before
    /// Linux 5.2.
    pub fn new(kind: &CStr) -> io::Result<DetachedMount> {
        // SAFETY: `kind` is a C string; the flag word is valid.
        let context = unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), CLOEXEC) };
        let context = own(context)?;
        // SAFETY: a live context; CREATE takes no key, value or auxiliary.
        let created = unsafe {
            libc::syscall(
                libc::SYS_fsconfig,
                context.as_raw_fd(),
                CREATE,
                std::ptr::null::<u8>(),
                std::ptr::null::<u8>(),
                0,
            )
        };
        if created < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a live, created context; the flag words are valid.
        let mount = unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), CLOEXEC, 0) };
        Ok(DetachedMount { mount: own(mount)? })
    }

    /// A path by which this process reaches the mount's root, while `self`
    /// lives.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.mount.as_raw_fd()))
    }
}

fn own(fd: libc::c_long) -> io::Result<OwnedFd> {
    match i32::try_from(fd) {
        // SAFETY: the kernel has just given this descriptor to us alone.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}
