//! Nesting and long strings, looked for before a parser meets them.

use std::io::{self, Read};

use crate::read::saved::DEEPEST;

/// No text of a report is longer: a kernel's command line has 2,048 bytes, a
/// kernel log line 1,024.
const LONGEST_STRING: usize = 1 << 20;
/// Bytes looked at together by [`may_be_deep`].
const BLOCK: usize = 64;

/// Whether the text may be nested too deep; if not, it is not. Strings are
/// counted as if they were structure, so that whole blocks can be counted at
/// once; brackets that hide in strings only make a parser that passes over
/// them, without recursion, do so.
pub(super) fn may_be_deep(text: &[u8]) -> bool {
    let mut level = 0isize;
    text.chunks(BLOCK).any(|block| {
        let opened: u8 = block.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum();
        let closed: u8 = block.iter().map(|byte| u8::from(byte | 0x20 == b'}')).sum();
        let highest = level + opened as isize;
        level += opened as isize - closed as isize;
        highest > DEEPEST as isize
    })
}

/// Whether the text is nested too deep.
pub(super) fn is_deep(text: &[u8]) -> bool {
    let mut scan = Scan::default();
    text.iter()
        .any(|byte| scan.take(*byte) == Some(Trouble::Deep))
}

/// A reader that stops at what no report holds.
pub(in crate::read) struct Guard<R> {
    input: R,
    scan: Scan,
    /// Set where it stopped.
    pub(in crate::read) trouble: Option<Trouble>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum Trouble {
    /// Nested deeper than [`DEEPEST`].
    Deep,
    /// A string beyond [`LONGEST_STRING`].
    Long,
}

impl<R> Guard<R> {
    pub(in crate::read) fn new(input: R) -> Guard<R> {
        Guard {
            input,
            scan: Scan::default(),
            trouble: None,
        }
    }

    /// One that stops at nesting alone: what is read at once is bounded as a
    /// whole.
    pub(in crate::read) fn of_depth(input: R) -> Guard<R> {
        let mut guard = Guard::new(input);
        guard.scan.longest = usize::MAX;
        guard
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        let trouble = buffer[..got].iter().find_map(|byte| self.scan.take(*byte));
        if let Some(trouble) = trouble {
            self.trouble = Some(trouble);
            return Err(io::Error::other(match trouble {
                Trouble::Deep => "nested too deep",
                Trouble::Long => "a text longer than 1 MiB",
            }));
        }
        Ok(got)
    }
}

/// Where a scan is in the structure of a JSON text.
struct Scan {
    longest: usize,
    depth: usize,
    string: Option<usize>,
    escaped: bool,
}

impl Default for Scan {
    fn default() -> Scan {
        Scan {
            longest: LONGEST_STRING,
            depth: 0,
            string: None,
            escaped: false,
        }
    }
}

impl Scan {
    fn take(&mut self, byte: u8) -> Option<Trouble> {
        if let Some(length) = &mut self.string {
            *length += 1;
            if *length > self.longest {
                return Some(Trouble::Long);
            }
            match byte {
                _ if std::mem::take(&mut self.escaped) => (),
                b'\\' => self.escaped = true,
                b'"' => self.string = None,
                _ => (),
            }
            return None;
        }
        match byte {
            b'"' => self.string = Some(0),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => (),
        }
        (self.depth > DEEPEST).then_some(Trouble::Deep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_found_and_brackets_in_strings_are_no_depth() {
        let deep = "[".repeat(DEEPEST + 1);
        assert!(may_be_deep(deep.as_bytes()) && is_deep(deep.as_bytes()));
        let text = format!("[\"\\\"{deep}\"]");
        assert!(may_be_deep(text.as_bytes()) && !is_deep(text.as_bytes()));
        let wide = "[[]],".repeat(100);
        assert!(!may_be_deep(wide.as_bytes()) && !is_deep(wide.as_bytes()));
    }

    #[test]
    fn a_reader_stops_at_long_strings() {
        let text = format!("[\"{}\"]", "x".repeat(LONGEST_STRING + 1));
        let mut guard = Guard::new(text.as_bytes());
        assert!(io::copy(&mut guard, &mut io::sink()).is_err());
        assert_eq!(guard.trouble, Some(Trouble::Long));
    }
}
