//! Reports as they are packed: what a file is, by its first bytes, as names
//! lie; and what is written under a name that promises packing.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::path::Path;
use std::rc::Rc;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// A packed file may be unpacked to this much whatever its own size ...
const ANY_RATIO: u64 = 64 << 20;
/// ... and beyond it to this many times its own size. Reports become 10 to 30
/// times smaller; a file of zeros 1,000 times and more.
const MOST_RATIO: u64 = 200;
/// What is written goes into Zstandard frames of so much: as `cat` makes them of
/// several files, one after the other.
const FRAME: usize = 1 << 20;
/// The byte order mark that editors of other systems begin a text with.
const MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Packing {
    /// `None` for what is not packed.
    pub fn of(head: &[u8]) -> Option<Packing> {
        match head {
            // RFC 1952, 2.3.1; RFC 8878, 3.1.1.
            [0x1f, 0x8b, ..] => Some(Packing::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
            _ => None,
        }
    }

    pub fn promised(path: &Path) -> Option<Packing> {
        let ending = path.extension()?.to_ascii_lowercase();
        match ending.to_str()? {
            "gz" => Some(Packing::Gzip),
            "zst" => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// These bytes, packed by themselves: what follows in the same file may be
    /// packed after them.
    pub fn pack(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut packer = Packer::new(Some(self), Vec::new());
        packer.write_all(bytes)?;
        packer.finish()
    }
}

pub enum Packer<W: Write> {
    Plain(W),
    Gzip(Box<GzEncoder<W>>),
    /// As frames; the bytes are those of the next one.
    Zstd(W, Vec<u8>),
}

impl<W: Write> Packer<W> {
    /// Packs into `output`; `None` leaves everything as it is.
    pub fn new(packing: Option<Packing>, output: W) -> Packer<W> {
        match packing {
            None => Packer::Plain(output),
            Some(Packing::Gzip) => {
                Packer::Gzip(Box::new(GzEncoder::new(output, Compression::default())))
            }
            Some(Packing::Zstd) => Packer::Zstd(output, Vec::new()),
        }
    }

    /// Writes what is still to be written, and returns the output.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Packer::Plain(output) => Ok(output),
            Packer::Gzip(packer) => packer.finish(),
            Packer::Zstd(mut output, rest) => {
                output.write_all(&frame(&rest))?;
                Ok(output)
            }
        }
    }
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Packer::Plain(output) => output.write(bytes),
            Packer::Gzip(packer) => packer.write(bytes),
            Packer::Zstd(output, next) => {
                let taken = bytes.len().min(FRAME - next.len());
                next.extend_from_slice(&bytes[..taken]);
                if next.len() == FRAME {
                    let whole = std::mem::take(next);
                    output.write_all(&frame(&whole))?;
                }
                Ok(taken)
            }
        }
    }

    /// Packed bytes are written when there are enough of them, or at the end.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Packer::Plain(output) => output.flush(),
            Packer::Gzip(_) | Packer::Zstd(..) => Ok(()),
        }
    }
}

/// A text without the byte order mark before it.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Unpacks what `input` holds, as far as it does not grow beyond reason.
pub fn unpacked<'a>(packing: Packing, input: impl Read + 'a) -> Box<dyn Read + 'a> {
    let packed = Counted::new(input);
    let count = packed.count.clone();
    match packing {
        Packing::Gzip => {
            let unpacked = flate2::read::MultiGzDecoder::new(packed);
            Box::new(Expanded::new(unpacked, count))
        }
        Packing::Zstd => {
            let unpacked = ZstdFrames::new(BufReader::new(packed));
            Box::new(Expanded::new(unpacked, count))
        }
    }
}

/// What a file holds, unpacked where it is packed.
pub struct Plain<'a> {
    /// How it is packed; `None` where it is not.
    pub packing: Option<Packing>,
    pub content: Box<dyn Read + 'a>,
}

/// What `input` holds, unpacked where it is packed.
///
/// # Errors
/// Those of the first bytes.
pub fn plain<'a>(mut input: impl Read + 'a) -> io::Result<Plain<'a>> {
    let mut head = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut head)?;
    let packing = Packing::of(&head);
    let whole = Cursor::new(head).chain(input);
    let content = match packing {
        Some(packing) => unpacked(packing, whole),
        None => Box::new(whole),
    };
    Ok(Plain { packing, content })
}

struct Counted<R> {
    input: R,
    count: Rc<Cell<u64>>,
}

impl<R> Counted<R> {
    fn new(input: R) -> Counted<R> {
        Counted {
            input,
            count: Rc::default(),
        }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.count.set(self.count.get() + got as u64);
        Ok(got)
    }
}

/// Stops where an unpacked text grows beyond reason.
struct Expanded<R> {
    input: R,
    packed: Rc<Cell<u64>>,
    count: u64,
}

impl<R> Expanded<R> {
    fn new(input: R, packed: Rc<Cell<u64>>) -> Expanded<R> {
        Expanded {
            input,
            packed,
            count: 0,
        }
    }
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.count += got as u64;
        let most = self.packed.get().saturating_mul(MOST_RATIO).max(ANY_RATIO);
        if self.count > most {
            return Err(io::Error::other(format!(
                "it grows to more than {MOST_RATIO} times its size, which no report does"
            )));
        }
        Ok(got)
    }
}

/// Zstandard frames one after the other, as `zstd` itself and `cat` write them.
struct ZstdFrames<R> {
    input: R,
    frame: FrameDecoder,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(input: R) -> ZstdFrames<R> {
        ZstdFrames {
            input,
            frame: FrameDecoder::new(),
        }
    }

    /// Begins the next frame that holds anything; false at the end.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.frame.init(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = (&mut self.input).take(length.into());
                    io::copy(&mut { skipped }, &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.frame.read(buffer)?;
            if got > 0 || buffer.is_empty() {
                return Ok(got);
            }
            if self.frame.is_finished() {
                if !self.next_frame()? {
                    return Ok(0);
                }
            } else {
                (self.frame)
                    .decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(io::Error::other)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_again_also_where_it_was_packed_in_pieces() {
        // Longer than a frame, and no two lines alike.
        let text: String = (0..200_000u64)
            .map(|line| format!("{}\n", line.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        let (first, second) = text.as_bytes().split_at(1_234_567);
        for packing in [Packing::Gzip, Packing::Zstd] {
            let packed = [packing.pack(first).unwrap(), packing.pack(second).unwrap()].concat();
            assert_eq!(Packing::of(&packed), Some(packing));
            assert!(
                packed.len() * 3 < text.len() * 2,
                "{packing:?}: {}",
                packed.len()
            );
            let mut read = String::new();
            let mut plain = plain(packed.as_slice()).unwrap();
            plain.content.read_to_string(&mut read).unwrap();
            assert!(read == text, "{packing:?}");
            let nothing = packing.pack(b"").unwrap();
            assert_eq!(Packing::of(&nothing), Some(packing));
        }
    }
}
