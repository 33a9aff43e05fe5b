//! The ICH9's SMI timers and enables (ICH9 datasheet, chapter 13: LPC bridge
//! 00:1f.0; QEMU: hw/acpi/ich9_timer.c and hw/acpi/ich9.c).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result};

use super::pattern::{PeriodicPeriod, Timer};
use super::ports::Ports;

/// Writing it raises an SMI at once (APM control port).
pub const APM_CONTROL: u16 = 0xB2;

const LPC_BRIDGE: &str = "0000:00:1f.0";
const PMBASE: u64 = 0x40;
const GEN_PMCON_1: u64 = 0xA0;
const GEN_PMCON_3: u64 = 0xA4;
const SMI_EN: u16 = 0x30;
const SMI_STS: u16 = 0x34;

const GBL_SMI_EN: u32 = 1;
const APMC_EN: u32 = 1 << 5;
const SWSMI_TMR_EN: u32 = 1 << 6;
const PERIODIC_EN: u32 = 1 << 14;

/// A PCI function's configuration space, for reading and writing.
pub fn config_space(function: &str) -> Result<File> {
    let path = format!("/sys/bus/pci/devices/{function}/config");
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .context(path)
}

/// The value of SMI_EN that starts a timer.
pub struct Enables(u32);

/// The LPC bridge with its power management registers.
pub struct Ich9 {
    bridge: File,
    ports: Ports,
    pmbase: u16,
}

impl Ich9 {
    /// Finds PMBASE and asks for the ports.
    pub fn open() -> Result<Self> {
        let bridge = config_space(LPC_BRIDGE)?;
        let mut bytes = [0; 4];
        bridge.read_exact_at(&mut bytes, PMBASE)?;
        // Bit 0 marks an I/O address; bits 15:7 are the base.
        let pmbase = (u32::from_le_bytes(bytes) & 0xFF80) as u16;
        let ports = Ports::acquire()?;
        Ok(Self {
            bridge,
            ports,
            pmbase,
        })
    }

    /// The base of the power management registers.
    pub fn pmbase(&self) -> u16 {
        self.pmbase
    }

    /// Stops both timers; port 0xB2 keeps working.
    pub fn stop(&self) {
        let enabled = self.ports.read_u32(self.pmbase + SMI_EN);
        self.ports.write_u32(
            self.pmbase + SMI_EN,
            enabled & !(SWSMI_TMR_EN | PERIODIC_EN),
        );
    }

    /// Sets the timer's first period and starts it.
    pub fn start(&self, timer: Timer) -> Result<()> {
        let enabled = self.prepare(timer)?;
        self.enable(enabled);
        Ok(())
    }

    /// Sets the timer's first period; what it returns is for `enable`, which
    /// starts it by a single instruction.
    pub fn prepare(&self, timer: Timer) -> Result<Enables> {
        self.stop();
        let timer_enable = match timer {
            Timer::Software(period) => {
                self.set_bits(GEN_PMCON_3, 0xC0, period.rate_select())?;
                SWSMI_TMR_EN
            }
            Timer::Periodic(period) => {
                let select = match period {
                    PeriodicPeriod::Seconds64 => 0,
                    PeriodicPeriod::Seconds32 => 1,
                    PeriodicPeriod::Seconds16 => 2,
                    PeriodicPeriod::Seconds8 => 3,
                };
                self.set_bits(GEN_PMCON_1, 0x03, select)?;
                PERIODIC_EN
            }
            Timer::Port => 0,
        };
        // Stale status bits are cleared by writing ones.
        self.ports.write_u32(self.pmbase + SMI_STS, 0x4060);
        let enabled = self.ports.read_u32(self.pmbase + SMI_EN);
        Ok(Enables(enabled | GBL_SMI_EN | APMC_EN | timer_enable))
    }

    /// Starts what was prepared.
    pub fn enable(&self, enables: Enables) {
        self.ports.write_u32(self.pmbase + SMI_EN, enables.0);
    }

    /// Raises one SMI now.
    pub fn raise(&self) {
        self.ports.write_u8(APM_CONTROL, 0x5A);
    }

    fn set_bits(&self, offset: u64, mask: u8, value: u8) -> Result<()> {
        let mut byte = [0];
        self.bridge.read_exact_at(&mut byte, offset)?;
        self.bridge
            .write_all_at(&[byte[0] & !mask | value & mask], offset)?;
        Ok(())
    }
}
