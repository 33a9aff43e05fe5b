//! Output files that are refused before a run, and whole after it.
//!
//! A run of a day must not end at a folder that was never writable. So the
//! file is opened first, written without a name (O_TMPFILE) or under another
//! one beside its target, and takes its place by a rename: a reader sees the old
//! file or the new one, also after a power cut. A process that is killed leaves
//! no file without a name behind.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;

use super::output_error::{OutputError, Reason};
use super::packed::Packing;

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
        /// `None` while it has no name.
        temporary: Option<Temporary>,
        target: PathBuf,
    },
    /// A pipe, a terminal, a device: nothing to rename.
    Direct(File),
    /// Standard output, shared with the rest of the program.
    Stdout,
}

/// The name of a temporary file, which it removes when it is dropped.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a commit the name is gone already; else there is nothing that
        // could still be done about a failure.
        let _ = fs::remove_file(&self.0);
    }
}

impl PendingFile {
    /// Opens the output, or says why it cannot be and what to do. `-` is
    /// standard output. A FIFO is waited for until somebody reads it.
    pub fn create(path: impl AsRef<Path>) -> Result<PendingFile, OutputError> {
        let path = path.as_ref();
        if promised(path) == Some(Packing::Zstd) {
            return Err(OutputError::new(path, Reason::NoPacker));
        }
        match open(path) {
            Ok(kind) => Ok(PendingFile {
                name: path.to_owned(),
                kind,
            }),
            Err(reason) => Err(OutputError::new(path, reason)),
        }
    }

