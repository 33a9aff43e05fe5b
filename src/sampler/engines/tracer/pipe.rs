//! Lines out of `trace_pipe`, without waiting for any.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;

use crate::host::root::Root;

/// Read at once.
const CHUNK: usize = 64 << 10;
/// Read in a visit at most, so that a flood does not keep the collector.
const MOST: usize = 4 << 20;
/// A line longer than this is none of the kernel's.
const LONGEST_LINE: usize = 4 << 10;

/// The pipe.
pub(super) struct Pipe {
    file: File,
    /// The line that is not complete yet.
    rest: Vec<u8>,
}

impl Pipe {
    /// Opens the pipe of an instance.
    pub(super) fn open(instance: &Root) -> io::Result<Pipe> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(instance.path("trace_pipe"))?;
        Ok(Pipe {
            file,
            rest: Vec::new(),
        })
    }

    /// Hands over the lines that are there, without their ends.
    pub(super) fn drain(&mut self, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let mut taken = 0;
        while taken < MOST {
            let got = match self.file.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            taken += got;
            split(&mut self.rest, &chunk[..got], sink);
        }
        Ok(())
    }
}

/// Hands over the complete lines of what has come, and keeps the rest.
fn split(rest: &mut Vec<u8>, chunk: &[u8], sink: &mut dyn FnMut(&[u8])) {
    for part in chunk.split_inclusive(|&byte| byte == b'\n') {
        match part.split_last() {
            Some((b'\n', line)) if rest.is_empty() => sink(line),
            Some((b'\n', line)) => {
                rest.extend_from_slice(line);
                sink(rest);
                rest.clear();
            }
            _ if rest.len() + part.len() <= LONGEST_LINE => rest.extend_from_slice(part),
            _ => rest.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_comes_in_pieces_is_one() {
        let (mut rest, mut lines) = (Vec::new(), Vec::new());
        for chunk in ["one\ntw", "o", "\n\nthree"] {
            split(&mut rest, chunk.as_bytes(), &mut |line| {
                lines.push(String::from_utf8_lossy(line).into_owned());
            });
        }
        assert_eq!(lines, ["one", "two", ""]);
        assert_eq!(rest, b"three");
    }

    #[test]
    fn what_never_ends_is_not_kept() {
        let mut rest = Vec::new();
        for _ in 0..100 {
            split(&mut rest, &[b'x'; 1000], &mut |_| panic!("no line"));
        }
        assert!(rest.len() <= LONGEST_LINE);
    }
}
