//! Whether performance counters stand still in SMM
//! (IA32_DEBUGCTL.FREEZE_WHILE_SMM, Intel SDM vol. 3, "Freezing counters while
//! in SMM"), by the kernel's switch `freeze_on_smi` of the core PMU
//! (arch/x86/events/intel/core.c). It belongs to the whole machine and outlives
//! this process, so it is only ever set at the user's wish.

use crate::changes::{Access, Changes, Format, Place};
use crate::host::root::{ReadError, Root};

/// The switch, on CPUs with one kind of core and on hybrid ones.
const FILES: [&str; 2] = [
    "sys/devices/cpu/freeze_on_smi",
    "sys/devices/cpu_core/freeze_on_smi",
];

/// What a run does with the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreezeRequest {
    /// Uses it as it stands.
    LeaveAlone,
    /// Sets it for the time of the run.
    SetForRun,
}

impl FreezeRequest {
    /// What a flag of the command line asks for.
    pub fn from_flag(set: bool) -> FreezeRequest {
        if set {
            FreezeRequest::SetForRun
        } else {
            FreezeRequest::LeaveAlone
        }
    }
}

/// Looks whether the switch is on, and sets it through `changes`, which put it
/// back, where that is wished.
///
/// # Errors
/// Why it is not on, for people.
pub fn freeze_on_smi<A: Access>(
    root: &Root,
    request: FreezeRequest,
    changes: Option<&mut Changes<A>>,
) -> Result<(), String> {
    let found = FILES
        .iter()
        .find_map(|file| match root.read_number::<u8>(file) {
            Err(ReadError::Missing { .. }) => None,
            known => Some((file, known)),
        });
    let (file, value) = found.ok_or_else(|| {
        String::from(
            "the kernel shows no freeze_on_smi: it knows no Intel core PMU here (most guests have \
             none)",
        )
    })?;
    match (value.map_err(|error| error.to_string())?, request, changes) {
        (1.., ..) => Ok(()),
        (0, FreezeRequest::SetForRun, Some(changes)) => changes
            .set(Place::root(*file), Format::Text, "1")
            .map(|_| ())
            .map_err(|refusal| format!("freeze_on_smi cannot be set: {}", refusal.reason)),
        (0, ..) => Err(String::from(
            "freeze_on_smi is off, and it belongs to the whole machine: it is set only when asked \
             for",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::{Guard, LiveAccess};
    use std::fs;
    use std::path::PathBuf;

    fn host(value: &str) -> (tempfile::TempDir, Root, PathBuf) {
        let host = tempfile::tempdir().unwrap();
        let path = host.path().join(FILES[0]);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, value).unwrap();
        let root = Root::at(host.path());
        (host, root, path)
    }

    fn changes(root: &Root) -> Changes<LiveAccess> {
        let access = LiveAccess::new(root.clone());
        let journal = root.path("journal");
        Changes::begin(access, &journal, String::new(), &Guard::Absent).unwrap()
    }

    #[test]
    fn what_was_set_is_put_back() {
        let (_host, root, path) = host("0\n");
        let mut changes = changes(&root);
        freeze_on_smi(&root, FreezeRequest::SetForRun, Some(&mut changes)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().trim(), "1");
        drop(changes);
        assert_eq!(fs::read_to_string(&path).unwrap().trim(), "0");
    }

    #[test]
    fn what_others_set_stays_set() {
        let (_host, root, path) = host("1\n");
        let mut changes = changes(&root);
        freeze_on_smi(&root, FreezeRequest::SetForRun, Some(&mut changes)).unwrap();
        drop(changes);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn without_a_wish_nothing_is_written() {
        let (_host, root, path) = host("0\n");
        let alone = |root| freeze_on_smi::<LiveAccess>(root, FreezeRequest::LeaveAlone, None);
        let reason = alone(&root).unwrap_err();
        assert!(reason.contains("is off"), "{reason}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "0\n");
        let bare = tempfile::tempdir().unwrap();
        assert!(alone(&Root::at(bare.path())).is_err());
    }
}
