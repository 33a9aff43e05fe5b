//! From a path to an open folder and a name in it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    self, AtFlags, CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, Stat,
};
use rustix::io::Errno;

/// Links that are followed on one path, as many as the kernel follows
/// (path_resolution(7)).
const MOST_LINKS: u32 = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read. An ordinary user gains nothing by following somebody else's
    /// link, and loses nothing.
    Read,
    /// To write: a link of another user's would choose what is overwritten.
    Write,
}

/// Why a path leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    #[error("{0}")]
    System(#[from] io::Error),
    #[error("the folder {0:?} does not exist")]
    Missing(PathBuf),
    #[error("{0:?} is not a folder")]
    NotAFolder(PathBuf),
    #[error("{0:?} is a symbolic link that another user made, and is not followed")]
    ForeignLink(PathBuf),
    /// A link of procfs, which leads wherever a process has something open.
    #[error("{0:?} is a link into an open file of a process, and is not followed")]
    MagicLink(PathBuf),
}

impl PathError {
    /// As an error of the system's, for callers that know no other.
    pub fn into_io(self) -> io::Error {
        let text = self.to_string();
        match self {
            PathError::System(error) => error,
            PathError::Missing(_) => io::Error::new(io::ErrorKind::NotFound, text),
            PathError::NotAFolder(_) => io::Error::new(io::ErrorKind::NotADirectory, text),
            PathError::ForeignLink(_) | PathError::MagicLink(_) => {
                io::Error::new(io::ErrorKind::PermissionDenied, text)
            }
        }
    }
}

impl From<Errno> for PathError {
    fn from(errno: Errno) -> PathError {
        PathError::System(errno.into())
    }
}

/// An open folder. Only its place is held: what is done in it takes the rights
/// that it takes.
#[derive(Debug)]
pub struct Folder(OwnedFd);

/// Where a path leads: a name in an open folder. Nothing need be there yet.
#[derive(Debug)]
pub struct Located {
    pub folder: Folder,
    /// The name, which is no link; `None` where the path is the folder's.
    pub name: Option<OsString>,
}

/// Follows a path to its last name. Links are followed as long as root or this
/// user made them, also the last one.
///
/// # Errors
/// Where a folder is missing, or a link is not to be trusted.
pub fn locate(path: &Path, purpose: Purpose) -> Result<Located, PathError> {
    let mut ahead: VecDeque<OsString> = parts(path);
    let mut here = start(path)?;
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        let is_last = ahead.is_empty();
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = match fs::openat(&here, &*part, flags, Mode::empty()) {
            Ok(found) => found,
            Err(Errno::NOENT) if is_last && part != ".." => return Ok(located(here, Some(part))),
            Err(Errno::NOENT) => return Err(PathError::Missing(up_to(path, &ahead))),
            Err(Errno::NOTDIR) => return Err(PathError::NotAFolder(up_to(path, &ahead))),
            Err(errno) => return Err(errno.into()),
        };
        let stat = fs::fstat(&found)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => here = found,
            FileType::Symlink => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::LOOP.into());
                }
                // The process's own links `self` and `thread-self` as well:
                // nothing that is written or read by path lies behind them.
                if fs::fstatfs(&found)?.f_type == PROC_SUPER_MAGIC {
                    return Err(PathError::MagicLink(up_to(path, &ahead)));
                }
                if !is_trusted(&stat, purpose) {
                    return Err(PathError::ForeignLink(up_to(path, &ahead)));
                }
                let target = fs::readlinkat(&found, "", Vec::new())?;
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                if target.is_absolute() {
                    here = start(&target)?;
                }
                for part in parts(&target).into_iter().rev() {
                    ahead.push_front(part);
                }
            }
            _ if is_last => return Ok(located(here, Some(part))),
            _ => return Err(PathError::NotAFolder(up_to(path, &ahead))),
        }
    }
    Ok(located(here, None))
}

/// A link that root or this user made. One with several names may have been
/// brought here by somebody else.
fn is_trusted(stat: &Stat, purpose: Purpose) -> bool {
    let own = nix::unistd::Uid::effective();
    let ordinary = purpose == Purpose::Read && !own.is_root();
    ordinary || ((stat.st_uid == 0 || stat.st_uid == own.as_raw()) && stat.st_nlink == 1)
}

fn located(folder: OwnedFd, name: Option<OsString>) -> Located {
    Located {
        folder: Folder(folder),
        name,
    }
}

fn start(path: &Path) -> Result<OwnedFd, PathError> {
    let place = if path.is_absolute() { "/" } else { "." };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(fs::openat(CWD, place, flags, Mode::empty())?)
}

