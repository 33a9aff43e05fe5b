//! From files, folders, archives and standard input to reports in brief, one
//! at a time. What is no report is set aside with its reason and stops nothing.

mod archive;
mod content;
mod documents;
mod files;
mod limits;
mod parallel;

pub use files::is_called_like_report;
pub use parallel::{Input, Lot, read};

use std::mem;

use crate::read::brief::Brief;
use crate::read::hash::Sha256Sum;
use crate::read::saved::Problem;
use crate::text::clean_text;

/// A buffer larger than this is not kept: a usual report has a tenth of it.
const LARGEST_SPARE: usize = 256 << 10;

/// What came of one document.
#[derive(Debug)]
enum Found<'a> {
    /// A report.
    Report {
        /// Where it stood.
        source: String,
        /// What it says.
        brief: Box<Brief<'a>>,
        /// The hash of its text, as it was before any packing.
        sha256: Sha256Sum,
    },
    /// Something that cannot be used.
    SetAside(SetAside),
    /// A file in a folder whose name is not that of a report.
    PassedOver,
}

/// Something that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct SetAside {
    /// Where it stood, safe to print.
    pub source: String,
    /// Why.
    pub reason: String,
}

/// Why something is set aside.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// It is no report.
    #[error("{0}")]
    NoReport(#[from] Problem),
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It cannot be unpacked.
    #[error("cannot be unpacked: {0}")]
    Packing(std::io::Error),
    /// A name in an archive that leads elsewhere.
    #[error("{0}")]
    Path(&'static str),
    /// More than is read.
    #[error("holds more than {0}")]
    TooMuch(String),
}

impl Refused {
    /// What unpacking says comes through as an error of reading; those of the
    /// system have a number.
    fn of_reading(error: std::io::Error) -> Refused {
        match error.raw_os_error() {
            Some(_) => Refused::Unreadable(error),
            None => Refused::Packing(error),
        }
    }
}

/// Takes what is found.
trait Sink {
    fn take(&mut self, found: Found<'_>);
}

/// What one thread reads into.
struct Reading<'a> {
    sink: &'a mut dyn Sink,
    /// A buffer that no document is in: one for each would cost as much as
    /// reading it.
    spare: Vec<u8>,
}

impl Reading<'_> {
    /// An empty buffer; [`Reading::give_back`] takes it again.
    fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = mem::take(&mut self.spare);
        buffer.clear();
        buffer
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= LARGEST_SPARE {
            self.spare = buffer;
        }
    }

    fn report(
        &mut self,
        source: &str,
        result: Result<Brief<'_>, Refused>,
        sha256: impl FnOnce() -> Sha256Sum,
    ) {
        match result {
            Ok(brief) => self.sink.take(Found::Report {
                source: clean_text(source),
                brief: Box::new(brief),
                sha256: sha256(),
            }),
            Err(refused) => self.set_aside(source, &refused),
        }
    }

    fn set_aside(&mut self, source: &str, refused: &Refused) {
        self.sink.take(Found::SetAside(SetAside {
            source: clean_text(source),
            reason: clean_text(&refused.to_string()),
        }));
    }
}
