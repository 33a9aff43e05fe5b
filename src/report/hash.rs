//! The SHA-256 of a report's JSON form, by which a reader can tell that a page
//! belongs to a file.

use std::fmt;
use std::io::{self, Read, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::json;
use super::model::Report;

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

/// Passes on what is read, and hashes it.
pub struct Hashing<R> {
    input: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    /// Nothing is read yet.
    pub fn new(input: R) -> Hashing<R> {
        Hashing {
            input,
            hash: Sha256::new(),
        }
    }

    /// The hash of all that was read.
    pub fn sum(self) -> Sha256Sum {
        Sha256Sum(self.hash.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.hash.update(&buffer[..got]);
        Ok(got)
    }
}

/// Of bytes that are at hand, in lower-case hexadecimal.
pub fn of(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

/// Of the file that [`json::write`] makes of a report, without making it.
pub fn of_report<G: Serialize>(report: &Report<G>) -> io::Result<String> {
    let mut sink = Sink(Sha256::new());
    json::write(report, &mut sink)?;
    Ok(hexadecimal(sink.0))
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

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
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
