//! A file of rows that grows while a run goes on, and does not grow for ever.
//!
//! A file that holds its most rows becomes FILE.1, in the place of the one
//! before, and a new one begins: two files are kept, the latest rows in them.
//! Where its name promises packing, each batch of rows is packed by itself, so
//! that a run that is killed leaves whole ones.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat};

use crate::files::output::{adopt, open_descriptor, open_pipe};
use crate::files::output_error::{OutputError, Reason};
use crate::files::packing::Packing;
use crate::files::patient::Patient;
use crate::files::read::is_descriptor;
use crate::files::{Folder, Located, Purpose, locate};
use crate::waits;

/// Mode of a new file; the umask takes from it.
const NEW: Mode = Mode::from_raw_mode(0o666);

#[derive(Debug)]
pub struct EventFile {
    place: Place,
    rows: u64,
    /// Rows in FILE.1, where this run wrote it.
    rows_before: u64,
    most: u64,
    header: Vec<u8>,
    /// What is left of a line that a pipe took in part.
    rest: Vec<u8>,
}

#[derive(Debug)]
enum Place {
    /// A file of its own, in the folder that was opened first; its length with
    /// whole lines only.
    Kept {
        folder: Folder,
        name: OsString,
        file: File,
        length: u64,
        packing: Option<Packing>,
    },
    /// A pipe, a terminal, standard output: what is written is gone.
    Passed(Patient),
    Stdout,
}

impl EventFile {
    /// Opens the file and writes the header. What is there already becomes
    /// FILE.1: it may be all that is left of a run that was killed. `-` is
    /// standard output.
    ///
    /// # Errors
    /// Why the file cannot be written, and what to do.
    pub fn open(path: &Path, most: u64, header: &[u8]) -> Result<EventFile, OutputError> {
        let place = if path.as_os_str() == "-" {
            Place::Stdout
        } else {
            place(path).map_err(|reason| OutputError::new(path, reason))?
        };
        let mut file = EventFile {
            place,
            rows: 0,
            rows_before: 0,
            most,
            header: header.to_owned(),
            rest: Vec::new(),
        };
        file.begin()
            .map_err(|error| OutputError::new(path, Reason::of_write(error)))?;
        Ok(file)
    }

    /// Adds whole lines; returns how many rows were discarded for them.
    ///
    /// # Errors
    /// Nothing of the lines is in the file then, and later ones may be added.
    pub fn append(&mut self, lines: &[u8], rows: u64) -> io::Result<u64> {
        let discarded = match self.rows + rows > self.most && self.rows > 0 {
            true => self.rotate()?,
            false => 0,
        };
        self.write(lines)?;
        self.rows += rows;
        Ok(discarded)
    }

    fn begin(&mut self) -> io::Result<()> {
        let header = std::mem::take(&mut self.header);
        let written = self.write(&header);
        self.header = header;
        written
    }

    fn rotate(&mut self) -> io::Result<u64> {
        let Place::Kept {
            folder,
            name,
            file,
            length,
            ..
        } = &mut self.place
        else {
            return Ok(0);
        };
        let before = folder.look(name)?;
        if before.is_some() {
            folder.rename(name, &predecessor(name))?;
        }
        *file = create(folder, name, before.as_ref())?;
        folder.sync()?;
        *length = 0;
        let discarded = std::mem::replace(&mut self.rows_before, self.rows);
        self.rows = 0;
        self.begin()?;
        Ok(discarded)
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match &mut self.place {
            Place::Kept {
                file,
                length,
                packing,
                ..
            } => {
                let packed = packing.map(|packing| packing.pack(lines)).transpose()?;
                let lines = packed.as_deref().unwrap_or(lines);
                if let Err(error) = file.write_all(lines) {
                    // Half a line would spoil the next one.
                    file.set_len(*length)?;
                    return Err(error);
                }
                *length += lines.len() as u64;
                Ok(())
            }
            Place::Passed(file) => pass(file, &mut self.rest, lines),
            Place::Stdout => {
                let mut stdout = Patient::stdout(waits::PIPE_ROOM)?;
                pass(&mut stdout, &mut self.rest, lines)
            }
        }
    }
}

/// Writes lines to what may take only a part: the line that is cut off goes on
/// the next time, so that no two are run together.
fn pass(out: &mut impl Write, rest: &mut Vec<u8>, lines: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        let taken = out.write(rest)?;
        rest.drain(..taken);
    }
    let mut taken = 0;
    while taken < lines.len() {
        match out.write(&lines[taken..]) {
            Ok(more) => taken += more,
            Err(error) => {
                if taken > 0 && lines[taken - 1] != b'\n' {
                    let line = lines[taken..].split_inclusive(|byte| *byte == b'\n');
                    rest.extend(line.take(1).flatten());
                }
                return Err(error);
            }
        }
    }
    Ok(())
}

