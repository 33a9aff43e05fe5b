//! Folders of hwgap's own state: the journal of changed settings, the latest
//! self-test. What stands there is acted upon, so that nobody else may have
//! written it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat};

use super::folder::{Folder, PathError, Purpose};
use super::random_name;

/// Where state lies by default: under /var/lib for root, else under the user's
/// state folder (XDG Base Directory Specification). `None` where a user has no
/// home.
pub fn default_folder() -> Option<PathBuf> {
    if nix::unistd::Uid::effective().is_root() {
        return Some(PathBuf::from("/var/lib/hwgap"));
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/state")))?;
    Some(state.join("hwgap"))
}

/// Mode bits that let others write.
const OTHERS_WRITE: u32 = 0o022;

/// Why a folder or a file is none to rely on.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("{0}")]
    Path(#[from] PathError),
    /// Somebody else could have written it.
    #[error("{0:?} is another user's, or others may write to it; chown it, or chmod go-w it")]
    NotOurs(PathBuf),
    /// It is longer than anything that hwgap writes there.
    #[error("{0:?} is too large")]
    TooLarge(PathBuf),
    #[error("{0}")]
    System(#[from] io::Error),
}

impl StateError {
    pub fn is_missing(&self) -> bool {
        match self {
            StateError::Path(PathError::Missing(_)) => true,
            StateError::Path(PathError::System(error)) | StateError::System(error) => {
                error.kind() == io::ErrorKind::NotFound
            }
            _ => false,
        }
    }
}

/// A folder that is this user's, and that no other user can write to.
#[derive(Debug)]
pub struct StateFolder {
    folder: Folder,
    path: PathBuf,
}

impl StateFolder {
    /// Opens a folder that is there.
    ///
    /// # Errors
    /// Where it is not, or others may write to it.
    pub fn open(path: &Path) -> Result<StateFolder, StateError> {
        let folder = Folder::open(path, Purpose::Write)?;
        if !is_ours(&folder.stat()?) {
            return Err(StateError::NotOurs(path.to_owned()));
        }
        Ok(StateFolder {
            folder,
            path: path.to_owned(),
        })
    }

    /// Opens a folder, and makes it and those above it where they are missing:
    /// closed to all others, whatever the umask.
    ///
    /// # Errors
    /// Where it cannot be made, or others may write to it.
    pub fn make(path: &Path) -> Result<StateFolder, StateError> {
        match StateFolder::open(path) {
            Err(error) if error.is_missing() => {}
            opened => return opened,
        }
        make_below(path)?;
        StateFolder::open(path)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file of this folder, which must be a regular file of this user's
    /// with one name, closed to the pens of others.
    ///
    /// # Errors
    /// `NotOurs`, or what the system said.
    pub fn file(&self, name: &str, flags: OFlags) -> Result<File, StateError> {
        let mode = Mode::RUSR | Mode::WUSR;
        let not_ours = || StateError::NotOurs(self.path.join(name));
        let file = match self.folder.open_file(OsStr::new(name), flags, mode) {
            // A link.
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Err(not_ours()),
            opened => opened?,
        };
        let stat = fstat(&file).map_err(io::Error::from)?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        match is_file && is_ours(&stat) && stat.st_nlink == 1 {
            true => Ok(file),
            false => Err(not_ours()),
        }
    }

    /// What stands in a file of this folder, read from the file that was
    /// checked.
    ///
    /// # Errors
    /// As [`StateFolder::file`]; `TooLarge`.
    pub fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, StateError> {
        let file = self.file(name, OFlags::RDONLY)?;
        contents(&file, most, &self.path.join(name))
    }

    /// Puts a file in the place of one of this name, whole or not at all, and
    /// also after a power cut.
    pub fn replace(&self, name: &str, text: &[u8]) -> Result<(), StateError> {
        let temporary = random_name(".hwgap-");
        let (temporary, target) = (OsStr::new(&temporary), OsStr::new(name));
        let mut file = self.create(temporary)?;
        let done = file
            .write_all(text)
            .and_then(|()| file.sync_all())
            .and_then(|()| self.folder.rename(temporary, target))
            .and_then(|()| self.folder.sync());
        if done.is_err() {
            // Nothing more can be done about a file that resists.
            let _ = self.folder.remove(temporary);
        }
        Ok(done?)
    }

    pub fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        self.folder.open_file(name, flags, Mode::RUSR | Mode::WUSR)
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(OsStr::new(name))
    }

    /// Waits until the names of this folder are on the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.folder.sync()
    }
}

/// The text of an open file of at most `most` bytes.
///
/// # Errors
/// `TooLarge`, or what the system said.
pub fn contents(mut file: &File, most: u64, path: &Path) -> Result<Vec<u8>, StateError> {
    let mut text = Vec::new();
    (&mut file).take(most + 1).read_to_end(&mut text)?;
    match text.len() as u64 > most {
        true => Err(StateError::TooLarge(path.to_owned())),
        false => Ok(text),
    }
}

fn is_ours(stat: &Stat) -> bool {
    stat.st_uid == nix::unistd::Uid::effective().as_raw() && stat.st_mode & OTHERS_WRITE == 0
}

fn make_below(path: &Path) -> Result<(), StateError> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(PathError::Missing(path.to_owned()).into());
    };
    let above = match above.as_os_str().is_empty() {
        true => Path::new("."),
        false => above,
    };
    let folder = match Folder::open(above, Purpose::Write) {
        Err(PathError::Missing(_)) => {
            make_below(above)?;
            Folder::open(above, Purpose::Write)?
        }
        opened => opened?,
    };
    Ok(folder.make_folder(name, Mode::RWXU)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let state = StateFolder::make(&path).unwrap();
        state.replace("x", b"one").unwrap();
        assert_eq!(state.read("x", 3).unwrap(), b"one");
        assert!(matches!(state.read("x", 2), Err(StateError::TooLarge(_))));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        chmod(&path, 0o777);
        let opened = StateFolder::open(&path);
        assert!(matches!(opened, Err(StateError::NotOurs(_))), "{opened:?}");
    }

    #[test]
    fn links_pipes_and_second_names_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        chmod(folder.path(), 0o700);
        let state = StateFolder::open(folder.path()).unwrap();
        state.replace("real", b"text").unwrap();
        symlink("real", folder.path().join("link")).unwrap();
        std::fs::hard_link(folder.path().join("real"), folder.path().join("second")).unwrap();
        let mode = nix::sys::stat::Mode::from_bits_truncate(0o600);
        nix::unistd::mkfifo(&folder.path().join("pipe"), mode).unwrap();
        for name in ["link", "second", "real", "pipe"] {
            let read = state.read(name, 99);
            assert!(
                matches!(read, Err(StateError::NotOurs(_))),
                "{name}: {read:?}"
            );
        }
        let missing = state.read("none", 99).unwrap_err();
        assert!(missing.is_missing(), "{missing}");
    }
}
