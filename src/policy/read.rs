//! Reads a policy, and says of every error in which line and field it is.

use std::io::Read;
use std::path::Path;

use super::schema::Policy;
use crate::files::read;
use crate::text::clean_text;

/// The largest policy that is read; the waivers of a large fleet fit.
const LARGEST: u64 = 4 << 20;
/// Names less alike than this (Jaro and Winkler) are not suggested.
const ALIKE: f64 = 0.7;

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("policy {file}: cannot be read: {cause}")]
    Unreadable { file: String, cause: std::io::Error },
    #[error("policy {file}: is larger than {LARGEST} bytes")]
    TooLarge { file: String },
    #[error("policy {file}: line {line}{}: {message}", .field.as_deref().map(|field| format!(", {field}")).unwrap_or_default())]
    Wrong {
        file: String,
        /// From 1.
        line: usize,
        /// Its path, such as `override[0].limits.worst`.
        field: Option<String>,
        message: String,
    },
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Names the file, the line and the field.
    pub fn read(path: &Path) -> Result<Policy, PolicyError> {
        let file = clean_text(&path.to_string_lossy());
        let mut text = String::new();
        let opened = read::open(path);
        let read = opened.and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
        if let Err(cause) = read {
            return Err(PolicyError::Unreadable { file, cause });
        }
        if text.len() as u64 > LARGEST {
            return Err(PolicyError::TooLarge { file });
        }
        Policy::parse(&file, &text)
    }

    /// The same for a text; `file` stands for it in errors.
    ///
    /// # Errors
    /// As [`Policy::read`].
    pub fn parse(file: &str, text: &str) -> Result<Policy, PolicyError> {
        let wrong = |error: &toml::de::Error, path: String| PolicyError::Wrong {
            file: file.to_owned(),
            line: line(text, error.span().map_or(0, |span| span.start)),
            field: (path != ".").then(|| clean_text(&path)),
            message: message(error.message()),
        };
        let parser =
            toml::Deserializer::parse(text).map_err(|error| wrong(&error, ".".to_owned()))?;
        let policy: Policy = serde_path_to_error::deserialize(parser)
            .map_err(|error| wrong(error.inner(), error.path().to_string()))?;
        policy
            .check()
            .map_err(|(field, message)| PolicyError::Wrong {
                file: file.to_owned(),
                line: line_of_table(text, &field),
                field: Some(field),
                message,
            })?;
        Ok(policy)
    }

    /// What each field allows by itself but not together.
    fn check(&self) -> Result<(), (String, String)> {
        for (at, one) in self.exceptions.iter().enumerate() {
            let patterns = [&one.host, &one.vendor, &one.product, &one.bios, &one.cpu];
            if patterns.iter().all(|pattern| pattern.is_none()) {
                let fields = "host, vendor, product, bios or cpu";
                return Err((
                    format!("override[{at}]"),
                    format!("fits every host; name some by {fields}, or change the policy itself"),
                ));
            }
        }
        let empty = self.bios.iter().position(|one| one.versions.is_empty());
        if let Some(at) = empty {
            return Err((format!("bios[{at}]"), "allows no version".to_owned()));
        }
        let empty = (self.microcode.iter()).position(|one| one.revisions.is_empty());
        if let Some(at) = empty {
            return Err((format!("microcode[{at}]"), "allows no revision".to_owned()));
        }
        let silent = |waiver: &super::Waiver| waiver.reason.trim().is_empty();
        if let Some(at) = self.waivers.iter().position(silent) {
            return Err((
                format!("waiver[{at}].reason"),
                "is empty; whoever reads the result needs it".to_owned(),
            ));
        }
        Ok(())
    }
}

/// The line in which a byte stands, from 1.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// The line of the nth table of an array, from its path such as `bios[1]`.
fn line_of_table(text: &str, path: &str) -> usize {
    let name = path.split('[').next().unwrap_or(path);
    let digits = path.trim_start_matches(name).trim_start_matches('[');
    let nth: usize = (digits.split(']').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let header = format!("[[{name}]]");
    let tables = text.lines().enumerate();
    let mut tables = tables.filter(|(_, line)| line.trim().starts_with(&header));
    tables.nth(nth).map_or(1, |(line, _)| line + 1)
}

/// The parser's words; where a name is unknown, the one that was meant.
fn message(words: &str) -> String {
    let mut parts = words.split('`');
    let (Some("unknown field " | "unknown variant "), Some(name)) = (parts.next(), parts.next())
    else {
        return clean_text(words);
    };
    let known: Vec<&str> = parts.skip(1).step_by(2).collect();
    clean_text(&format!(
        "{} {name:?}{}; known are {}",
        words.split(" `").next().unwrap_or("unknown"),
        suggestion(name, &known),
        known.join(", ")
    ))
}

/// `, did you mean "..."?` where a known name is near.
pub(super) fn suggestion(name: &str, known: &[&str]) -> String {
    let rank = |other: &&str| strsim::jaro_winkler(name, other);
    let best = (known.iter().copied()).max_by(|a, b| rank(a).total_cmp(&rank(b)));
    match best.filter(|best| rank(best) >= ALIKE) {
        Some(best) => format!(", did you mean {best:?}?"),
        None => String::new(),
    }
}
