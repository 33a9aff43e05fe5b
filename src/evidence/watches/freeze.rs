//! Whether performance counters stand still in SMM
//! (IA32_DEBUGCTL.FREEZE_WHILE_SMM, Intel SDM vol. 3, "Freezing counters while
//! in SMM"), by the kernel's switch `freeze_on_smi` of the core PMU
//! (arch/x86/events/intel/core.c). It belongs to the whole machine and outlives
//! this process, so it is only ever set at the user's wish.

use std::fs;
use std::path::PathBuf;

use crate::host::root::{ReadError, Root};

/// The switch, on CPUs with one kind of core and on hybrid ones.
const FILES: [&str; 2] = [
    "sys/devices/cpu/freeze_on_smi",
    "sys/devices/cpu_core/freeze_on_smi",
];

/// What a run does with the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreezeWish {
    /// Uses it as it stands.
    LeaveAlone,
    /// Sets it for the time of the run.
    SetForRun,
}

impl FreezeWish {
    /// What a flag of the command line asks for.
    pub fn from_flag(set: bool) -> FreezeWish {
        if set {
            FreezeWish::SetForRun
        } else {
            FreezeWish::LeaveAlone
        }
    }
}

/// The switch, on for as long as this lives. What was set is put back when it
/// is dropped: at the end of a run, after an error, after a signal that ends a
/// run early and after a panic. SIGKILL and a power cut leave it set, which
/// changes nothing but what performance counters count in SMM.
#[derive(Debug)]
pub struct FrozenOnSmi {
    /// The file to write 0 to, where it held 0.
    put_back: Option<PathBuf>,
}

impl FrozenOnSmi {
    /// Looks whether the switch is on, and sets it where that is wished.
    ///
    /// # Errors
    /// Why it is not on, for people.
    pub fn prepare(root: &Root, wish: FreezeWish) -> Result<FrozenOnSmi, String> {
        let found = FILES
            .iter()
            .find_map(|file| match root.read_number::<u8>(file) {
                Err(ReadError::Missing { .. }) => None,
                known => Some((file, known)),
            });
        let (file, value) = found.ok_or_else(|| {
            String::from(
                "the kernel shows no freeze_on_smi: it knows no Intel core PMU here (most guests \
                 have none)",
            )
        })?;
        match (value.map_err(|error| error.to_string())?, wish) {
            (1.., _) => Ok(FrozenOnSmi { put_back: None }),
            (0, FreezeWish::LeaveAlone) => Err(String::from(
                "freeze_on_smi is off, and it belongs to the whole machine: it is set only when \
                 asked for",
            )),
            (0, FreezeWish::SetForRun) => {
                let path = root.path(file);
                fs::write(&path, "1")
                    .map_err(|error| format!("freeze_on_smi cannot be set: {error}"))?;
                Ok(FrozenOnSmi {
                    put_back: Some(path),
                })
            }
        }
    }
}

impl Drop for FrozenOnSmi {
    fn drop(&mut self) {
        if let Some(path) = &self.put_back {
            // Nothing can be done about a failure here, and it cannot come
            // from anything but a lost right: the same file was written.
            let _ = fs::write(path, "0");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(value: &str) -> (tempfile::TempDir, Root, PathBuf) {
        let host = tempfile::tempdir().unwrap();
        let path = host.path().join(FILES[0]);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, value).unwrap();
        let root = Root::at(host.path());
        (host, root, path)
    }

    #[test]
    fn what_was_set_is_put_back() {
        let (_host, root, path) = host("0\n");
        let frozen = FrozenOnSmi::prepare(&root, FreezeWish::SetForRun).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
        drop(frozen);
        assert_eq!(fs::read_to_string(&path).unwrap(), "0");
    }

    #[test]
    fn it_is_put_back_when_a_run_panics() {
        let (_host, root, path) = host("0\n");
        let result = std::panic::catch_unwind(|| {
            let _frozen = FrozenOnSmi::prepare(&root, FreezeWish::SetForRun).unwrap();
            panic!("a defect in mid-run");
        });
        assert!(result.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "0");
    }

    #[test]
    fn what_others_set_stays_set() {
        let (_host, root, path) = host("1\n");
        drop(FrozenOnSmi::prepare(&root, FreezeWish::SetForRun).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn without_a_wish_nothing_is_written() {
        let (_host, root, path) = host("0\n");
        let reason = FrozenOnSmi::prepare(&root, FreezeWish::LeaveAlone).unwrap_err();
        assert!(reason.contains("is off"), "{reason}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "0\n");
        let bare = tempfile::tempdir().unwrap();
        let root = Root::at(bare.path());
        assert!(FrozenOnSmi::prepare(&root, FreezeWish::SetForRun).is_err());
    }
}
