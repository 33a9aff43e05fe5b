//! SMRAM, opened to the processor outside SMM and closed again.
//!
//! The q35's SMRAM control register (offset 9Dh of 00:00.0) has D_OPEN in bit 6
//! and D_LCK in bit 4. A firmware that means it sets D_LCK; SeaBIOS does not.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, bail};

use super::ich9;

const SMRAM_CONTROL: u64 = 0x9D;
const D_OPEN: u8 = 0x40;
const D_LOCK: u8 = 0x10;

/// SMRAM while it is open; dropping it closes it.
pub struct OpenSmram {
    bridge: File,
    memory: File,
    closed_value: u8,
}

impl OpenSmram {
    /// Makes 0xA0000-0xBFFFF show SMRAM in place of the video memory.
    pub fn open() -> Result<Self> {
        let bridge = ich9::config_space("0000:00:00.0")?;
        let memory = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/mem")
            .context("/dev/mem")?;
        let mut value = [0];
        bridge.read_exact_at(&mut value, SMRAM_CONTROL)?;
        let closed_value = value[0] & !D_OPEN;
        if closed_value & D_LOCK != 0 {
            bail!("the firmware locked SMRAM (SMRAM control reads {closed_value:#04x})");
        }
        bridge.write_all_at(&[closed_value | D_OPEN], SMRAM_CONTROL)?;
        Ok(Self {
            bridge,
            memory,
            closed_value,
        })
    }

    /// Writes bytes at a physical address in SMRAM.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.memory
            .write_all_at(bytes, address)
            .with_context(|| format!("writing SMRAM at {address:#x}"))
    }

    /// Fills a buffer from a physical address in SMRAM.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> Result<()> {
        self.memory
            .read_exact_at(buffer, address)
            .with_context(|| format!("reading SMRAM at {address:#x}"))
    }

    /// Writes a 32-bit variable.
    pub fn write_u32(&self, address: u64, value: u32) -> Result<()> {
        self.write(address, &value.to_le_bytes())
    }

    /// Reads a 32-bit variable.
    pub fn read_u32(&self, address: u64) -> Result<u32> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
}

impl Drop for OpenSmram {
    fn drop(&mut self) {
        // Left open, SMRAM would only hide the video memory: nothing to report.
        let _ = self
            .bridge
            .write_all_at(&[self.closed_value], SMRAM_CONTROL);
    }
}
