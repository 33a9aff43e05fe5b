//! Reads a saved report back. The file may be anyone's: it is bounded, checked
//! and named in every error, and nothing in it is trusted to be sane.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use crate::files::packing as packed;
use crate::files::packing::Plain;
use crate::files::read::open;
use crate::model::absence::HOST_SCHEMA;
use crate::model::{Report, SCHEMA, SCHEMA_VERSION, Verdict};
use crate::read::brief::guard::{Guard, Trouble};
use crate::read::{brief, hash, locate};
use crate::text::clean;

/// The largest file that is read: about two million gaps.
pub const LARGEST_REPORT: u64 = 1 << 30;
/// Files up to this size are read at once; of larger ones, and of packed ones,
/// no more is held than what is made of them.
const MOST_AT_ONCE: u64 = 8 << 20;
/// Levels of nesting that are read; a report has nine at most.
pub const DEEPEST: usize = 64;
/// Foreign text in a message is cut at this many characters.
const LONGEST_MESSAGE: usize = 200;

/// Why a file is not a report that can be used. The message holds the problem,
/// so the error has no source: a chain would print it twice.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct ReadError {
    /// The file, safe to print.
    pub file: String,
    pub problem: Problem,
}

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("cannot be unpacked: {0}")]
    Packing(io::Error),
    #[error("is larger than {limit} bytes, the most that is read as a report")]
    TooLarge { limit: u64 },
    #[error("is empty: the run that should have written it did not end, or the disk was full")]
    Empty,
    /// It ends before the report does.
    #[error("ends in mid-report at {place}: the file was cut short, fetch it again")]
    CutShort { place: Place },
    #[error("is not JSON: {message} at {place}")]
    NotJson { message: String, place: Place },
    #[error(r#"is not a report of hwgap: "schema" is {found}, not "{SCHEMA}""#)]
    OtherSchema { found: String },
    #[error(r#"is not what `hwgap host -o FILE` wrote: "schema" is {found}, not "{HOST_SCHEMA}""#)]
    NotOfHost { found: String },
    #[error(
        r#"has "schema_version" {found}; this hwgap reads version {SCHEMA_VERSION}; use the hwgap that wrote it, or a newer one"#
    )]
    OtherVersion {
        /// What stands in `schema_version`.
        found: String,
    },
    #[error("is not a valid report: nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// A field is missing or does not hold what it should.
    #[error("is not a valid report: {message} at {place}")]
    BadField { message: String, place: Place },
    /// Two parts of it cannot both be true.
    #[error("contradicts itself: {0}")]
    Contradiction(String),
    /// A field holds a value that no measurement can have.
    #[error("is not a valid report: {field} is {found}, but must be {must_be}")]
    Absurd {
        field: &'static str,
        found: String,
        /// What would be accepted.
        must_be: &'static str,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In bytes, from 1.
    pub column: usize,
    /// The path of the field, such as `gaps[17].cause`.
    pub field: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)?;
        match &self.field {
            Some(field) => write!(f, " (in {field})"),
            None => Ok(()),
        }
    }
}

/// Reads a report from a file, or from standard input where it is `-`. `G` is
/// `Vec<Gap>`, or `serde::de::IgnoredAny` for a report without its gaps.
pub fn file<G: DeserializeOwned>(path: &Path) -> Result<Report<G>, ReadError> {
    if path.as_os_str() == "-" {
        return from_reader("standard input", io::stdin().lock(), LARGEST_REPORT);
    }
    let name = path.to_string_lossy();
    match open(path) {
        Ok(file) => from_reader(&name, file, LARGEST_REPORT),
        Err(error) => Err(named(&name, error.into())),
    }
}

/// A report with the hash of the bytes that it was read from.
pub struct Hashed<G> {
    pub report: Report<G>,
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
}

pub fn hashed<G: DeserializeOwned>(path: &Path) -> Result<Hashed<G>, ReadError> {
    whole(path, large, with_hash)
}

