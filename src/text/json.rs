//! Documents as JSON: indented at the top, one gap or finding a line below, so
//! that both a human and `grep` can use it.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::text::characters::is_plain;

/// Objects and lists nested deeper than this stand on one line: the report,
/// its parts, and the fields or items of each part.
const INDENTED_LEVELS: usize = 2;

/// As much as a pipe holds (pipe(7)): less would wake its reader more often.
const BUFFER: usize = 64 << 10;

/// Writes a report, or another document, with a final line feed. With
/// [`crate::model::LazyGaps`] as the list of gaps nothing but a buffer is held.
pub fn write(document: &impl Serialize, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, out);
    document.serialize(&mut Serializer::with_formatter(&mut out, Layout::default()))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes a document as one line, as JSON Lines have it (jsonlines.org).
pub fn write_line(document: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let layout = Layout {
        depth: INDENTED_LEVELS,
        ..Layout::default()
    };
    document.serialize(&mut Serializer::with_formatter(&mut *out, layout))?;
    out.write_all(b"\n")
}

/// Writes each document as a line.
pub fn write_lines<T: Serialize>(
    documents: impl IntoIterator<Item = T>,
    out: impl Write,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, out);
    for document in documents {
        write_line(&document, &mut out)?;
    }
    out.flush()
}

/// Line breaks above [`INDENTED_LEVELS`], blanks below.
#[derive(Default)]
struct Layout {
    depth: usize,
    has_items: bool,
}

impl Layout {
    fn open<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_items = false;
        out.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_items && self.depth < INDENTED_LEVELS {
            self.new_line(out)?;
        }
        self.has_items = true;
        out.write_all(bracket)
    }

    fn item<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.has_items = true;
        if self.depth <= INDENTED_LEVELS {
            self.new_line(out)
        } else if first {
            Ok(())
        } else {
            out.write_all(b" ")
        }
    }

    fn new_line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b"  "))
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    /// JSON lets DEL, the C1 controls and format characters stand as they are; a
    /// terminal takes U+009B for the start of an escape sequence, and turns
    /// around what follows U+202E.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // So it is in nearly all; whole words of bytes are looked at at once.
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| !is_plain(*c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + hidden.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}
