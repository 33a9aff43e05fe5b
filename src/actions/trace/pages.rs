//! The kernel's trace pages, as they are: only the head of each is read.
//!
//! Source: Documentation/trace/ring-buffer-design.rst, events/header_page.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::units::Cycles;

/// Bytes of a page, as those who read the file take them to be.
pub(super) const PAGE: usize = 4096;
/// Set in the commit field where records before the page were overwritten
/// (kernel/trace/ring_buffer.c, RB_MISSED_EVENTS).
const MISSED: u64 = 1 << 31;

/// The buffer of a CPU.
pub(super) struct Ring {
    cpu: usize,
    pages: File,
}

/// What was kept of a CPU.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) cpu: usize,
    pub(super) pages: Vec<u8>,
    /// The first record, where those before it were overwritten.
    pub(super) lost_before: Option<Cycles>,
}

/// The buffers of all CPUs.
pub(super) fn rings(instance: &Path) -> io::Result<Vec<Ring>> {
    let mut rings = Vec::new();
    for entry in std::fs::read_dir(instance.join("per_cpu"))? {
        let entry = entry?;
        let name = entry.file_name();
        let cpu = name
            .to_str()
            .and_then(|name| name.strip_prefix("cpu")?.parse().ok());
        if let Some(cpu) = cpu {
            let mut open = OpenOptions::new();
            let open = open.read(true).custom_flags(libc::O_NONBLOCK);
            let pages = open.open(entry.path().join("trace_pipe_raw"))?;
            rings.push(Ring { cpu, pages });
        }
    }
    rings.sort_by_key(|ring| ring.cpu);
    Ok(rings)
}

impl Ring {
    /// Empties the buffer, and keeps the pages that may hold records from this
    /// moment on.
    pub(super) fn take(&mut self, from: Cycles) -> Taken {
        let mut taken = take(&mut self.pages, from);
        taken.cpu = self.cpu;
        taken
    }
}

fn take(pages: &mut impl Read, from: Cycles) -> Taken {
    let mut taken = Taken::default();
    // A page ends where the next one begins, so that each is kept or dropped
    // when that has come.
    let mut waiting: Option<Vec<u8>> = None;
    let mut is_first = true;
    loop {
        let mut page = vec![0; PAGE];
        let next = match pages.read(&mut page) {
            // Shorter where the kernel's pages are.
            Ok(16..) => Some(page),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(_) | Err(_) => None,
        };
        let begins = next.as_deref().map(|page| Cycles(field(page, 0)));
        if let (true, Some(page), Some(begin)) = (is_first, &next, begins) {
            let lost = field(page, 8) & MISSED != 0 && begin > from;
            taken.lost_before = lost.then_some(begin);
        }
        is_first = false;
        if let Some(page) = waiting.take()
            && begins.is_none_or(|next| next >= from)
        {
            taken.pages.extend(page);
        }
        match next {
            Some(page) => waiting = Some(page),
            None => return taken,
        }
    }
}

fn field(page: &[u8], at: usize) -> u64 {
    let bytes = page.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(begin: u64, commit: u64) -> Vec<u8> {
        let mut page = vec![0; PAGE];
        page[..8].copy_from_slice(&begin.to_ne_bytes());
        page[8..16].copy_from_slice(&commit.to_ne_bytes());
        page
    }

    fn taken(pages: &[Vec<u8>], from: u64) -> (Vec<u64>, Option<Cycles>) {
        let bytes = pages.concat();
        let taken = take(&mut bytes.as_slice(), Cycles(from));
        let begins = taken.pages.chunks(PAGE).map(|page| field(page, 0));
        (begins.collect(), taken.lost_before)
    }

    #[test]
    fn pages_that_may_hold_records_since_then_are_kept() {
        let pages = [10, 20, 30, 40, 50].map(|begin| page(begin, 4));
        assert_eq!(taken(&pages, 25), (vec![20, 30, 40, 50], None));
        assert_eq!(taken(&pages, 20), (vec![10, 20, 30, 40, 50], None));
        assert_eq!(taken(&pages, 60), (vec![50], None));
        assert_eq!(taken(&[], 1), (vec![], None));
    }

    #[test]
    fn what_was_overwritten_since_then_is_said() {
        let pages = [page(10, 4 | MISSED), page(20, 4)];
        assert_eq!(taken(&pages, 5).1, Some(Cycles(10)));
        assert_eq!(taken(&pages, 15).1, None);
        assert_eq!(taken(&[page(10, 4)], 5).1, None);
    }
}
