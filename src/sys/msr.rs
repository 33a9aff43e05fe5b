//! Model-specific registers through the kernel's msr driver,
//! /dev/cpu/N/msr (msr(4)).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const IA32_TSC_ADJUST: u32 = 0x3b;

/// One CPU's registers. Reading from another CPU than the one opened sends an
/// interrupt to it: read only from a thread pinned there.
#[derive(Debug)]
pub struct MsrDevice {
    file: File,
}

impl MsrDevice {
    /// Opens the device.
    ///
    /// # Errors
    /// ENOENT without the msr module, EACCES or EPERM without CAP_SYS_RAWIO.
    pub fn open(path: &Path) -> io::Result<MsrDevice> {
        Ok(MsrDevice {
            file: File::open(path)?,
        })
    }

    /// Reads one register.
    ///
    /// # Errors
    /// EIO where the CPU has no such register.
    pub fn read(&self, register: u32) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, u64::from(register))?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Reads IA32_TSC_ADJUST (3BH): what was added to the TSC by writes to
    /// either, in cycles (Intel SDM vol. 4, table 2-2).
    ///
    /// # Errors
    /// EIO where CPUID.(EAX=07H, ECX=0H):EBX\[1\] is 0.
    pub fn tsc_adjust(&self) -> io::Result<i64> {
        self.read(IA32_TSC_ADJUST).map(u64::cast_signed)
    }

    /// Reads MSR_SMI_COUNT (34H): SMIs since reset, 32 bits wide (Intel SDM
    /// vol. 4, table 2-2; Nehalem and later).
    ///
    /// # Errors
    /// EIO on other CPUs, AMD's among them.
    pub fn smi_count(&self) -> io::Result<u64> {
        self.read(x86::msr::MSR_SMI_COUNT)
    }
}
