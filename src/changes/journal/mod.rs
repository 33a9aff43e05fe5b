//! The journal: what was changed, on disk before it is.
//!
//! One file, a line of JSON each: a header, then each change before it is
//! made, and what became of it. Beside it lies a lock, held by whoever works
//! on the journal: the run, its guardian once the run is dead, `hwgap
//! restore`. The journal goes when everything is back.

mod error;
mod form;
mod lock;
mod peek;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::Flock;
use rustix::fs::OFlags;

use crate::files::state::{StateFolder, contents};

use super::change::Change;
use form::{Content, Line, read};

pub use error::{Holder, JournalError};
pub use form::Header;
pub use lock::Locked;
pub use peek::{Earlier, peek};

/// The journal's file.
const JOURNAL: &str = "changes.journal";
/// The largest journal that is read, in bytes: a change takes some 200.
const LARGEST: u64 = 64 << 20;

/// A change whose state is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub n: usize,
    pub change: Change,
    /// What was read back, where it differs from what was written.
    pub became: Option<String>,
}

/// What a dead run has left.
#[derive(Debug)]
pub struct Left {
    pub header: Header,
    /// What is not yet put back, oldest first.
    pub standing: Vec<Standing>,
    /// Lines that could not be read. What they said cannot be put back.
    pub unreadable: usize,
    pub journal: Journal,
}

/// What lies in the folder of a journal.
#[derive(Debug)]
pub enum Found {
    /// A dead run has left changes.
    Left(Box<Left>),
    Nothing(Locked),
}

#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Length of all whole lines, in bytes.
    length: u64,
    path: PathBuf,
    folder: StateFolder,
    next: usize,
    _lock: Flock<File>,
}

impl Locked {
    fn journal(&self) -> PathBuf {
        self.folder.path().join(JOURNAL)
    }

    /// What a dead run has left, if anything.
    ///
    /// # Errors
    /// `NotOurs`, `Damaged`, `Io`.
    pub fn look(self) -> Result<Found, JournalError> {
        let path = self.journal();
        let shown = path.display().to_string();
        let io = |cause| JournalError::Io {
            path: shown.clone(),
            cause,
        };
        let opened = self.folder.file(JOURNAL, OFlags::RDWR | OFlags::APPEND);
        let file = match opened {
            Err(error) if error.is_missing() => return Ok(Found::Nothing(self)),
            opened => opened.map_err(|error| JournalError::of_state(&path, error))?,
        };
        // Of the file that was checked, whatever has its name by now.
        let text = contents(&file, LARGEST, &path);
        let text = text.map_err(|error| JournalError::of_state(&path, error))?;
        let content = match read(&String::from_utf8_lossy(&text)) {
            Ok(Some(content)) => content,
            // The run died before its header was on the disk: no change.
            Ok(None) => {
                self.folder.remove(JOURNAL).map_err(io)?;
                return Ok(Found::Nothing(self));
            }
            Err(cause) => return Err(JournalError::Damaged { path: shown, cause }),
        };
        let Content {
            header,
            standing,
            unreadable,
            next,
            length,
        } = content;
        let length = length as u64;
        // Half a line must not run into the next one.
        file.set_len(length).map_err(io)?;
        Ok(Found::Left(Box::new(Left {
            header,
            standing,
            unreadable,
            journal: Journal {
                file,
                length,
                path,
                folder: self.folder,
                next,
                _lock: self.lock,
            },
        })))
    }

    /// Begins a journal. There must be none.
    ///
    /// # Errors
    /// `Io`.
    pub fn begin(self, header: &Header) -> Result<Journal, JournalError> {
        let path = self.journal();
        let io = |cause| JournalError::Io {
            path: path.display().to_string(),
            cause,
        };
        let mut file = self.folder.create(OsStr::new(JOURNAL)).map_err(io)?;
        let mut line = serde_json::to_string(header).map_err(|error| io(error.into()))?;
        line.push('\n');
        let begun = file
            .write_all(line.as_bytes())
            .and_then(|()| file.sync_all())
            // The name as well has to be on the disk.
            .and_then(|()| self.folder.sync());
        if let Err(error) = begun {
            // Nothing was changed yet.
            let _ = self.folder.remove(JOURNAL);
            return Err(io(error));
        }
        Ok(Journal {
            file,
            length: line.len() as u64,
            path,
            folder: self.folder,
            next: 0,
            _lock: self.lock,
        })
    }
}

impl Journal {
    /// Notes a change that is about to be made, and waits until that is on the
    /// disk. What is only kept in mind waits for the change that may take it
    /// along. Returns its number.
    pub fn announce(&mut self, change: &Change) -> io::Result<usize> {
        let n = self.next;
        self.next += 1;
        self.append(&Line::Change {
            n,
            change: change.clone(),
        })?;
        if !matches!(change, Change::Along { .. } | Change::Affinity { .. }) {
            self.file.sync_data()?;
        }
        Ok(n)
    }

    /// Notes what was read back. It need not reach the disk: values do not
    /// outlive the kernel.
    pub fn became(&mut self, n: usize, value: &str) -> io::Result<()> {
        self.append(&Line::Became {
            n,
            value: value.to_owned(),
        })
    }

    /// Notes that a change was put back, or never came about.
    pub fn void(&mut self, n: usize) -> io::Result<()> {
        self.append(&Line::Void { n })
    }

    /// Everything is back: removes the journal.
    pub fn close(self) -> io::Result<()> {
        self.folder.remove(JOURNAL)
    }

    pub fn next(&self) -> usize {
        self.next
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes());
        match written {
            Ok(()) => self.length += text.len() as u64,
            // On a full disk, half a line must not run into the next one.
            Err(_) => self.file.set_len(self.length)?,
        }
        written
    }
}
