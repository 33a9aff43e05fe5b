//! Reads of the files that describe a machine, below a root folder.
//!
//! Every reader of this crate goes through [`Root`], so that a recorded or
//! made-up tree (`fixtures/hosts`) can stand in for the running machine.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::text::clean;
use crate::units::cpulist::CpuList;

/// The largest file that is read whole, in bytes. The files wanted hold a few
/// kilobytes; a tree from elsewhere may hold anything.
const LARGEST_FILE: usize = 1 << 20;

/// The longest CPU list, in bytes. 8,192 CPUs, every second one listed alone,
/// take 20 KiB. A longer text of overlapping ranges would only cost time.
const LONGEST_CPU_LIST: usize = 32 << 10;

/// How much of a bad text an error shows, in characters.
const LONGEST_QUOTE: usize = 60;

/// How much of a path an error shows, in characters.
const LONGEST_PATH: usize = 256;

/// A fact about the machine, or why it is not known. Never a stand-in value.
pub type Known<T> = Result<T, ReadError>;

/// Why a fact about the machine is not known. Each variant names the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file or folder does not exist: the kernel lacks the feature, or the
    /// machine lacks the part.
    #[error("{path} does not exist")]
    Missing {
        /// The file, cleaned for display.
        path: String,
    },
    /// The file exists and this user may not read it.
    #[error("{path} may not be read by this user")]
    Denied {
        /// The file, cleaned for display.
        path: String,
    },
    /// A kernel that is locked down lets nobody open the file, so it was not
    /// tried.
    #[error("{path} may not be read: the kernel is locked down")]
    LockedDown {
        /// The file, cleaned for display.
        path: String,
    },
    /// The file was read and its content is not of the expected form.
    #[error("{path} holds '{found}', not {expected}")]
    Malformed {
        /// The file, cleaned for display.
        path: String,
        /// What should have stood there, as a noun phrase.
        expected: &'static str,
        /// What stood there, cleaned and cut for display.
        found: String,
    },
    #[error("{path} cannot be read: {cause}")]
    Other {
        /// The file, cleaned for display.
        path: String,
        /// The system's words for it.
        cause: String,
    },
}

impl ReadError {
    fn from_io(path: &Path, error: &io::Error) -> ReadError {
        let path = shown(path);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing { path },
            io::ErrorKind::PermissionDenied => ReadError::Denied { path },
            _ => ReadError::Other {
                path,
                cause: error.to_string(),
            },
        }
    }
}

fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy(), LONGEST_PATH)
}

/// The folder that is taken for `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(PathBuf);

/// As options name it.
impl From<OsString> for Root {
    fn from(folder: OsString) -> Root {
        Root::at(folder)
    }
}

impl Root {
    /// The running machine.
    pub fn live() -> Root {
        Root::at("/")
    }

    /// Whether this is the running machine.
    pub fn is_live(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// A tree elsewhere, such as one of `fixtures/hosts`.
    pub fn at(folder: impl Into<PathBuf>) -> Root {
        Root(folder.into())
    }

    /// The full path of a file that is named relative to the root. A leading
    /// slash is dropped, as `Path::join` would else leave the root.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.0.join(relative.trim_start_matches('/'))
    }

