//! Output files that are refused before a run, and whole after it.
//!
//! A run of a day must not end at a folder that was never writable. So the
//! file is opened first, written without a name (O_TMPFILE) or under a random
//! one beside its target, and takes its place by a rename in the folder that
//! was opened: a reader sees the old file or the new one, also after a power
//! cut, and whoever swaps the target for a link meanwhile loses the link. A
//! process that is killed leaves no file without a name behind.
//!
//! The new file is this user's. Of the one before it keeps the mode and the
//! group, where that was this user's too; another user's is no pattern.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::Uid;
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, fchmod, fchown, fstat, linkat, openat,
};
use rustix::io::Errno;

use crate::files::output_error::{OutputError, Reason};
use crate::files::packing::{Packer, Packing};
use crate::files::patient::{Patient, tell};
use crate::files::read::is_descriptor;
use crate::files::{Folder, Located, Purpose, locate, random_name};
use crate::sys::{descriptor, signals};
use crate::waits;

/// Mode of a new file; the umask takes from it.
const NEW: Mode = Mode::from_raw_mode(0o666);

/// An output file that is open and waits for its content.
#[derive(Debug)]
pub struct PendingFile {
    name: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Written beside the target and renamed.
    Renamed {
        file: File,
        folder: Folder,
        /// `None` while it has no name.
        temporary: Option<OsString>,
        target: OsString,
    },
    /// A pipe, a terminal, a device: nothing to rename.
    Direct(Patient),
    /// Standard output, shared with the rest of the program, and how long its
    /// reader is waited for: `None` for as long as it likes.
    Stdout(Option<Duration>),
}

impl PendingFile {
    /// Opens the output, or says why it cannot be and what to do. `-` is
    /// standard output. A FIFO is waited for until somebody reads it, no
    /// longer than [`waits::PIPE_READER`].
    pub fn create(path: impl AsRef<Path>) -> Result<PendingFile, OutputError> {
        let path = path.as_ref();
        match open(path) {
            Ok(kind) => Ok(PendingFile {
                name: path.to_owned(),
                kind,
            }),
            Err(reason) => Err(OutputError::new(path, reason)),
        }
    }

    /// Waits no longer than this for room on standard output: for whoever holds
    /// more than a report.
    pub fn patient(mut self, patience: Duration) -> PendingFile {
        if let Kind::Stdout(most) = &mut self.kind {
            *most = Some(patience);
        }
        self
    }

