//! A judged gap in 144 bytes: some 16,000 of them are kept.

mod pack;
#[cfg(test)]
pub(super) mod tests;

use std::num::NonZero;

use crate::attribution::UnknownReason;
use crate::evidence::kernel_trace::{SHARES, Scope, Standing};
use crate::model::{Cause, Confidence, Counts, Footprint};
use crate::units::{Cycles, Hertz, Nanos};

use super::judged::Recast;

/// A [`JudgedGap`](super::JudgedGap), packed. Times that are kept in 32 bits are told
/// up to 4.29 s, switches and faults up to 255, and a count that is shared among more
/// than 65,535 events as among that many. The companions of a record and the
/// instructions of ring 0 share a field: only a tracer of the kernel's has
/// companions, and no counter is read beside it.
#[derive(Clone, Copy, Debug)]
pub struct PackedGap {
    start: u64,
    length: u64,
    os: u64,
    platform: u64,
    unknown: u64,
    accounted: u64,
    beyond_ways: u64,
    beyond_handlers: u32,
    most_excess: u32,
    all_excess: u32,
    excess_at: u32,
    tasks: u32,
    unlearnt: u32,
    smi_delta: u32,
    run_delay: u32,
    instructions: u32,
    smm: u32,
    elsewhere: Option<NonZero<u32>>,
    share_nanos: [u32; SHARES],
    share_ids: [u16; SHARES],
    smi_among: u16,
    shares: u8,
    switches: Option<u8>,
    faults: Option<u8>,
    ways_beyond: u8,
    handlers_beyond: u8,
    far_beyond: u8,
    kinds: Kinds,
}

#[derive(Clone, Copy, Debug)]
struct Kinds {
    footprint: Footprint,
    smi: SmiKind,
    counts: Counts,
    has_run_delay: bool,
    pmu: Option<Pmu>,
    standing: Option<Standing>,
    scope: Scope,
    only_ways_in: bool,
    cause: Cause,
    confidence: Confidence,
    kernel_ran: Option<bool>,
    platform_confidence: Confidence,
    reason: Option<UnknownReason>,
}

#[derive(Clone, Copy, Debug)]
enum SmiKind {
    Unreadable,
    NotRead,
    Own,
    Shared,
    Alone,
}

/// What counters of ring 0 do in SMM. Its time is known only where they stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pmu {
    Counting,
    Stopped,
    StoppedAndTimed,
}

impl PackedGap {
    /// When the gap began.
    pub fn start(&self) -> Cycles {
        Cycles(self.start)
    }

    /// How long it was.
    pub fn length(&self) -> Cycles {
        Cycles(self.length)
    }

    /// Who took the time.
    pub fn cause(&self) -> Cause {
        self.kinds.cause
    }

    /// How sure that is.
    pub fn confidence(&self) -> Confidence {
        self.kinds.confidence
    }

    /// The platform's part.
    pub fn platform(&self) -> Nanos {
        Nanos(self.platform)
    }

    /// The part that nobody was given.
    pub fn unknown(&self) -> Nanos {
        Nanos(self.unknown)
    }

    /// Where the platform's part begins, from the begin of the gap.
    pub fn platform_at(&self) -> Nanos {
        match self.kinds.kernel_ran {
            Some(true) => Nanos(u64::from(self.excess_at)),
            Some(false) | None => Nanos(0),
        }
    }

    /// The stretch that is the platform's: of a mixed gap its part, else the
    /// whole.
    pub fn platform_span(&self, hz: Hertz) -> (Cycles, Cycles) {
        let (start, length) = match self.cause().is_mixed() {
            true => (
                self.start + hz.to_cycles(self.platform_at()).0,
                hz.to_cycles(self.platform()).0,
            ),
            false => (self.start, self.length),
        };
        (Cycles(start), Cycles(start.wrapping_add(length)))
    }

    /// The gap as it is seen by what was learnt after it was judged.
    pub(super) fn recast(&self, recast: Recast) -> PackedGap {
        let mut gap = *self;
        let (cause, confidence) = match recast {
            Recast::AlignedSmi => (Cause::Smi, Confidence::Probable),
            Recast::Unknown(reason) => {
                (gap.os, gap.platform) = (0, 0);
                gap.unknown = self.os + self.platform + self.unknown;
                gap.kinds.reason = Some(reason);
                (Cause::Unknown, Confidence::None)
            }
        };
        gap.kinds.cause = cause;
        gap.kinds.confidence = confidence;
        gap.kinds.platform_confidence = confidence;
        gap
    }
}