    /// The text of a file without one trailing newline. Bytes that are not
    /// UTF-8 become U+FFFD. The text is not yet cleaned for display.
    ///
    /// # Errors
    /// `Malformed` for a file above 1 MiB, else what the system said.
    pub fn read_text(&self, relative: &str) -> Known<String> {
        let bytes = self.read_bytes(relative, |bytes| bytes.len() > LARGEST_FILE)?;
        if bytes.len() > LARGEST_FILE {
            return Err(self.malformed(relative, "a file of at most 1 MiB", "more than that"));
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if text.ends_with('\n') {
            text.pop();
        }
        Ok(text)
    }

    /// The text of a log device, from its first record to the latest: unlike a
    /// file, it has no end, and each read gives one record
    /// (Documentation/ABI/testing/dev-kmsg). At most 16 MiB are read.
    ///
    /// # Errors
    /// What the system said when it was opened; a failed read is the end.
    pub fn read_log(&self, relative: &str) -> Known<String> {
        const LARGEST: usize = 16 << 20;
        let mut log = self.open(relative)?;
        let mut bytes = Vec::new();
        let mut record = vec![0; 16 << 10];
        while bytes.len() < LARGEST {
            match log.read(&mut record) {
                Ok(0) => break,
                Ok(length) => bytes.extend_from_slice(&record[..length]),
                // Records were overwritten meanwhile; the next read goes on.
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
                Err(_) => break,
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The start of a file, up to and without the first empty line, or up to
    /// 64 KiB. `/proc/cpuinfo` holds several megabytes on a big machine, of
    /// which the first processor is enough.
    pub fn read_first_paragraph(&self, relative: &str) -> Known<String> {
        const LARGEST: usize = 64 << 10;
        let ends = |bytes: &[u8]| bytes.windows(2).any(|two| two == b"\n\n");
        let bytes = self.read_bytes(relative, |bytes| bytes.len() > LARGEST || ends(bytes))?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.split("\n\n").next().unwrap_or_default().to_owned())
    }

    /// A line of text, cleaned for display and cut at `longest` characters.
    ///
    /// # Errors
    /// `Malformed` for a blank file: firmware leaves fields blank, and blank
    /// is not a value.
    pub fn read_label(&self, relative: &str, longest: usize) -> Known<String> {
        let label = clean(&self.read_text(relative)?, longest);
        if label.is_empty() {
            return Err(self.malformed(relative, "a text", ""));
        }
        Ok(label)
    }

    /// A decimal number with white space around it.
    ///
    /// # Errors
    /// `Malformed` for anything else, and for a number that `N` cannot hold.
    pub fn read_number<N: FromStr>(&self, relative: &str) -> Known<N> {
        let text = self.read_text(relative)?;
        text.trim()
            .parse()
            .map_err(|_| self.malformed(relative, "a number in range", &text))
    }

    /// A CPU list such as `0-3,8`. Blank is the empty list, and so is
    /// `(null)`, which some kernels print for a mask that was never made.
    ///
    /// # Errors
    /// `Malformed` for anything else.
    pub fn read_cpu_list(&self, relative: &str) -> Known<CpuList> {
        let text = self.read_text(relative)?;
        self.parse_cpu_list(relative, &text)
    }

    /// The names in a folder, sorted. Names that are not UTF-8 are left out:
    /// the kernel makes none.
    pub fn list_dir(&self, relative: &str) -> Known<Vec<String>> {
        let path = self.path(relative);
        let entries = fs::read_dir(&path).map_err(|error| ReadError::from_io(&path, &error))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The full path of something that exists, for a caller who opens it.
    ///
    /// # Errors
    /// `Missing`, or what the system said. Whether it may be opened is not
    /// looked at.
    pub fn existing(&self, relative: &str) -> Known<PathBuf> {
        let path = self.path(relative);
        match fs::metadata(&path) {
            Ok(_) => Ok(path),
            Err(error) => Err(ReadError::from_io(&path, &error)),
        }
    }

    /// The CPU list that `text` of the file `relative` is.
    pub(super) fn parse_cpu_list(&self, relative: &str, text: &str) -> Known<CpuList> {
        let wrong = || self.malformed(relative, "a CPU list", text);
        match text.trim() {
            "(null)" => Ok(CpuList::default()),
            long if long.len() > LONGEST_CPU_LIST => Err(wrong()),
            list => list.parse().map_err(|_| wrong()),
        }
    }

    /// The error for a file whose content is not what it should be.
    pub(crate) fn malformed(
        &self,
        relative: &str,
        expected: &'static str,
        found: &str,
    ) -> ReadError {
        ReadError::Malformed {
            path: shown(&self.path(relative)),
            expected,
            found: clean(found, LONGEST_QUOTE),
        }
    }

    /// Reads until the end of the file or until `enough` says so.
    fn read_bytes(&self, relative: &str, enough: impl Fn(&[u8]) -> bool) -> Known<Vec<u8>> {
        let path = self.path(relative);
        let mut file = self.open(relative)?;
        let mut read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            loop {
                let got = file.by_ref().take(16 << 10).read_to_end(&mut bytes)?;
                if got == 0 || enough(&bytes) {
                    return Ok(bytes);
                }
            }
        };
        read().map_err(|error| ReadError::from_io(&path, &error))
    }

    fn open(&self, relative: &str) -> Known<File> {
        let path = self.path(relative);
        // A FIFO in a made-up tree must not block the program.
        OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path)
            .map_err(|error| ReadError::from_io(&path, &error))
    }
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
