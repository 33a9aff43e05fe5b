//! What a file is, by its first bytes: names lie.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::archive;
use super::documents;
use super::limits::{Counted, Expanded};
use super::{Reading, Refused};

/// Packing within packing that is followed: a `.tar.gz` has one layer, its
/// entries may have one more.
const MOST_LAYERS: u32 = 3;
/// More than enough to tell a tar archive: all of a usual report, so that it is
/// read at once.
pub(super) const HEAD: usize = 32 << 10;
/// Where a tar archive has its mark (POSIX.1-1988, ustar).
const TAR_MARK: std::ops::Range<usize> = 257..262;

/// Reads whatever `input` turns out to be.
pub(super) fn read(source: &str, input: &mut dyn Read, layers: u32, reading: &mut Reading<'_>) {
    let mut head = reading.buffer();
    head.reserve(HEAD);
    if let Err(error) = input.take(HEAD as u64).read_to_end(&mut head) {
        return reading.set_aside(source, &Refused::of_reading(error));
    }
    let Some(packing) = Packing::of(&head) else {
        return documents::read(source, head, input, reading);
    };
    if layers >= MOST_LAYERS {
        return reading.set_aside(
            source,
            &Refused::TooMuch(format!("{MOST_LAYERS} packed layers")),
        );
    }
    let mut input = Cursor::new(head).chain(input);
    match packing {
        Packing::Tar => archive::read(source, &mut input, layers, reading),
        Packing::Gzip => {
            let packed = Counted::new(input);
            let count = packed.count.clone();
            let unpacked = flate2::read::MultiGzDecoder::new(packed);
            read(
                source,
                &mut Expanded::new(unpacked, count),
                layers + 1,
                reading,
            );
        }
        Packing::Zstd => {
            let packed = Counted::new(input);
            let count = packed.count.clone();
            let unpacked = ZstdFrames::new(BufReader::new(packed));
            read(
                source,
                &mut Expanded::new(unpacked, count),
                layers + 1,
                reading,
            );
        }
    }
}

enum Packing {
    Gzip,
    Zstd,
    Tar,
}

impl Packing {
    /// `None` for what is not packed.
    fn of(head: &[u8]) -> Option<Packing> {
        match head {
            // RFC 1952, 2.3.1; RFC 8878, 3.1.1.
            [0x1f, 0x8b, ..] => Some(Packing::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
            _ if head.get(TAR_MARK).is_some_and(|mark| mark == b"ustar") => Some(Packing::Tar),
            _ => None,
        }
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
