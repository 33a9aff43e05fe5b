//! From the text of a report to the report in brief.

use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;

use crate::files::packing::without_mark;
use crate::model::{Report, SCHEMA, SCHEMA_VERSION};
use crate::read::brief::Brief;
use crate::read::brief::guard::{Guard, Trouble, is_deep, may_be_deep};
use crate::read::consistency;
use crate::read::saved::{Problem, check, check_header, in_field, of_parser};

/// Reads a report that is in memory.
///
/// # Errors
/// What is wrong with it, and where.
pub fn from_slice(text: &[u8]) -> Result<Brief<'_>, Problem> {
    let text = without_mark(text);
    if may_be_deep(text) && is_deep(text) {
        return Err(Problem::TooDeep);
    }
    // Known to be UTF-8 as a whole, no string need be looked at by itself. What
    // is not may still be so in a field that is passed over.
    let read = match str::from_utf8(text) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => parsed(&mut &text[..]),
    };
    match read {
        Ok(brief) => whole(brief, || check_header(text)),
        // What it is not at all is said before what it lacks.
        Err(error) => Err(check_header(text)
            .err()
            .unwrap_or_else(|| in_field(text, error))),
    }
}

/// Reads a report that is too large to be kept in memory.
///
/// # Errors
/// What is wrong with it, and the line and column.
pub fn from_large(input: impl Read) -> Result<Brief<'static>, Problem> {
    let mut input = BufReader::new(input);
    let marked = input
        .fill_buf()
        .is_ok_and(|head| head.len() != without_mark(head).len());
    if marked {
        input.consume(3);
    }
    let mut guard = Guard::new(input);
    let brief = parsed(&mut guard);
    match (brief, guard.trouble) {
        (_, Some(Trouble::Deep)) => Err(Problem::TooDeep),
        (Ok(brief), _) => whole(brief, || Ok(())),
        (Err(error), _) => Err(of_parser(error, None)),
    }
}

/// A report that is not in a file yet, as its file will be read.
///
/// # Errors
/// Where no reader would take it.
pub fn from_report(report: &Report<()>) -> Result<Brief<'static>, Problem> {
    let text = serde_json::to_vec(report).map_err(|error| of_parser(error, None))?;
    // As a stream, so that nothing is borrowed from the text.
    let brief = parsed(&mut text.as_slice()).map_err(|error| of_parser(error, None))?;
    checked(brief, || Ok(()))
}

/// What a stream holds. All streams are of one type, as each would have its own
/// copy of the parser for all parts of a report.
///
/// # Errors
/// Those of the parser.
pub(in crate::read) fn parsed<T: Deserialize<'static>>(
    input: &mut dyn Read,
) -> Result<T, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_reader(BufReader::new(input));
    let read = T::deserialize(&mut parser)?;
    parser.end().map(|()| read)
}

/// A report of a file: one that contradicts itself says nothing.
fn whole<'a>(
    brief: Brief<'a>,
    header: impl Fn() -> Result<(), Problem>,
) -> Result<Brief<'a>, Problem> {
    let brief = checked(brief, header)?;
    if brief.gaps.is_none() {
        return Err(Problem::Contradiction("gaps is null".to_owned()));
    }
    consistency::check(&brief)?;
    Ok(brief)
}

fn checked<'a>(
    brief: Brief<'a>,
    header: impl Fn() -> Result<(), Problem>,
) -> Result<Brief<'a>, Problem> {
    if *brief.schema != *SCHEMA {
        header()?;
        let found = crate::text::clean::without_controls(&brief.schema);
        return Err(Problem::OtherSchema {
            found: format!("{:.40?}", found),
        });
    }
    if brief.schema_version != SCHEMA_VERSION {
        return Err(Problem::OtherVersion {
            found: brief.schema_version.to_string(),
        });
    }
    check(&brief.tsc.origin, brief.tsc.hz, &brief.verdict)?;
    Ok(brief)
}
