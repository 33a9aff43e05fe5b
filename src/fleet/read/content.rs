//! What a file is, by its first bytes: names lie.

use std::io::{Cursor, Read};

use crate::files::packing::{Packing, unpacked};

use super::archive;
use super::documents;
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
    let Some(packing) = Kind::of(&head) else {
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
        Kind::Tar => archive::read(source, &mut input, layers, reading),
        Kind::Packed(packing) => {
            let mut input = unpacked(packing, input);
            read(source, &mut *input, layers + 1, reading);
        }
    }
}

enum Kind {
    Packed(Packing),
    Tar,
}

impl Kind {
    /// `None` for what is not packed.
    fn of(head: &[u8]) -> Option<Kind> {
        match Packing::of(head) {
            Some(packing) => Some(Kind::Packed(packing)),
            None if head.get(TAR_MARK).is_some_and(|mark| mark == b"ustar") => Some(Kind::Tar),
            None => None,
        }
    }
}
