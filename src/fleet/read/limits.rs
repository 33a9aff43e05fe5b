//! How much is read of what anyone may have sent.

use std::io::{self, Read};

/// A document up to this size is held in memory; a larger one is read as a
/// stream.
pub const MOST_IN_MEMORY: u64 = 8 << 20;
/// Entries of one archive or lines of one file.
pub const MOST_ENTRIES: u64 = 10_000_000;
/// Lines one after the other that are no reports, after which the rest of a
/// file is not looked at.
pub const MOST_REFUSED: u64 = 10_000;
/// A packed file may be unpacked to this much whatever its own size ...
const ANY_RATIO: u64 = 64 << 20;
/// ... and beyond it to this many times its own size. Reports become 10 to 30
/// times smaller; a file of zeros 1,000 times and more.
const MOST_RATIO: u64 = 200;

/// Counts what is read from a packed file.
pub(super) struct Counted<R> {
    input: R,
    pub(super) count: std::rc::Rc<std::cell::Cell<u64>>,
}

impl<R> Counted<R> {
    pub(super) fn new(input: R) -> Counted<R> {
        Counted {
            input,
            count: std::rc::Rc::default(),
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
pub(super) struct Expanded<R> {
    input: R,
    packed: std::rc::Rc<std::cell::Cell<u64>>,
    count: u64,
}

impl<R> Expanded<R> {
    pub(super) fn new(input: R, packed: std::rc::Rc<std::cell::Cell<u64>>) -> Expanded<R> {
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
