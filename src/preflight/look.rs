//! Files as evidence: what they said, or why they said nothing.

use crate::host::root::{Known, ReadError, Root};
use crate::host::text::clean;
use crate::preflight::model::Observation;
use crate::units::cpulist::CpuList;

/// A longer list of CPUs is counted instead of shown.
const LONGEST_LIST: usize = 60;
/// The longest quotation kept, in characters.
const LONGEST: usize = 200;

/// What the file says, by its path below the root.
pub(super) fn look(root: &Root, file: &str) -> Observation {
    observed(
        file,
        match root.read_text(file) {
            Ok(text) if text.trim().is_empty() => String::from("(empty)"),
            Ok(text) => text,
            Err(error) => why(&error),
        },
    )
}

/// What was found in the file, where that is not its whole text.
pub(super) fn observed(file: &str, said: impl AsRef<str>) -> Observation {
    Observation {
        source: format!("/{file}"),
        said: clean(said.as_ref(), LONGEST),
    }
}

/// The error without its path, which stands beside it.
pub(super) fn why(error: &ReadError) -> String {
    match error {
        ReadError::Missing { .. } => String::from("does not exist"),
        ReadError::Denied { .. } => String::from("may not be read by this user"),
        ReadError::LockedDown { .. } => String::from("the kernel is locked down"),
        ReadError::Malformed {
            expected, found, ..
        } => format!("'{found}' is not {expected}"),
        ReadError::Other { cause, .. } => cause.clone(),
    }
}

/// A file with 0 or 1 (or a mode above 1) as a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    /// 0.
    Off,
    On,
}

pub(super) fn switch(root: &Root, file: &str) -> Known<Switch> {
    root.read_number::<u32>(file).map(|number| match number {
        0 => Switch::Off,
        _ => Switch::On,
    })
}

pub(super) fn few(items: &[String], most: usize) -> String {
    let shown = items[..items.len().min(most)].join(", ");
    match items.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// "CPU 3", "CPUs 1-3", or "512 CPUs" where the list is long.
pub(super) fn cpus(list: &CpuList) -> String {
    match list.to_string().len() > LONGEST_LIST {
        true => format!("{} CPUs", list.len()),
        false => list.named(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::found::unread;
    use super::*;
    use crate::preflight::model::Effect;

    #[test]
    fn many_are_counted() {
        let names: Vec<String> = (0..5).map(|number| number.to_string()).collect();
        assert_eq!(few(&names, 5), "0, 1, 2, 3, 4");
        assert_eq!(few(&names, 2), "0, 1 and 3 more");
    }

    #[test]
    fn evidence_names_the_file_and_never_the_root() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("blank"), "\n").unwrap();
        let root = Root::at(folder.path());
        assert_eq!(look(&root, "blank").said, "(empty)");
        let missing = look(&root, "proc/none");
        assert_eq!(missing.source, "/proc/none");
        assert_eq!(missing.said, "does not exist");
    }

    #[test]
    fn a_file_that_is_not_there_is_no_worry_and_a_bad_one_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), "\u{1b}[2J").unwrap();
        let root = Root::at(folder.path());
        let of = |file: &str| {
            let error = switch(&root, file).unwrap_err();
            unread("x", look(&root, file), &error, "There is none.")
        };
        assert_eq!(of("y").effect, Effect::None);
        assert_eq!(of("y").text, "There is none.");
        assert_eq!(of("x").effect, Effect::Unknown);
        assert!(!of("x").text.contains('\u{1b}'));
    }
}
