//! 32-bit port access: /dev/port moves single bytes, and SMI_EN takes no less
//! than a doubleword.
#![expect(
    unsafe_code,
    reason = "IN and OUT have no safe form, and iopl is a system call"
)]

use std::arch::asm;

use anyhow::{Result, bail};

/// Leave to use the I/O ports; holding one proves that it was granted.
pub struct Ports(());

impl Ports {
    /// Asks the kernel for all ports; needs CAP_SYS_RAWIO.
    pub fn acquire() -> Result<Self> {
        // SAFETY: iopl changes only which instructions this thread may use.
        if unsafe { libc::iopl(3) } != 0 {
            bail!("iopl: {}", std::io::Error::last_os_error());
        }
        Ok(Self(()))
    }

    /// Reads a doubleword from a port.
    pub fn read_u32(&self, port: u16) -> u32 {
        let value;
        // SAFETY: iopl was granted; a port read touches no memory of ours, and
        // the callers' registers (SMI_EN, SMI_STS) have no read side effects.
        unsafe {
            asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags));
        }
        value
    }

    /// Reads a byte from a port.
    pub fn read_u8(&self, port: u16) -> u8 {
        let value;
        // SAFETY: iopl was granted; a port read touches no memory of ours, and
        // reading the register asked for (a line status) only clears errors.
        unsafe {
            asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags));
        }
        value
    }

    /// Writes a doubleword to a port.
    pub fn write_u32(&self, port: u16, value: u32) {
        // SAFETY: iopl was granted. The write may raise an SMI, which restores
        // every register; memory that the handler writes is SMRAM, never ours.
        unsafe {
            asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags));
        }
    }

    /// Writes a byte to a port.
    pub fn write_u8(&self, port: u16, value: u8) {
        // SAFETY: as for the doubleword.
        unsafe {
            asm!("out dx, al", in("dx") port, in("al") value, options(nostack, preserves_flags));
        }
    }
}
