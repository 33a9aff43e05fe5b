//! Changes of the kernel's settings, each remembered so that it can be taken
//! back, the latest first: width and window bound each other, and in that
//! order every step is a state that was there before.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::Arc;

use crate::host::root::Root;
use crate::host::tracefs::Tracefs;

use super::error::TracerError;

/// A file of the kernel's, and its content before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file, below tracefs.
    pub file: String,
    /// What makes it as it was.
    pub before: String,
    /// What was written.
    pub after: String,
}

/// Settings as this process changed them; as before when it is dropped.
pub(super) struct Settings {
    tracefs: Arc<Tracefs>,
    changes: Vec<Change>,
}

impl Settings {
    pub(super) fn new(tracefs: Arc<Tracefs>) -> Settings {
        Settings {
            tracefs,
            changes: Vec::new(),
        }
    }

    /// Writes `after` to a file that shows what it holds.
    pub(super) fn set(&mut self, file: &str, after: &str) -> Result<(), TracerError> {
        let before = self.read(file)?;
        self.change(file, before.trim(), after)
    }

    /// Writes one of the words that a file shows, the chosen one in brackets:
    /// `none [round-robin] per-cpu`.
    pub(super) fn choose(&mut self, file: &str, after: &str) -> Result<(), TracerError> {
        let shown = self.read(file)?;
        let chosen = bracketed(&shown).ok_or_else(|| TracerError::Read {
            file: file.to_owned(),
            cause: format!("{:?} marks no choice", shown.trim()),
        })?;
        self.change(file, chosen, after)
    }

    /// Switches an option on in a file that lists those that are off with NO_
    /// before their names. False where there is no such option.
    pub(super) fn switch_on(&mut self, file: &str, option: &str) -> Result<bool, TracerError> {
        let off = format!("NO_{option}");
        let Ok(shown) = self.tracefs.root().read_text(file) else {
            return Ok(false);
        };
        if shown.split_whitespace().any(|word| word == option) {
            return Ok(true);
        }
        if !shown.split_whitespace().any(|word| word == off) {
            return Ok(false);
        }
        self.change(file, &off, option)?;
        Ok(true)
    }

    /// Sets two lengths of which the first must not exceed the second, in the
    /// order that keeps it so.
    pub(super) fn set_pair(
        &mut self,
        (inner, short): (&str, u64),
        (outer, long): (&str, u64),
    ) -> Result<(), TracerError> {
        let now: Option<u64> = self.read(outer)?.trim().parse().ok();
        let inner_first = now.is_some_and(|now| short < now);
        let (short, long) = (short.to_string(), long.to_string());
        if inner_first {
            self.set(inner, &short)?;
            self.set(outer, &long)
        } else {
            self.set(outer, &long)?;
            self.set(inner, &short)
        }
    }

    /// Takes all changes back and says what could not be.
    pub(super) fn restore(&mut self) -> Vec<String> {
        let mut failures = Vec::new();
        while let Some(change) = self.changes.pop() {
            if let Err(error) = write(self.tracefs.root(), &change.file, &change.before) {
                failures.push(format!(
                    "{} holds {:?} in place of {:?}: {error}",
                    change.file, change.after, change.before
                ));
            }
        }
        failures
    }

    fn read(&self, file: &str) -> Result<String, TracerError> {
        let text = self.tracefs.root().read_text(file);
        text.map_err(|error| TracerError::Read {
            file: file.to_owned(),
            cause: error.to_string(),
        })
    }

    fn change(&mut self, file: &str, before: &str, after: &str) -> Result<(), TracerError> {
        if before == after {
            return Ok(());
        }
        self.changes.push(Change {
            file: file.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        });
        write(self.tracefs.root(), file, after).map_err(|cause| {
            self.changes.pop();
            TracerError::Write {
                file: file.to_owned(),
                after: after.to_owned(),
                cause,
            }
        })
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Writes a whole setting at once, as these files want it.
pub(super) fn write(folder: &Root, file: &str, text: &str) -> io::Result<()> {
    let mut open = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(folder.path(file))?;
    open.write_all(format!("{text}\n").as_bytes())
}

fn bracketed(shown: &str) -> Option<&str> {
    let (_, rest) = shown.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word)
}
