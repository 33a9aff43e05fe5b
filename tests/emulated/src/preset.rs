//! Gives the SMI counter a start value: MSR_SMI_COUNT cannot be written, so the
//! machine is saved, the value changed in the saved state, and the machine
//! brought back from there.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::machine::Life;
use crate::qmp::{Qmp, connect};

/// What the guest writes to its console when it may be saved.
pub const READY: &str = "hwgap-emulated: ready to be saved";

/// The name of the counter's part of the saved state (QEMU,
/// target/i386/machine.c, vmstate_msr_smi_count).
const SECTION: &[u8] = b"cpu/msr_smi_count";

/// Files of one save.
pub struct Preset {
    socket: PathBuf,
    /// The host's end of the second serial port.
    port: PathBuf,
    pub state: PathBuf,
    value: u64,
}

impl Preset {
    /// Where the files of a boot lie.
    pub fn new(folder: &Path, value: u64) -> Self {
        Self {
            socket: folder.join("qmp"),
            port: folder.join("port"),
            state: folder.join("state"),
            value,
        }
    }

    /// The emulator's arguments for both boots.
    pub fn channels(&self) -> [String; 6] {
        let server = |socket: &Path| format!("{},server=on,wait=off", socket.display());
        [
            "-qmp".into(),
            format!("unix:{}", server(&self.socket)),
            "-chardev".into(),
            format!("socket,id=go,path={}", server(&self.port)),
            "-serial".into(),
            "chardev:go".into(),
        ]
    }

    /// Further ones for the second.
    pub fn incoming(&self) -> [String; 2] {
        ["-incoming".into(), format!("file:{}", self.state.display())]
    }

    /// Waits until the guest is ready, then stops, saves and ends it.
    pub fn save(&self, console: &Path, life: &Life) -> Result<()> {
        let mut qmp = Qmp::connect(&self.socket, life)?;
        while !fs::read(console).is_ok_and(|text| contains(&text, READY.as_bytes())) {
            life.pause()?;
        }
        qmp.execute("stop", json!({}))?;
        let target = format!("file:{}", self.state.display());
        qmp.execute("migrate", json!({ "uri": target }))?;
        loop {
            let progress = qmp.execute("query-migrate", json!({}))?;
            match progress["status"].as_str() {
                Some("completed") => break,
                Some("failed" | "cancelled") => anyhow::bail!("the save failed: {progress}"),
                _ => life.pause()?,
            }
        }
        // The emulator may be gone before its answer is out; that it ended, and
        // well, its caller sees.
        let _ = qmp.execute("quit", json!({}));
        Ok(())
    }

    /// Lets the guest run that was brought back, and tells it to go on; it
    /// comes as it was saved, stopped. Returns when the emulator has ended:
    /// whether the guest did go on shows by its results.
    pub fn resume(&self, life: &Life) -> Result<()> {
        let mut qmp = Qmp::connect(&self.socket, life)?;
        while qmp.execute("query-status", json!({}))?["status"] != "paused" {
            life.pause()?;
        }
        qmp.execute("cont", json!({}))?;
        // The emulator may drop what it has not read of a closed line, so that
        // this one stays open, and is opened anew where the emulator closed it.
        while let Ok(mut port) = connect(&self.port, life) {
            if port.write_all(b"g").is_ok() {
                let _ = port.read_to_end(&mut Vec::new());
            }
            if life.pause().is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Writes the value into the saved state.
    pub fn patch(&self) -> Result<()> {
        let mut state = fs::read(&self.state)?;
        set_counter(&mut state, self.value)?;
        fs::write(&self.state, state)?;
        Ok(())
    }
}

/// A subsection is its name, a 32-bit version and its fields, big-endian.
fn set_counter(state: &mut [u8], value: u64) -> Result<()> {
    let name = state
        .windows(SECTION.len())
        .position(|window| window == SECTION)
        .context("the saved state has no SMI counter")?;
    let field = name + SECTION.len() + 4;
    state
        .get_mut(field..field + 8)
        .context("the saved state ends in the SMI counter")?
        .copy_from_slice(&value.to_be_bytes());
    Ok(())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_goes_behind_name_and_version() {
        let mut state = b"\x05\x11cpu/msr_smi_count\0\0\0\x01\0\0\0\0\0\0\0\x03rest".to_vec();
        set_counter(&mut state, 0xFFFF_FFFF).unwrap();
        assert_eq!(
            &state[19..],
            b"\0\0\0\x01\0\0\0\0\xFF\xFF\xFF\xFFrest".as_slice()
        );
    }

    #[test]
    fn a_state_without_the_counter_is_refused() {
        assert!(set_counter(&mut b"nothing".to_vec(), 1).is_err());
    }
}
