//! One I/O port, by ioperm(2).

use core::arch::asm;
use std::io;

/// The right of the calling thread to one port. It ends with the thread.
#[derive(Debug)]
pub struct Port {
    number: u16,
    // The permission is the thread's: the value must stay with it.
    _of_this_thread: std::marker::PhantomData<*const ()>,
}

impl Port {
    /// Asks for the port.
    ///
    /// # Errors
    /// EPERM without CAP_SYS_RAWIO or under lockdown; ENOSYS on kernels
    /// without CONFIG_X86_IOPL_IOPERM.
    pub fn open(number: u16) -> io::Result<Port> {
        // SAFETY: ioperm changes this thread's I/O bitmap only.
        let result = unsafe { libc::syscall(libc::SYS_ioperm, libc::c_ulong::from(number), 1, 1) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Port {
            number,
            _of_this_thread: std::marker::PhantomData,
        })
    }

    /// Writes a byte. What that does is the caller's to know.
    pub fn write(&self, value: u8) {
        // SAFETY: the thread has the permission, so that the instruction does
        // not fault; it touches no memory of this process.
        unsafe {
            asm!("out dx, al", in("dx") self.number, in("al") value,
                 options(nostack, preserves_flags));
        }
    }
}