/// As [`hashed()`], and beside it what `E` takes from the same text: parts of a
/// report that other versions shape otherwise.
pub fn hashed_with<G: DeserializeOwned, E: DeserializeOwned>(
    path: &Path,
) -> Result<(Hashed<G>, E), ReadError> {
    let parts = |file: &mut File| {
        let hashed = large(file)?;
        // One that changes meanwhile is read as a whole.
        let (parts, sha256) = streamed(file, of_stream::<E>)?;
        (sha256 == hashed.sha256).then_some((hashed, parts))
    };
    whole(path, parts, |text| {
        Ok((with_hash(text)?, from_json(packed::without_mark(text))?))
    })
}

/// A report of a large file; `None` where its text has to be looked at.
pub(super) fn large<G: DeserializeOwned>(file: &mut File) -> Option<Hashed<G>> {
    // The same reader as a fleet's: its checks are in one place.
    let (_, checked) = streamed(file, |input| brief::from_large(input).ok())?;
    let (report, sha256) = streamed(file, of_stream::<Report<G>>)?;
    (sha256 == checked).then_some(Hashed { report, sha256 })
}

pub(super) fn with_hash<G: DeserializeOwned>(text: &[u8]) -> Result<Hashed<G>, Problem> {
    let report = parse(text)?;
    let sha256 = hash::of(text);
    Ok(Hashed { report, sha256 })
}

/// Makes something of a file, or of standard input. A large file is tried as a
/// stream first.
pub(super) fn whole<T>(
    path: &Path,
    stream: impl FnOnce(&mut File) -> Option<T>,
    make: impl FnOnce(&[u8]) -> Result<T, Problem>,
) -> Result<T, ReadError> {
    if path.as_os_str() == "-" {
        return bytes(io::stdin().lock(), LARGEST_REPORT)
            .and_then(|text| make(&text))
            .map_err(|problem| named("standard input", problem));
    }
    let made = open(path).map_err(Problem::from).and_then(|mut file| {
        if may_be_large(&mut file)? {
            if let Some(made) = stream(&mut file) {
                return Ok(made);
            }
            file.rewind()?;
        }
        make(&bytes(file, LARGEST_REPORT)?)
    });
    made.map_err(|problem| named(&path.to_string_lossy(), problem))
}

/// Reads a report of at most `limit` bytes. `name` stands for it in errors.
pub fn from_reader<G: DeserializeOwned>(
    name: &str,
    input: impl Read,
    limit: u64,
) -> Result<Report<G>, ReadError> {
    bytes(input, limit)
        .and_then(|text| parse(&text))
        .map_err(|problem| named(name, problem))
}

fn named(file: &str, problem: Problem) -> ReadError {
    ReadError {
        file: clean::without_controls(file).into_owned(),
        problem,
    }
}

fn bytes(input: impl Read, limit: u64) -> Result<Vec<u8>, Problem> {
    let mut text = Vec::new();
    let Plain { packing, content } = packed::plain(input)?;
    // Stops at what no report holds, before it takes memory.
    let mut guard = Guard::of_depth(content.take(limit.saturating_add(1)));
    let read = guard.read_to_end(&mut text);
    if guard.trouble == Some(Trouble::Deep) {
        return Err(Problem::TooDeep);
    }
    read.map_err(|error| match (packing, error.raw_os_error()) {
        (Some(_), None) => Problem::Packing(error),
        _ => Problem::Unreadable(error),
    })?;
    if text.len() as u64 > limit {
        return Err(Problem::TooLarge { limit });
    }
    Ok(text)
}

/// Reads a large file as a stream, so that no more is held than what is made
/// of it. `None` where it is no report: why, is found out of its text.
fn streamed<T>(
    file: &mut File,
    make: impl FnOnce(&mut dyn Read) -> Option<T>,
) -> Option<(T, String)> {
    file.rewind().ok()?;
    let content = packed::plain(file).ok()?.content;
    let mut hashing = hash::Hashing::new(content.take(LARGEST_REPORT.saturating_add(1)));
    let made = make(&mut hashing)?;
    (hashing.length() <= LARGEST_REPORT).then(|| (made, hashing.sum().to_string()))
}

fn of_stream<T: DeserializeOwned>(input: &mut dyn Read) -> Option<T> {
    brief::parsed(&mut Guard::of_depth(input)).ok()
}

/// Whether a file may hold more than is read at once.
fn may_be_large(file: &mut File) -> io::Result<bool> {
    let found = file.metadata()?;
    if !found.is_file() || found.len() > MOST_AT_ONCE {
        return Ok(found.is_file());
    }
    let is_packed = packed::plain(&mut *file)?.packing.is_some();
    file.rewind()?;
    Ok(is_packed)
}

