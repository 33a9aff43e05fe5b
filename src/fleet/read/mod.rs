//! From files, folders, archives and standard input to reports in brief, one
//! at a time. What is no report is set aside with its reason and stops nothing.

mod archive;
mod content;
mod documents;
mod files;
mod limits;
mod parallel;

pub use parallel::{Input, read};

use crate::report::brief::Brief;
use crate::report::clean_text;
use crate::report::read::Problem;

/// What came of one document.
#[derive(Debug)]
enum Found {
    /// A report.
    Report {
        /// Where it stood.
        source: String,
        /// What it says.
        brief: Box<Brief>,
    },
    /// Something that cannot be used.
    SetAside(SetAside),
    /// A file in a folder whose name is not that of a report.
    PassedOver,
}

/// Something that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
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

/// Takes what is found; it may be called from several threads.
trait Sink: Sync {
    fn take(&self, found: Found);
}

impl dyn Sink + '_ {
    fn report(&self, source: &str, result: Result<Brief, Refused>) {
        match result {
            Ok(brief) => self.take(Found::Report {
                source: clean_text(source),
                brief: Box::new(brief),
            }),
            Err(refused) => self.set_aside(source, &refused),
        }
    }

    fn set_aside(&self, source: &str, refused: &Refused) {
        self.take(Found::SetAside(SetAside {
            source: clean_text(source),
            reason: clean_text(&refused.to_string()),
        }));
    }
}