/// The names of a path. One that ends with a slash is a folder's.
fn parts(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

/// The path without what was still to be walked, for messages.
fn up_to(path: &Path, ahead: &VecDeque<OsString>) -> PathBuf {
    let rest: PathBuf = ahead.iter().collect();
    let shown = match path.ends_with(&rest) {
        true => path.ancestors().nth(ahead.len()),
        false => None,
    };
    shown.unwrap_or(path).to_owned()
}

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// Where the path is not a folder's, or leads nowhere.
    pub fn open(path: &Path, purpose: Purpose) -> Result<Folder, PathError> {
        match locate(path, purpose)? {
            Located { folder, name: None } => Ok(folder),
            Located {
                folder,
                name: Some(name),
            } => match folder.look(&name)? {
                None => Err(PathError::Missing(path.to_owned())),
                Some(_) => Err(PathError::NotAFolder(path.to_owned())),
            },
        }
    }

    /// What has this name here; a link is not followed.
    pub fn look(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    pub fn stat(&self) -> io::Result<Stat> {
        Ok(fs::fstat(&self.0)?)
    }

    /// Opens a name of this folder. Never through a link, and never waiting for
    /// the other end of a pipe.
    ///
    /// # Errors
    /// ELOOP where it is a link; else what the system said.
    pub fn open_file(&self, name: &OsStr, flags: OFlags, mode: Mode) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        // openat2 takes a mode only for what is made.
        let mode = match flags.contains(OFlags::CREATE) {
            true => mode,
            false => Mode::empty(),
        };
        let resolve =
            ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::BENEATH;
        let opened = match fs::openat2(&self.0, name, flags, mode, resolve) {
            // Before 5.6, and where a filter of system calls knows it not. A
            // single name says the same.
            Err(Errno::NOSYS | Errno::PERM) => fs::openat(&self.0, name, flags, mode),
            opened => opened,
        };
        Ok(File::from(opened?))
    }

    /// Makes a file without a name, where the file system knows such.
    pub fn open_nameless(&self, mode: Mode) -> io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(&self.0, ".", flags, mode)?))
    }

    /// Gives a file another name here, in the place of what has it.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(fs::renameat(&self.0, from, &self.0, to)?)
    }

    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Makes a folder in this one. One that is there already is left alone.
    pub fn make_folder(&self, name: &OsStr, mode: Mode) -> io::Result<()> {
        match fs::mkdirat(&self.0, name, mode) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until the names of this folder are on the disk. Where it may be
    /// written and not read, they get there without that.
    pub fn sync(&self) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match fs::openat(&self.0, ".", flags, Mode::empty()) {
            Ok(folder) => Ok(fs::fsync(folder)?),
            Err(Errno::ACCESS) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    pub fn parent(&self) -> io::Result<Folder> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Folder(fs::openat(&self.0, "..", flags, Mode::empty())?))
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_of_this_user_lead_on_and_those_of_proc_do_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("real")).unwrap();
        symlink("real", folder.path().join("link")).unwrap();
        symlink("link/file", folder.path().join("far")).unwrap();
        let found = locate(&folder.path().join("far"), Purpose::Write).unwrap();
        assert_eq!(found.name.unwrap(), "file");
        let real = Folder::open(&folder.path().join("real"), Purpose::Write).unwrap();
        let (a, b) = (found.folder.stat().unwrap(), real.stat().unwrap());
        assert_eq!((a.st_dev, a.st_ino), (b.st_dev, b.st_ino));
        let magic = locate(Path::new("/proc/self/cwd/x"), Purpose::Write);
        assert!(matches!(magic, Err(PathError::MagicLink(_))), "{magic:?}");
    }

    #[test]
    fn circles_end_and_missing_folders_are_named() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        let circle = locate(&folder.path().join("a"), Purpose::Read);
        assert!(matches!(circle, Err(PathError::System(_))), "{circle:?}");
        let missing = folder.path().join("no/x");
        match locate(&missing, Purpose::Write) {
            Err(PathError::Missing(place)) => assert_eq!(place, folder.path().join("no")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_users_link_is_not_followed() {
        if !nix::unistd::Uid::effective().is_root() {
            println!("skipped: only root can make a link of another user's");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("/etc/hostname", &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
        for purpose in [Purpose::Read, Purpose::Write] {
            let found = locate(&link, purpose);
            assert!(matches!(found, Err(PathError::ForeignLink(_))), "{found:?}");
        }
    }
}
