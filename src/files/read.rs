//! Inputs: files that anybody may have made.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use nix::poll::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fcntl_setfl, fstatfs, openat, openat2};
use rustix::io::Errno;

use super::folder::{Located, PathError, Purpose, locate};
use super::patient::tell;
use crate::waits;

/// File systems whose files are made as they are read, and may have no end or
/// make a reader wait (include/uapi/linux/magic.h): proc, sysfs, debugfs,
/// tracefs, cgroup of both versions, bpf.
const KERNELS: [i64; 7] = [
    0x9fa0,
    0x6265_6572,
    0x6462_6720,
    0x7472_6163,
    0x0027_e0eb,
    0x6367_7270,
    0xcafe_4a11,
];

/// Opens an input: a regular file, or a pipe that somebody writes to.
///
/// # Errors
/// Where it is something else; where nobody writes to a pipe for
/// [`waits::PIPE_WRITER`].
pub fn open(path: &Path) -> io::Result<File> {
    let file = opened(path)?;
    let found = file.metadata()?;
    let kind = found.file_type();
    if kind.is_fifo() {
        await_writer(&file, path)?;
    } else if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    } else if !kind.is_file() && !is_null(found.rdev(), kind.is_char_device()) {
        return Err(refused("is a device or a socket; name a file"));
    } else if kind.is_file() && KERNELS.contains(&fstatfs(&file)?.f_type) {
        return Err(refused(
            "is a file of the kernel's; copy it, and name the copy",
        ));
    }
    Ok(file)
}

/// The text of a file of at most `most` bytes.
///
/// # Errors
/// As [`open`]; `InvalidData` where it is longer or no UTF-8.
pub fn text(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.take(most + 1).read_to_string(&mut text)?;
    match text.len() as u64 > most {
        true => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it is larger than {most} bytes"),
        )),
        false => Ok(text),
    }
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("it {why}"))
}

/// /dev/null (Documentation/admin-guide/devices.txt).
fn is_null(device: u64, is_char_device: bool) -> bool {
    let null = rustix::fs::makedev(1, 3);
    is_char_device && device == null
}

fn opened(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    // Descriptors that this process was given.
    if is_descriptor(path) {
        return Ok(openat(CWD, path, flags, Mode::empty())?.into());
    }
    // Most paths have no link in them.
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(file) => return Ok(file.into()),
        Err(Errno::LOOP | Errno::NOSYS | Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    let Located { folder, name } = locate(path, Purpose::Read).map_err(PathError::into_io)?;
    match name {
        Some(name) => folder.open_file(&name, OFlags::RDONLY, Mode::empty()),
        None => Err(io::ErrorKind::IsADirectory.into()),
    }
}

pub(crate) fn is_descriptor(path: &Path) -> bool {
    let standard = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];
    let folder = path.parent();
    standard.iter().any(|one| path == Path::new(one))
        || ["/dev/fd", "/proc/self/fd"]
            .iter()
            .any(|one| folder == Some(Path::new(one)))
}

/// A pipe without a writer is at its end at once, as one is that was written.
fn await_writer(file: &File, path: &Path) -> io::Result<()> {
    let patience = waits::Patience::begin(waits::PIPE_WRITER);
    let mut told = false;
    loop {
        let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
        let tick = u16::try_from(waits::TICK.as_millis()).unwrap_or(u16::MAX);
        match poll(&mut fds, tick) {
            Ok(1..) => break,
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if patience.is_over() {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "nobody has written to the pipe for {} s",
                    waits::PIPE_WRITER.as_secs()
                ),
            ));
        }
        if !told && patience.elapsed() >= waits::SILENCE {
            tell(&format!(
                "hwgap: waiting for somebody to write to the pipe {path:?}\n"
            ));
            told = true;
        }
    }
    // From here on its reader waits for its writer, as any reader does.
    fcntl_setfl(file, OFlags::empty())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_folders_and_files_of_the_kernel_are_no_inputs() {
        for path in ["/dev/zero", "/", "/proc/uptime", "/proc/self/status"] {
            assert!(open(Path::new(path)).is_err(), "{path}");
        }
        assert!(open(Path::new("/dev/null")).is_ok());
    }

    #[test]
    fn a_text_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        std::fs::write(&file, "four").unwrap();
        assert_eq!(text(&file, 4).unwrap(), "four");
        assert!(text(&file, 3).is_err());
    }
}
