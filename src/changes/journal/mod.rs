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

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::Flock;

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
    /// Its number in the journal.
    pub n: usize,
    /// What was changed.
    pub change: Change,
    /// What was read back, where it differs from what was written.
    pub became: Option<String>,
}

/// What a dead run has left.
#[derive(Debug)]
pub struct Left {
    /// Whose it is.
    pub header: Header,
    /// What is not yet put back, oldest first.
    pub standing: Vec<Standing>,
    /// Lines that could not be read. What they said cannot be put back.
    pub unreadable: usize,
    /// The journal, to go on with.
    pub journal: Journal,
}

/// What lies in the folder of a journal.
#[derive(Debug)]
pub enum Found {
    /// A dead run has left changes.
    Left(Box<Left>),
    /// Nothing.
    Nothing(Locked),
}

/// The journal, locked by this process.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Length of all whole lines, in bytes.
    length: u64,
    path: PathBuf,
    next: usize,
    _lock: Flock<File>,
}

/// Where journals lie by default: with the rest of hwgap's state. `None` where
/// a user has no home.
pub fn default_folder() -> Option<PathBuf> {
    let state = crate::selftest::store::default_path()?;
    state.parent().map(Path::to_owned)
}

/// Whether a file can be a journal of this user's that nobody else has written.
fn check(metadata: &Metadata, shown: &str) -> Result<(), JournalError> {
    let own = nix::unistd::Uid::effective().as_raw();
    let is_ours = metadata.uid() == own && metadata.mode() & 0o022 == 0;
    if !metadata.is_file() || !is_ours {
        return Err(JournalError::NotOurs(shown.to_owned()));
    }
    if metadata.len() > LARGEST {
        return Err(JournalError::Damaged {
            path: shown.to_owned(),
            cause: String::from("it is too large"),
        });
    }
    Ok(())
}

impl Locked {
    fn journal(&self) -> PathBuf {
        self.folder.join(JOURNAL)
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
        let opened = OpenOptions::new()
            .read(true)
            .append(true)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Found::Nothing(self));
            }
            opened => opened.map_err(io)?,
        };
        let metadata = file.metadata().map_err(io)?;
        check(&metadata, &shown)?;
        let text = fs::read(&path).map_err(io)?;
        let content = match read(&String::from_utf8_lossy(&text)) {
            Ok(Some(content)) => content,
            // The run died before its header was on the disk: no change.
            Ok(None) => {
                fs::remove_file(&path).map_err(io)?;
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
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        let mut line = serde_json::to_string(header).map_err(|error| io(error.into()))?;
        line.push('\n');
        let begun = file
            .write_all(line.as_bytes())
            .and_then(|()| file.sync_all())
            // The name as well has to be on the disk.
            .and_then(|()| File::open(&self.folder)?.sync_all());
        if let Err(error) = begun {
            // Nothing was changed yet.
            let _ = fs::remove_file(&path);
            return Err(io(error));
        }
        Ok(Journal {
            file,
            length: line.len() as u64,
            path,
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
        fs::remove_file(&self.path)
    }

    /// The number that the next change gets.
    pub fn next(&self) -> usize {
        self.next
    }

    /// The file.
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