/// What is looked at first: a later version may differ in all else.
#[derive(Deserialize)]
struct Header {
    schema: Option<Value>,
    schema_version: Option<Value>,
}

fn parse<G: DeserializeOwned>(text: &[u8]) -> Result<Report<G>, Problem> {
    let text = packed::without_mark(text);
    check_header(text)?;
    let report: Report<G> = from_json(text)?;
    // The same reader as a fleet's: its checks are in one place.
    brief::from_slice(text)?;
    Ok(report)
}

/// Whether the text is a report of a version that is read here.
pub(crate) fn check_header(text: &[u8]) -> Result<(), Problem> {
    check_schema(text, SCHEMA, |found| Problem::OtherSchema { found })
}

/// The schema that a text names, if it does.
pub(super) fn schema(text: &[u8]) -> Option<String> {
    let header: Header = from_json(text).ok()?;
    header.schema?.as_str().map(str::to_owned)
}

/// Whether the text is a document of this schema.
pub(super) fn check_schema(
    text: &[u8],
    schema: &str,
    other: impl FnOnce(String) -> Problem,
) -> Result<(), Problem> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::Empty);
    }
    let header: Header = from_json(text)?;
    if header.schema != Some(Value::from(schema)) {
        return Err(other(shown(header.schema)));
    }
    // All schemas are at their first version.
    if header.schema_version != Some(Value::from(SCHEMA_VERSION)) {
        let found = shown(header.schema_version);
        return Err(Problem::OtherVersion { found });
    }
    Ok(())
}

pub(super) fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(text).map_err(|error| in_field(text, error))
}

/// What the parser's error says of a text, with the field that it stands in:
/// "column 271" helps nobody. A path of serde's for every type that is read would
/// be a fifth of the program.
pub(crate) fn in_field(text: &[u8], error: serde_json::Error) -> Problem {
    let end = locate::offset(text, error.line(), error.column());
    of_parser(error, locate::field_at_end(&text[..end]))
}

/// What the parser's error says of a file.
pub(crate) fn of_parser(error: serde_json::Error, field: Option<String>) -> Problem {
    let place = Place {
        line: error.line(),
        column: error.column(),
        field,
    };
    let message = message(&error);
    match error.classify() {
        Category::Eof => Problem::CutShort { place },
        Category::Io => Problem::Unreadable(error.into()),
        Category::Syntax => Problem::NotJson { message, place },
        Category::Data => Problem::BadField { message, place },
    }
}

/// The parser's words without the place, which is named apart.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    short(text.strip_suffix(&place).unwrap_or(&text))
}

fn shown(value: Option<Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), |value| short(&value.to_string()))
}

fn short(text: &str) -> String {
    let text = clean::without_controls(text);
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into_owned(),
    }
}

pub(super) fn absurd<T>(
    field: &'static str,
    found: impl ToString,
    must_be: &'static str,
) -> Result<T, Problem> {
    Err(Problem::Absurd {
        field,
        found: short(&found.to_string()),
        must_be,
    })
}

/// Refuses values that later arithmetic must not meet.
pub(crate) fn check(origin: &str, hz: f64, verdict: &Verdict) -> Result<(), Problem> {
    check_clock(origin, hz)?;
    if !(0.0..=1.0).contains(&verdict.coverage) {
        return absurd("verdict.coverage", verdict.coverage, "from 0 to 1");
    }
    for (field, rate) in [
        (
            "verdict.platform_rate_per_hour",
            verdict.platform_rate_per_hour,
        ),
        (
            "verdict.platform_rate_upper95_per_hour",
            verdict.platform_rate_upper95_per_hour,
        ),
    ] {
        if let Some(rate) = rate.filter(|rate| *rate < 0.0) {
            return absurd(field, rate, "0 or above");
        }
    }
    Ok(())
}

pub(super) fn check_clock(origin: &str, hz: f64) -> Result<(), Problem> {
    if hz <= 0.0 {
        return absurd("tsc.hz", hz, "above 0");
    }
    if origin.parse::<u64>().is_err() {
        return absurd("tsc.origin", origin, "a decimal number of 64 bits");
    }
    Ok(())
}
