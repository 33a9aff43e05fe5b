//! One report, or one report a line.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use crate::report::brief::{from_large, from_slice};
use crate::report::read::{LARGEST_REPORT, Problem};

use super::limits::{MOST_ENTRIES, MOST_IN_MEMORY};
use super::{Refused, Sink};

/// Reads a text of JSON or JSON Lines.
pub(super) fn read(source: &str, input: &mut dyn Read, sink: &dyn Sink) {
    let mut text = Vec::new();
    if let Err(error) = input.take(MOST_IN_MEMORY).read_to_end(&mut text) {
        return sink.set_aside(source, &unreadable(error));
    }
    let is_whole = (text.len() as u64) < MOST_IN_MEMORY;
    if is_lines(&text) {
        return lines(
            source,
            &mut BufReader::new(Cursor::new(text).chain(input)),
            sink,
        );
    }
    let result = match is_whole {
        true => from_slice(&text),
        false => from_large(Bounded {
            input: Cursor::new(text).chain(input),
            left: LARGEST_REPORT,
        }),
    };
    sink.report(source, result.map_err(Refused::NoReport));
}

/// What unpacking says comes through as an error of reading.
fn unreadable(error: io::Error) -> Refused {
    match error.raw_os_error() {
        Some(_) => Refused::Unreadable(error),
        None => Refused::Packing(error),
    }
}

/// Whether the first line is an object by itself and more lines follow. A
/// report that `run -o` wrote has a bracket alone in its first line.
fn is_lines(text: &[u8]) -> bool {
    let Some(end) = text.iter().position(|byte| *byte == b'\n') else {
        return false;
    };
    let (first, rest) = text.split_at(end);
    first.trim_ascii().ends_with(b"}") && !rest.trim_ascii().is_empty()
}

/// Each line by itself: a bad one says nothing against the next.
fn lines(source: &str, input: &mut dyn BufRead, sink: &dyn Sink) {
    let mut line = Vec::new();
    for number in 1.. {
        let place = || format!("{source}:{number}");
        if number > MOST_ENTRIES {
            return sink.set_aside(source, &Refused::TooMuch(format!("{MOST_ENTRIES} lines")));
        }
        line.clear();
        match input.take(MOST_IN_MEMORY).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(got) if got as u64 == MOST_IN_MEMORY => {
                let limit = MOST_IN_MEMORY;
                sink.set_aside(&place(), &Problem::TooLarge { limit }.into());
                if let Err(error) = skip_line(input) {
                    return sink.set_aside(&place(), &unreadable(error));
                }
            }
            Ok(_) if line.trim_ascii().is_empty() => (),
            Ok(_) => sink.report(&place(), from_slice(&line).map_err(Refused::NoReport)),
            Err(error) => return sink.set_aside(&place(), &unreadable(error)),
        }
    }
}

/// Passes over what is left of a line, without keeping it.
fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
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
