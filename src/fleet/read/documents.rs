//! One report, or one report a line.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use memchr::memchr;

use crate::read::brief::{from_large, from_slice};
use crate::read::hash::{Hashing, Sha256Sum};
use crate::read::saved::{LARGEST_REPORT, Problem};

use super::content::HEAD;
use super::limits::{MOST_ENTRIES, MOST_IN_MEMORY, MOST_REFUSED};
use super::{Reading, Refused};

/// Reads a text of JSON or JSON Lines that begins with `text`.
pub(super) fn read(
    source: &str,
    mut text: Vec<u8>,
    input: &mut dyn Read,
    reading: &mut Reading<'_>,
) {
    // A head that is not full has met the end.
    if text.len() >= HEAD {
        let left = MOST_IN_MEMORY - text.len() as u64;
        if let Err(error) = input.take(left).read_to_end(&mut text) {
            return reading.set_aside(source, &Refused::of_reading(error));
        }
    }
    let is_whole = (text.len() as u64) < MOST_IN_MEMORY;
    if is_lines(&text) {
        let mut input = BufReader::new(Cursor::new(text).chain(input));
        return lines(source, &mut input, reading);
    }
    if is_whole {
        let result = from_slice(&text).map_err(Refused::NoReport);
        reading.report(source, result, || Sha256Sum::of(&text));
        return reading.give_back(text);
    }
    let mut input = Hashing::new(Bounded {
        input: Cursor::new(text).chain(input),
        left: LARGEST_REPORT,
    });
    let result = from_large(&mut input).map_err(Refused::NoReport);
    reading.report(source, result, || input.sum());
}

/// Whether the first line is an object by itself and more lines follow. A
/// report that `run -o` wrote has a bracket alone in its first line.
fn is_lines(text: &[u8]) -> bool {
    let Some(end) = memchr(b'\n', text) else {
        return false;
    };
    let (first, rest) = text.split_at(end);
    first.trim_ascii().ends_with(b"}") && !rest.trim_ascii().is_empty()
}

/// Each line by itself: a bad one says nothing against the next.
fn lines(source: &str, input: &mut dyn BufRead, reading: &mut Reading<'_>) {
    let mut line = Vec::new();
    let mut refused = 0;
    for number in 1.. {
        let place = || format!("{source}:{number}");
        if number > MOST_ENTRIES {
            return reading.set_aside(source, &Refused::TooMuch(format!("{MOST_ENTRIES} lines")));
        }
        if refused > MOST_REFUSED {
            let limit = format!("{MOST_REFUSED} lines one after the other that are no reports");
            return reading.set_aside(source, &Refused::TooMuch(limit));
        }
        line.clear();
        match input.take(MOST_IN_MEMORY).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(got) if got as u64 == MOST_IN_MEMORY => {
                let limit = MOST_IN_MEMORY;
                reading.set_aside(&place(), &Problem::TooLarge { limit }.into());
                if let Err(error) = skip_line(input) {
                    return reading.set_aside(&place(), &Refused::of_reading(error));
                }
            }
            Ok(_) if line.trim_ascii().is_empty() => (),
            Ok(_) => {
                let result = from_slice(&line).map_err(Refused::NoReport);
                refused = match result {
                    Ok(_) => 0,
                    Err(_) => refused + 1,
                };
                reading.report(&place(), result, || Sha256Sum::of(&line));
            }
            Err(error) => return reading.set_aside(&place(), &Refused::of_reading(error)),
        }
    }
}

/// Passes over what is left of a line, without keeping it.
fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = memchr(b'\n', buffer);
        let (used, done) = match end {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// Stops with an error, rather than an end, where a text is too long.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)? as u64;
        match self.left.checked_sub(got) {
            Some(left) => {
                self.left = left;
                Ok(got as usize)
            }
            None => Err(io::Error::other(format!(
                "it is larger than {LARGEST_REPORT} bytes, the most that is read as a report"
            ))),
        }
    }
}
