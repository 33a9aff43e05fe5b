//! Gives the SMI counter a start value: MSR_SMI_COUNT cannot be written, so the
//! machine is saved, the value changed in the saved state, and the machine
//! brought back from there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::qmp::Qmp;

/// What the guest writes to its console when it may be saved.
pub const READY: &str = "hwgap-emulated: ready to be saved";

/// The name of the counter's part of the saved state (QEMU,
/// target/i386/machine.c, vmstate_msr_smi_count).
const SECTION: &[u8] = b"cpu/msr_smi_count";

const POLL: Duration = Duration::from_millis(50);

/// Files of one save.
pub struct Preset {
    pub socket: PathBuf,
    pub state: PathBuf,
    pub value: u64,
}

impl Preset {
    /// Where the files of a boot lie.
    pub fn new(folder: &Path, value: u64) -> Self {
        Self {
            socket: folder.join("qmp"),
            state: folder.join("state"),
            value,
        }
    }

    /// Waits until the guest is ready, then stops, saves and ends it.
    pub fn save(&self, console: &Path, patience: Duration) -> Result<()> {
        let mut qmp = Qmp::connect(&self.socket, patience)?;
        let started = Instant::now();
        while !fs::read(console).is_ok_and(|text| contains(&text, READY.as_bytes())) {
            ensure!(
                started.elapsed() < patience,
                "the guest was never ready to be saved"
            );
            std::thread::sleep(POLL);
        }
        qmp.execute("stop", json!({}))?;
        let target = format!("file:{}", self.state.display());
        qmp.execute("migrate", json!({ "uri": target }))?;
        loop {
            let progress = qmp.execute("query-migrate", json!({}))?;
            match progress["status"].as_str() {
                Some("completed") => break,
                Some("failed" | "cancelled") => anyhow::bail!("the save failed: {progress}"),
                _ => std::thread::sleep(POLL),
            }
        }
        qmp.execute("quit", json!({}))?;
        Ok(())
    }

    /// Lets the guest run that was brought back; it comes as it was saved,
    /// stopped.
    pub fn resume(&self, patience: Duration) -> Result<()> {
        let mut qmp = Qmp::connect(&self.socket, patience)?;
        while qmp.execute("query-status", json!({}))?["status"] != "paused" {
            std::thread::sleep(POLL);
        }
        qmp.execute("cont", json!({}))?;
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
