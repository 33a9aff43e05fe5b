//! A table that BPF programs look things up in.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::call;

/// 64-bit values by 32-bit keys.
#[derive(Debug)]
pub struct Table(OwnedFd);

impl Table {
    /// Room for so many.
    ///
    /// # Errors
    /// EPERM without the rights, ENOMEM.
    pub fn new(entries: u32, name: &str) -> io::Result<Table> {
        call::create_table(entries, name).map(Table)
    }

    /// Gives a key a value.
    ///
    /// # Errors
    /// EEXIST where it has one, E2BIG where the table is full.
    pub fn insert(&self, key: u32, value: u64) -> io::Result<()> {
        call::insert(self.0.as_fd(), key, value)
    }

    /// Takes a key out.
    ///
    /// # Errors
    /// ENOENT where it is not in.
    pub fn remove(&self, key: u32) -> io::Result<()> {
        call::remove(self.0.as_fd(), key)
    }

    pub fn map(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
