//! Changes what no program inside can: the machine is saved, the saved state
//! changed, and the machine brought back from there.

mod section;
mod smi_counter;
mod stall;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use crate::machine::Life;
use crate::qmp::{Qmp, connect};

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// MSR_SMI_COUNT, which cannot be written, gets a value.
    SmiCount(u64),
    /// All CPUs stand still at once, for so many nanoseconds.
    Stall(u64),
}

/// The file among the guest's results that says when the stall was.
pub const STALL_LOG: &str = "stall.json";

/// What the guest writes to its console when it may be saved.
pub const READY: &str = "hwgap-emulated: ready to be saved";

/// One save.
pub struct SavedState {
    change: Change,
    socket: PathBuf,
    /// The host's end of the second serial port.
    port: PathBuf,
    pub state: PathBuf,
    stall_log: PathBuf,
}

impl SavedState {
    /// Where the files of a boot lie.
    pub fn new(folder: &Path, change: Change) -> Self {
        Self {
            change,
            socket: folder.join("qmp"),
            port: folder.join("port"),
            state: folder.join("state"),
            stall_log: folder.join("results").join(STALL_LOG),
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

    /// Makes the change.
    pub fn change(&self) -> Result<()> {
        let mut state = fs::read(&self.state)?;
        match self.change {
            Change::SmiCount(value) => smi_counter::set(&mut state, value)?,
            Change::Stall(length) => {
                let stall = stall::make(&mut state, length)?;
                fs::write(&self.stall_log, serde_json::to_string(&stall)?)?;
            }
        }
        fs::write(&self.state, state)?;
        Ok(())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
