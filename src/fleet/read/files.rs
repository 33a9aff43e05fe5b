//! The files that were named, and those in folders.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::files::read::open;

use super::content;
use super::{Found, Reading, Refused};

/// How reports are called in folders; what a file holds is told by its content.
const ENDINGS: [&str; 8] = ["json", "jsonl", "ndjson", "gz", "tgz", "zst", "tzst", "tar"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Standard input.
    Stdin,
    File(PathBuf),
    /// A file in a folder whose name is not that of a report.
    Other,
    /// A place that cannot be read.
    Broken(String, String),
}

/// What a path stands for: itself, or all files below it in order of name.
/// Links to folders are not followed, as they may lead in circles.
pub(super) fn below(path: &Path) -> Box<dyn Iterator<Item = Item> + Send> {
    if path.as_os_str() == "-" {
        return Box::new(std::iter::once(Item::Stdin));
    }
    if !path.is_dir() {
        return Box::new(std::iter::once(Item::File(path.to_owned())));
    }
    let walk = WalkDir::new(path).sort_by_file_name().into_iter();
    Box::new(walk.filter_map(|entry| match entry {
        Ok(entry) if entry.file_type().is_dir() => None,
        Ok(entry) if is_report(entry.path(), entry.file_type()) => {
            Some(Item::File(entry.into_path()))
        }
        Ok(_) => Some(Item::Other),
        Err(error) => {
            let place = error.path().unwrap_or(Path::new("")).to_string_lossy();
            let reason = match error.io_error() {
                Some(cause) => cause.to_string(),
                None => "a circle of links".to_owned(),
            };
            Some(Item::Broken(place.into_owned(), reason))
        }
    }))
}

fn is_report(path: &Path, kind: fs::FileType) -> bool {
    let is_file = || kind.is_file() || (kind.is_symlink() && path.is_file());
    is_called_like_report(path) && is_file()
}

/// Whether a file of this name is read where it lies in a folder.
pub fn is_called_like_report(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

impl Item {
    /// Whether it is called like a single report, so that reading it is quick.
    pub(super) fn is_small(&self) -> bool {
        match self {
            Item::File(path) => path.extension() == Some(OsStr::new("json")),
            Item::Stdin => false,
            Item::Other | Item::Broken(..) => true,
        }
    }
}

pub(super) fn read(item: Item, reading: &mut Reading<'_>) {
    match item {
        Item::Stdin => content::read("standard input", &mut io::stdin().lock(), 0, reading),
        Item::File(path) => {
            let name = path.to_string_lossy();
            match open(&path) {
                Ok(mut file) => content::read(&name, &mut file, 0, reading),
                Err(error) => reading.set_aside(&name, &Refused::Unreadable(error)),
            }
        }
        Item::Other => reading.sink.take(Found::PassedOver),
        Item::Broken(place, reason) => {
            reading.set_aside(&place, &Refused::Unreadable(io::Error::other(reason)));
        }
    }
}
