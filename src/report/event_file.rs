//! A file of rows that grows while a run goes on, and does not grow for ever.
//!
//! A file that holds its most rows becomes FILE.1, in the place of the one
//! before, and a new one begins: two files are kept, the latest rows in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::csv;
use super::output_error::{OutputError, Reason};

/// The file, open.
#[derive(Debug)]
pub struct EventFile {
    place: Place,
    /// Rows in it.
    rows: u64,
    /// Rows in FILE.1, where this run wrote it.
    rows_before: u64,
    most: u64,
}

#[derive(Debug)]
enum Place {
    /// A file of its own; its length with whole lines only.
    Kept {
        path: PathBuf,
        file: File,
        length: u64,
    },
    /// A pipe, a terminal, standard output: what is written is gone.
    Passed(File),
    Stdout,
}

impl EventFile {
    /// Opens the file and writes the header. What is there already becomes
    /// FILE.1: it may be all that is left of a run that was killed. `-` is
    /// standard output.
    ///
    /// # Errors
    /// Why the file cannot be written, and what to do.
    pub fn open(path: &Path, most: u64) -> Result<EventFile, OutputError> {
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
        let header = csv::header()?;
        self.write(&header)
    }

    fn rotate(&mut self) -> io::Result<u64> {
        let Place::Kept { path, file, length } = &mut self.place else {
            return Ok(0);
        };
        fs::rename(&*path, predecessor(path))?;
        *file = create(path)?;
        *length = 0;
        let discarded = std::mem::replace(&mut self.rows_before, self.rows);
        self.rows = 0;
        self.begin()?;
        Ok(discarded)
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match &mut self.place {
            Place::Kept { file, length, .. } => {
                if let Err(error) = file.write_all(lines) {
                    // Half a line would spoil the next one.
                    file.set_len(*length)?;
                    return Err(error);
                }
                *length += lines.len() as u64;
                Ok(())
            }
            Place::Passed(file) => file.write_all(lines),
            Place::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines)?;
                stdout.flush()
            }
        }
    }
}

fn place(path: &Path) -> Result<Place, Reason> {
    let refused = |error| Reason::of_open(path, error);
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(Reason::IsFolder),
        Ok(found) if found.file_type().is_block_device() => return Err(Reason::IsDisk),
        Ok(found) if !found.is_file() || path.starts_with("/dev") || path.starts_with("/proc") => {
            let file = OpenOptions::new().append(true).open(path);
            return file.map(Place::Passed).map_err(refused);
        }
        Ok(found) if found.len() > 0 => {
            // A file made read-only means to stay.
            OpenOptions::new()
                .append(true)
                .open(path)
                .map_err(refused)?;
            fs::rename(path, predecessor(path)).map_err(refused)?;
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder.filter(|folder| !folder.exists()) {
                return Err(Reason::FolderMissing(folder.to_owned()));
            }
        }
        Err(error) => return Err(refused(error)),
    }
    Ok(Place::Kept {
        path: path.to_owned(),
        file: create(path).map_err(refused)?,
        length: 0,
    })
}

/// Appending, so that a row goes to the end also after the file was cut.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    file.set_len(0)?;
    Ok(file)
}

fn predecessor(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn two_files_are_kept_and_what_is_gone_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gaps.csv");
        let mut file = EventFile::open(&path, 2).unwrap();
        let mut discarded = 0;
        for row in 0..7 {
            discarded += file.append(format!("{row}\n").as_bytes(), 1).unwrap();
        }
        assert_eq!(lines(&path), ["6"]);
        assert_eq!(lines(&predecessor(&path)), ["4", "5"]);
        assert_eq!(discarded, 4);
    }

    #[test]
    fn what_a_killed_run_left_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gaps.csv");
        EventFile::open(&path, 9)
            .unwrap()
            .append(b"old\n", 1)
            .unwrap();
        EventFile::open(&path, 9).unwrap();
        assert!(lines(&path).is_empty());
        assert_eq!(lines(&predecessor(&path)), ["old"]);
    }

    #[test]
    fn a_folder_or_a_place_that_is_not_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(EventFile::open(folder.path(), 9).is_err());
        let error = EventFile::open(&folder.path().join("no/gaps.csv"), 9).unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}
