//! How much is read of what anyone may have sent.

/// A document up to this size is held in memory; a larger one is read as a
/// stream.
pub const MOST_IN_MEMORY: u64 = 8 << 20;
/// Entries of one archive or lines of one file.
pub const MOST_ENTRIES: u64 = 10_000_000;
/// Lines one after the other that are no reports, after which the rest of a
/// file is not looked at.
pub const MOST_REFUSED: u64 = 10_000;