    /// Writes the content and commits it. `fill` buffers by itself, as the
    /// formats of this module do.
    pub fn save(
        mut self,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        let mut packer = Packer::new(self.promised(), &mut self);
        let filled = fill(&mut packer).and_then(|()| packer.finish().map(drop));
        match filled {
            Ok(()) => self.commit(),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The packing that the file's name promises.
    fn promised(&self) -> Option<Packing> {
        match self.kind {
            Kind::Renamed { .. } => Packing::promised(&self.name),
            Kind::Direct(_) | Kind::Stdout(_) => None,
        }
    }

    /// Makes the content durable and puts it in the target's place. Without it
    /// an existing target stays as it was.
    pub fn commit(mut self) -> Result<(), OutputError> {
        let done = match &mut self.kind {
            Kind::Stdout(_) => io::stdout().flush(),
            Kind::Direct(file) => file.flush(),
            Kind::Renamed {
                file,
                folder,
                temporary,
                target,
            } => replace(file, folder, temporary, target),
        };
        done.map_err(|error| self.failed(error))
    }

    /// Whether saving replaces a file, so that it can be done again and again:
    /// what was written to a pipe stays written.
    pub fn is_replaced(&self) -> bool {
        matches!(self.kind, Kind::Renamed { .. })
    }

    fn failed(&self, error: io::Error) -> OutputError {
        OutputError::new(&self.name, Reason::of_write(error))
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Renamed { file, .. } => file.write(bytes),
            Kind::Direct(file) => file.write(bytes),
            Kind::Stdout(None) => io::stdout().write(bytes),
            Kind::Stdout(Some(patience)) => Patient::stdout(*patience)?.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Renamed { file, .. } => file.flush(),
            Kind::Direct(file) => file.flush(),
            Kind::Stdout(_) => io::stdout().flush(),
        }
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if let Kind::Renamed {
            folder,
            temporary: Some(name),
            ..
        } = &self.kind
        {
            // Nothing could still be done about a failure.
            let _ = folder.remove(name);
        }
    }
}

/// Content first, then the name, then the folder that holds the name: after a
/// power cut the target is the old file or the whole new one (rename(2),
/// fsync(2)).
fn replace(
    file: &File,
    folder: &Folder,
    temporary: &mut Option<OsString>,
    target: &OsStr,
) -> io::Result<()> {
    file.sync_all()?;
    let named = match temporary {
        Some(named) => named,
        None => temporary.insert(linked(folder, file)?),
    };
    folder.rename(named, target)?;
    *temporary = None;
    folder.sync()
}

fn open(path: &Path) -> Result<Kind, Reason> {
    let text = path.as_os_str().as_encoded_bytes();
    if text.is_empty() {
        return Err(Reason::NoName);
    }
    if matches!(
        text,
        b"-" | b"/dev/stdout" | b"/dev/fd/1" | b"/proc/self/fd/1"
    ) {
        return Ok(Kind::Stdout(None));
    }
    if is_descriptor(path) {
        let file = open_descriptor(path).map_err(|error| Reason::of_open(path, error))?;
        return Ok(Kind::Direct(Patient::new(file, waits::PIPE_ROOM)));
    }
    let Located { folder, name } =
        locate(path, Purpose::Write).map_err(|error| Reason::of_path(path, error))?;
    let Some(name) = name else {
        return Err(Reason::IsFolder);
    };
    if text.ends_with(b"/") {
        return Err(Reason::FolderMissing(path.to_owned()));
    }
    let found = folder
        .look(&name)
        .map_err(|error| Reason::of_open(path, error))?;
    match found.map(|found| (FileType::from_raw_mode(found.st_mode), found)) {
        None if is_dangling(path) => Err(Reason::DanglingLink),
        None => renamed(folder, name, None, path),
        // A slip of root's hand must not overwrite a disk.
        Some((FileType::BlockDevice, _)) => Err(Reason::IsDisk),
        Some((FileType::RegularFile, found)) => renamed(folder, name, Some(&found), path),
        Some((FileType::Fifo | FileType::CharacterDevice, _)) => {
            let file = open_pipe(&folder, &name, path)?;
            Ok(Kind::Direct(Patient::new(file, waits::PIPE_ROOM)))
        }
        Some(_) => Err(Reason::NoFile),
    }
}

/// A link to nothing was followed to a name that is not there.
fn is_dangling(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Opens one of this process's descriptors, of which a rename would replace the
/// file behind the shell's redirection. Appending, as that file may hold output;
/// anew, as whether it waits is shared with others. A socket, or another user's
/// pipe, cannot be opened anew.
pub(crate) fn open_descriptor(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    match (openat(CWD, path, flags, Mode::empty()), name.parse()) {
        (Err(Errno::NXIO | Errno::ACCESS), Ok(number)) => Ok(descriptor::copy(number)?.into()),
        (opened, _) => Ok(opened?.into()),
    }
}

/// Opens a pipe or a device to write to, once somebody reads it. Signals end
/// the wait, whether they are blocked or not.
pub(crate) fn open_pipe(folder: &Folder, name: &OsStr, path: &Path) -> Result<File, Reason> {
    let patience = waits::Patience::begin(waits::PIPE_READER);
    let mut told = false;
    loop {
        let flags = OFlags::WRONLY | OFlags::APPEND;
        match folder.open_file(name, flags, Mode::empty()) {
            // Nobody reads (fifo(7)).
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {}
            opened => return opened.map_err(|error| Reason::of_open(path, error)),
        }
        if patience.is_over() || signals::is_end_asked() {
            return Err(Reason::NoReader(patience.elapsed().as_secs()));
        }
        if !told && patience.elapsed() >= waits::SILENCE {
            tell(&format!(
                "hwgap: waiting for somebody to read the pipe {path:?}\n"
            ));
            told = true;
        }
        std::thread::sleep(waits::TICK);
    }
}

fn renamed(
    folder: Folder,
    target: OsString,
    before: Option<&Stat>,
    path: &Path,
) -> Result<Kind, Reason> {
    if before.is_some() {
        // A rename asks only for the folder; a file made read-only means to
        // stay.
        (folder.open_file(&target, OFlags::WRONLY, Mode::empty()))
            .map_err(|error| Reason::of_open(path, error))?;
    }
    let (file, temporary) = beside(&folder, path)?;
    let kind = Kind::Renamed {
        file,
        folder,
        temporary,
        target,
    };
    if let (Some(before), Kind::Renamed { file, .. }) = (before, &kind) {
        adopt(file, before).map_err(Reason::of_write)?;
    }
    Ok(kind)
}

/// The mode and the group of the file before, where that is this user's own:
/// somebody else's would open the new one to whomever he likes.
pub(crate) fn adopt(file: &File, before: &Stat) -> io::Result<()> {
    let is_file = FileType::from_raw_mode(before.st_mode) == FileType::RegularFile;
    if !is_file || before.st_uid != Uid::effective().as_raw() {
        return Ok(());
    }
    let mut mode = before.st_mode & 0o777;
    let now = fstat(file)?;
    let group = Some(Gid::from_raw(before.st_gid));
    if now.st_gid != before.st_gid && fchown(file, None, group).is_err() {
        // What the one group may do is not for the other.
        mode &= !0o070;
    }
    Ok(fchmod(file, Mode::from_raw_mode(mode))?)
}

/// A new file on the target's file system, as a rename does not cross those:
/// without a name where the file system and /proc allow it.
fn beside(folder: &Folder, path: &Path) -> Result<(File, Option<OsString>), Reason> {
    if let Ok(file) = folder.open_nameless(NEW)
        && by_descriptor(&file).exists()
    {
        return Ok((file, None));
    }
    loop {
        let name = OsString::from(random_name(".hwgap-"));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        match folder.open_file(&name, flags, NEW) {
            Ok(file) => return Ok((file, Some(name))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            Err(error) => return Err(Reason::of_open(folder_of(path), error)),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Gives a nameless file a name beside the target (open(2), O_TMPFILE).
fn linked(folder: &Folder, file: &File) -> io::Result<OsString> {
    loop {
        let name = OsString::from(random_name(".hwgap-"));
        let from = by_descriptor(file);
        match linkat(CWD, &from, folder, &*name, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => return Ok(name),
            Err(Errno::EXIST) => (),
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn by_descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
