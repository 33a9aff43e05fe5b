//! A saved document of whatever kind, by the schema that it names.

use std::path::Path;

use crate::files::packing::without_mark;
use crate::model::Gap;
use crate::model::absence::{HOST_SCHEMA, HostReport};
use crate::model::explained::{EXPLAIN_SCHEMA, Explanation};
use crate::read::saved::{self, Hashed, ReadError};
use crate::read::{explained, host};

/// What can be shown again.
pub enum Document {
    /// What `hwgap run` saved.
    Run(Box<Hashed<Vec<Gap>>>),
    /// What `hwgap host` saved.
    Host(Box<HostReport>),
    /// What `hwgap explain` saved.
    Explained(Box<Explanation>),
}

/// Reads it from a file, or from standard input where that is `-`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn file(path: &Path) -> Result<Document, ReadError> {
    let run = |hashed| Document::Run(Box::new(hashed));
    saved::whole(
        path,
        |file| saved::large(file).map(run),
        |text| match saved::schema(without_mark(text)).as_deref() {
            Some(HOST_SCHEMA) => host::parse(text).map(Box::new).map(Document::Host),
            Some(EXPLAIN_SCHEMA) => explained::parse(text)
                .map(Box::new)
                .map(Document::Explained),
            _ => saved::with_hash(text).map(run),
        },
    )
}
