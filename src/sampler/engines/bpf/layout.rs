//! What the program and the sampler share: orders, results, and records of
//! deltas, in 64-bit numbers.

/// Records of one shot. Each is a delta above the trip level; in a shot of
/// 10 ms there is room for one in 2.4 us.
pub(super) const RECORDS: usize = 4_096;
/// Numbers in a record.
const RECORD_WORDS: usize = 5;
/// Numbers before the first record.
const HEADER_WORDS: usize = 24;
/// Numbers in all.
pub(super) const WORDS: usize = HEADER_WORDS + RECORDS * RECORD_WORDS;

/// A number of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Order: how long to sample, ns.
    Length,
    /// Order: deltas above this become records, ns.
    Trip,
    /// Order: deltas above this are counted as gaps, ns.
    Threshold,
    /// Order: rounds of the loop at most. Result: those left.
    Rounds,
    /// Order: a delta that the first is compared with. Result: the shortest.
    Shortest,
    /// Result: the first reading, CLOCK_MONOTONIC in ns.
    First,
    /// Result: the last reading.
    Last,
    /// Result: deltas above the trip level, whether there was room or not.
    Trips,
    /// Result: deltas above the threshold.
    Gaps,
    /// Result: the longest delta.
    Longest,
    /// Result: readings below the one before.
    Backward,
    /// Result: the CPU's count of NMIs before the first reading.
    Nmis,
    /// Result: its count of machine checks.
    MachineChecks,
    /// Order: a look at the counters takes no longer than this, ns, unless
    /// something hits it.
    LookLimit,
    /// Result: how long the look before the first reading took.
    Look,
    /// Result: the CPU's count of SMIs before the first reading, or an error
    /// below zero.
    Smis,
    /// Result: the same after the last reading.
    SmisAfter,
    /// Result: the clock after that.
    Closed,
    /// The program's own: the reading before the delta in hand.
    Start,
}

/// A number of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The reading before the gap.
    Start,
    /// The reading after it.
    End,
    /// The CPU's count of NMIs after it.
    Nmis,
    /// Its count of machine checks.
    MachineChecks,
    /// Its count of SMIs.
    Smis,
}

impl Slot {
    /// The place of the number in the area.
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// The same in bytes.
    pub(super) const fn bytes(self) -> i16 {
        8 * self as i16
    }
}

impl Field {
    /// The place of the field of a record in the area.
    pub(super) const fn index(self, record: usize) -> usize {
        HEADER_WORDS + record * RECORD_WORDS + self as usize
    }

    /// Its place in the record, in bytes.
    pub(super) const fn bytes(self) -> i16 {
        8 * self as i16
    }
}

/// Where the records begin, in bytes.
pub(super) const RECORDS_AT: i32 = 8 * HEADER_WORDS as i32;
/// Length of a record, in bytes.
pub(super) const RECORD_BYTES: i32 = 8 * RECORD_WORDS as i32;