    /// Writes the content and commits it. `fill` buffers by itself, as the
    /// formats of this module do.
    pub fn save(
        mut self,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        let filled = match self.promised() {
            Some(Packing::Gzip) => {
                let mut packer = GzEncoder::new(&mut self, Compression::default());
                fill(&mut packer).and_then(|()| packer.finish().map(drop))
            }
            _ => fill(&mut self),
        };
        match filled {
            Ok(()) => self.commit(),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The packing that the file's name promises.
    fn promised(&self) -> Option<Packing> {
        match self.kind {
            Kind::Renamed { .. } => promised(&self.name),
            Kind::Direct(_) | Kind::Stdout => None,
        }
    }

    /// Makes the content durable and puts it in the target's place. Without it
    /// an existing target stays as it was.
    pub fn commit(mut self) -> Result<(), OutputError> {
        let done = match &mut self.kind {
            Kind::Stdout => io::stdout().flush(),
            Kind::Direct(file) => file.flush(),
            Kind::Renamed {
                file,
                temporary,
                target,
            } => replace(file, temporary, target),
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
            Kind::Renamed { file, .. } | Kind::Direct(file) => file.write(bytes),
            Kind::Stdout => io::stdout().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Renamed { file, .. } | Kind::Direct(file) => file.flush(),
            Kind::Stdout => io::stdout().flush(),
        }
    }
}

/// The packing that a name promises by its ending.
fn promised(path: &Path) -> Option<Packing> {
    let ending = path.extension()?.to_ascii_lowercase();
    match ending.to_str()? {
        "gz" => Some(Packing::Gzip),
        "zst" => Some(Packing::Zstd),
        _ => None,
    }
}

/// Content first, then the name, then the folder that holds the name: after a
/// power cut the target is the old file or the whole new one (rename(2),
/// fsync(2)).
fn replace(file: &File, temporary: &mut Option<Temporary>, target: &Path) -> io::Result<()> {
    file.sync_all()?;
    let named = match temporary.take() {
        Some(named) => named,
        None => linked_beside(target, file)?,
    };
    fs::rename(&named.0, target)?;
    File::open(folder_of(target))?.sync_all()
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
        return Ok(Kind::Stdout);
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(Reason::IsFolder),
        // A slip of root's hand must not overwrite a disk.
        Ok(found) if found.file_type().is_block_device() => Err(Reason::IsDisk),
        Ok(found) if is_special(path, &found) => direct(path),
        Ok(found) => replacing(path, &found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => new(path),
        Err(error) => Err(Reason::of_open(path, error)),
    }
}

/// Devices and pipes; and this process's descriptors, of which a rename would
/// replace the file behind the shell's redirection.
fn is_special(path: &Path, found: &Metadata) -> bool {
    let descriptor = ["/dev/stderr", "/dev/fd", "/proc/self/fd"]
        .iter()
        .any(|prefix| path.starts_with(prefix));
    let kind = found.file_type();
    descriptor || kind.is_char_device() || kind.is_fifo() || kind.is_socket()
}

fn direct(path: &Path) -> Result<Kind, Reason> {
    // Appending, because a regular file behind a descriptor may hold output.
    let file = OpenOptions::new().append(true).open(path);
    file.map(Kind::Direct)
        .map_err(|error| Reason::of_open(path, error))
}

fn replacing(path: &Path, found: &Metadata) -> Result<Kind, Reason> {
    // A rename asks only for the folder; a file made read-only means to stay.
    OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(|error| Reason::of_open(path, error))?;
    // The file behind a symbolic link is replaced, not the link.
    let target = fs::canonicalize(path).map_err(|error| Reason::of_open(path, error))?;
    let (file, temporary) = temporary_beside(&target)?;
    // Only root may give a file away; for others the new one is theirs.
    let _ = std::os::unix::fs::fchown(&file, Some(found.uid()), Some(found.gid()));
    let mode = fs::Permissions::from_mode(found.mode() & 0o777);
    file.set_permissions(mode).map_err(Reason::of_write)?;
    Ok(Kind::Renamed {
        file,
        temporary,
        target,
    })
}

fn new(path: &Path) -> Result<Kind, Reason> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.file_name().is_none() {
        return Err(Reason::FolderMissing(path.to_owned()));
    }
    if path.symlink_metadata().is_ok() {
        return Err(Reason::DanglingLink);
    }
    let folder = folder_of(path);
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => (),
        Ok(_) => return Err(Reason::NotAFolder(folder.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Reason::FolderMissing(folder.to_owned()));
        }
        Err(error) => return Err(Reason::of_open(folder, error)),
    }
    let (file, temporary) = temporary_beside(path)?;
    Ok(Kind::Renamed {
        file,
        temporary,
        target: path.to_owned(),
    })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new file on the target's file system, as a rename does not cross those:
/// without a name where the file system and /proc allow it.
fn temporary_beside(target: &Path) -> Result<(File, Option<Temporary>), Reason> {
    let folder = folder_of(target);
    let nameless = OpenOptions::new()
        .write(true)
        .mode(0o666)
        .custom_flags(libc::O_TMPFILE)
        .open(folder);
    if let Ok(file) = nameless
        && descriptor(&file).exists()
    {
        return Ok((file, None));
    }
    loop {
        let path = temporary_name(folder);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, Some(Temporary(path)))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            Err(error) => return Err(Reason::of_open(folder, error)),
        }
    }
}

/// Gives a nameless file a name beside the target (open(2), O_TMPFILE).
fn linked_beside(target: &Path, file: &File) -> io::Result<Temporary> {
    loop {
        let path = temporary_name(folder_of(target));
        let linked = linkat(
            AT_FDCWD,
            &descriptor(file),
            AT_FDCWD,
            &path,
            AtFlags::AT_SYMLINK_FOLLOW,
        );
        match linked {
            Ok(()) => return Ok(Temporary(path)),
            Err(Errno::EEXIST) => (),
            Err(error) => return Err(error.into()),
        }
    }
}

fn descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// The name does not hold the target's, which may be as long as names can be.
/// Process and count keep two runs apart; processes of other namespaces on the
/// same folder are told by a name that exists.
fn temporary_name(folder: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!(".hwgap-{}-{count}.tmp", std::process::id()))
}
