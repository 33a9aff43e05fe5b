//! The SHA-256 of a report's JSON form, by which a reader can tell that a page
//! belongs to a file.

use std::fmt;
use std::io::{self, Read, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::Report;
use crate::text::json;

/// A hash; shown in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha256Sum([u8; 32]);

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Sha256Sum {
    /// Of bytes that are at hand.
    pub fn of(bytes: &[u8]) -> Sha256Sum {
        Sha256Sum(Sha256::digest(bytes).into())
    }
}

/// Of bytes that are at hand, in lower-case hexadecimal.
pub fn of(bytes: &[u8]) -> String {
    Sha256Sum::of(bytes).to_string()
}

/// Of the file that [`json::write`] makes of a report, without making it.
pub fn of_report<G: Serialize>(report: &Report<G>) -> io::Result<String> {
    let mut sink = Sink(Sha256::new());
    json::write(report, &mut sink)?;
    Ok(Sha256Sum(sink.0.finalize().into()).to_string())
}

pub struct Hashing<R> {
    input: R,
    hash: Sha256,
    length: u64,
}

impl<R> Hashing<R> {
    /// Nothing is read yet.
    pub fn new(input: R) -> Hashing<R> {
        Hashing {
            input,
            hash: Sha256::new(),
            length: 0,
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub fn sum(self) -> Sha256Sum {
        Sha256Sum(self.hash.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.hash.update(&buffer[..got]);
        self.length += got as u64;
        Ok(got)
    }
}

struct Sink(Sha256);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of FIPS 180-4's test vectors.
    #[test]
    fn the_hash_is_that_of_the_standard() {
        assert_eq!(
            of(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
