//! What the programs keep of each CPU, and the records that they put out.

/// Entries of a CPU's log.
pub(super) const LOG_ENTRIES: i32 = 64;
/// Length of an entry, which is that of a small record: kind, value, time.
pub(super) const ENTRY_BYTES: i32 = 16;
/// Where the log begins in what is kept of a CPU.
pub(super) const LOG_AT: i16 = 112;
/// Length of what is kept of a CPU.
pub(super) const STATE_BYTES: i32 = LOG_AT as i32 + LOG_ENTRIES * ENTRY_BYTES;

/// Places in what is kept of a CPU, and so in the record of an absence, which is
/// all of it up to the end of the log.
#[derive(Clone, Copy, Debug)]
#[repr(i16)]
pub(super) enum Slot {
    /// [`Kind::Absence`].
    Kind = 0,
    /// The vCPU's thread that has the CPU; 0 for none.
    Thread = 8,
    /// It with its process above, at the exit.
    Who = 16,
    /// The time of kvm_exit; 0 before it.
    Exit = 24,
    Code = 32,
    Isa = 36,
    Vcpu = 40,
    Info1 = 48,
    Info2 = 56,
    /// The time of the entry; 0 where the absence goes on.
    Entry = 64,
    /// Entries in the log. May be above its length.
    Logged = 72,
    /// Whether what happens is put out at once, 1, or kept in the log, 0.
    Streams = 80,
    /// How many threads of vCPUs wait for the CPU, about.
    Waiting = 88,
    /// The interrupt handler that the CPU is in, see [`in_course`]; 0 for none.
    Interrupt = 96,
    /// The softirq likewise.
    Softirq = 104,
}

impl Slot {
    pub(super) fn bytes(self) -> i16 {
        self as i16
    }

    /// Index as a 64-bit number.
    pub(super) fn word(self) -> usize {
        self as usize / 8
    }
}

/// What a record is. Below these are the numbers of the tracepoints whose records
/// are a value and a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Kind {
    /// What was kept of an absence.
    Absence = 0x1000,
    Switch,
    /// Value: the thread.
    Waking,
    /// Value: the thread.
    Moved,
    /// Value: the thread.
    Entry,
    /// Value: the SMI count.
    Smis,
}

/// The record of a switch: kind, state of the task that leaves, time, thread,
/// priority and name of both. That of a move is its first six numbers, of which the
/// fifth is the CPU. That of a waking goes on with what the CPU of the waker is in the
/// course of, and the name of the thread that has that CPU.
pub(super) const SWITCH_BYTES: i32 = 64;
pub(super) const MOVE_BYTES: i32 = 24;
pub(super) const WAKING_BYTES: i32 = 48;

/// A handler or softirq in course: the number of its tracepoint, from 1, above the
/// tracepoint's argument. This is the tracepoint's number.
pub(super) fn in_course(slot: u64) -> Option<(usize, u32)> {
    let number = (slot >> 32) as usize;
    Some((number.checked_sub(1)?, slot as u32))
}

/// The record as 32-bit numbers and 64-bit ones.
pub(super) struct Record<'a>(pub(super) &'a [u8]);

impl Record<'_> {
    pub(super) fn word(&self, at: usize) -> Option<u32> {
        Some(u32::from_ne_bytes(self.0.get(at..at + 4)?.try_into().ok()?))
    }

    pub(super) fn long(&self, at: usize) -> Option<u64> {
        Some(u64::from_ne_bytes(self.0.get(at..at + 8)?.try_into().ok()?))
    }

    pub(super) fn slot(&self, slot: Slot) -> Option<u64> {
        self.long(slot as usize)
    }
}