fn place(path: &Path) -> Result<Place, Reason> {
    let refused = |error| Reason::of_open(path, error);
    if path.as_os_str().is_empty() {
        return Err(Reason::NoName);
    }
    if is_descriptor(path) {
        let file = open_descriptor(path).map_err(refused)?;
        return Ok(Place::Passed(Patient::new(file, waits::PIPE_ROOM)));
    }
    let Located { folder, name } =
        locate(path, Purpose::Write).map_err(|error| Reason::of_path(path, error))?;
    let Some(name) = name else {
        return Err(Reason::IsFolder);
    };
    let found = folder.look(&name).map_err(refused)?;
    match found.map(|found| FileType::from_raw_mode(found.st_mode)) {
        None => {}
        Some(FileType::BlockDevice) => return Err(Reason::IsDisk),
        Some(FileType::RegularFile) => {
            // A file made read-only means to stay.
            (folder.open_file(&name, OFlags::WRONLY | OFlags::APPEND, Mode::empty()))
                .map_err(refused)?;
            match found.is_some_and(|found| found.st_size > 0) {
                true => folder.rename(&name, &predecessor(&name)),
                false => folder.remove(&name),
            }
            .map_err(refused)?;
        }
        Some(FileType::Fifo | FileType::CharacterDevice) => {
            let file = open_pipe(&folder, &name, path)?;
            return Ok(Place::Passed(Patient::new(file, waits::PIPE_ROOM)));
        }
        Some(_) => return Err(Reason::NoFile),
    }
    Ok(Place::Kept {
        file: create(&folder, &name, found.as_ref()).map_err(refused)?,
        folder,
        name,
        length: 0,
        packing: Packing::promised(path),
    })
}

/// A file that was not there: whoever put one there meanwhile must not see what
/// is written. Appending, so that a row goes to the end also after the file was
/// cut.
fn create(folder: &Folder, name: &OsStr, before: Option<&Stat>) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
    let file = folder.open_file(name, flags, NEW)?;
    if let Some(before) = before {
        adopt(&file, before)?;
    }
    Ok(file)
}

/// What a full file becomes: FILE.1.
pub fn full(path: &Path) -> PathBuf {
    PathBuf::from(predecessor(path.as_os_str()))
}

fn predecessor(name: &OsStr) -> OsString {
    let mut name = name.to_owned();
    name.push(".1");
    name
}

#[cfg(test)]
mod tests {
    use std::fs;

    const HEADER: &[u8] = b"start_utc,cause\n";

    use super::*;

    fn old(path: &Path) -> std::path::PathBuf {
        path.with_file_name(predecessor(path.file_name().unwrap()))
    }

    fn lines(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn two_files_are_kept_and_what_is_gone_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gaps.csv");
        let mut file = EventFile::open(&path, 2, HEADER).unwrap();
        let mut discarded = 0;
        for row in 0..7 {
            discarded += file.append(format!("{row}\n").as_bytes(), 1).unwrap();
        }
        assert_eq!(lines(&path), ["6"]);
        assert_eq!(lines(&old(&path)), ["4", "5"]);
        assert_eq!(discarded, 4);
    }

    /// Takes so many bytes, then nothing.
    struct Room(usize, Vec<u8>);

    impl Write for Room {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            self.1.extend(&bytes[..taken]);
            match taken {
                0 => Err(io::ErrorKind::TimedOut.into()),
                taken => Ok(taken),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_is_cut_off_goes_on_the_next_time() {
        let (mut room, mut rest) = (Room(6, Vec::new()), Vec::new());
        pass(&mut room, &mut rest, b"one\ntwo\nthree\n").unwrap_err();
        pass(&mut room, &mut rest, b"four\n").unwrap_err();
        room.0 = 99;
        pass(&mut room, &mut rest, b"five\n").unwrap();
        assert_eq!(room.1, b"one\ntwo\nfive\n");
        room.0 = 4;
        pass(&mut room, &mut rest, b"six\nseven\n").unwrap_err();
        room.0 = 99;
        pass(&mut room, &mut rest, b"eight\n").unwrap();
        assert!(room.1.ends_with(b"\nsix\neight\n"));
    }

    #[test]
    fn a_name_that_promises_packing_keeps_its_word() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["gaps.csv.gz", "gaps.csv.zst"] {
            let path = folder.path().join(name);
            let mut file = EventFile::open(&path, 9, HEADER).unwrap();
            file.append(b"1\n", 1).unwrap();
            file.append(b"2\n", 1).unwrap();
            let packed = fs::File::open(&path).unwrap();
            let mut text = String::new();
            let mut plain = crate::files::packing::plain(packed).unwrap();
            std::io::Read::read_to_string(&mut plain.content, &mut text).unwrap();
            assert!(plain.packing.is_some(), "{name}");
            assert!(text.ends_with("\n1\n2\n"), "{text}");
        }
    }

    #[test]
    fn what_a_killed_run_left_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gaps.csv");
        EventFile::open(&path, 9, HEADER)
            .unwrap()
            .append(b"old\n", 1)
            .unwrap();
        EventFile::open(&path, 9, HEADER).unwrap();
        assert!(lines(&path).is_empty());
        assert_eq!(lines(&old(&path)), ["old"]);
    }

    #[test]
    fn a_link_in_the_place_of_the_file_is_moved_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gaps.csv");
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let mut file = EventFile::open(&path, 1, HEADER).unwrap();
        file.append(b"1\n", 1).unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        file.append(b"2\n", 1).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(lines(&path), ["2"]);
        assert!(!path.is_symlink());
    }

    #[test]
    fn a_folder_or_a_place_that_is_not_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(EventFile::open(folder.path(), 9, HEADER).is_err());
        let error = EventFile::open(&folder.path().join("no/gaps.csv"), 9, HEADER).unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}
