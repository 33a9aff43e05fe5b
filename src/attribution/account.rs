//! The account of a gap: who took which part of it, and how sure that is.
//!
//! It is made once, by [`account`](super::account()), and carried with the gap.
//! Nothing else works out a cause or a share.

use crate::model::{Cause, Confidence};
use crate::units::Nanos;

/// Who took a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who took it, or the part of it that counts most.
    pub cause: Cause,
    /// How sure that is.
    pub confidence: Confidence,
    /// Whether this kernel ran in it; `None` where that is not known.
    pub kernel_ran: Option<bool>,
    /// Who took how much.
    pub parts: Parts,
    /// How sure the platform's part is, where there is one.
    pub platform_confidence: Confidence,
    /// Why a part is not known, where one is not.
    pub unknown_reason: Option<UnknownReason>,
}

/// The parts of a gap; together they are its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// This kernel's, other tasks among that.
    pub os: Nanos,
    /// That of what lies below the kernel: firmware, CPU, or in a guest the
    /// hypervisor.
    pub platform: Nanos,
    /// What the evidence gives to nobody.
    pub unknown: Nanos,
}

impl Parts {
    /// Divides a gap: what is neither the platform's nor unknown is the
    /// kernel's. The platform's part comes first where they are too long.
    pub(super) fn of(length: Nanos, platform: Nanos, unknown: Nanos) -> Parts {
        let platform = platform.min(length);
        let unknown = unknown.min(length.saturating_sub(platform));
        Parts {
            os: length.saturating_sub(platform).saturating_sub(unknown),
            platform,
            unknown,
        }
    }
}

impl Parts {
    /// The same of a length that another rate of the clock gives: the
    /// difference goes to the kernel's part, or where it has none to the others.
    pub fn of_length(self, length: Nanos) -> Parts {
        match (self.os, self.platform, self.unknown) {
            (Nanos(0), _, Nanos(0)) => Parts::of(length, length, Nanos(0)),
            (Nanos(0), platform, _) => Parts::of(length, platform, length),
            (_, platform, unknown) => Parts::of(length, platform, unknown),
        }
    }
}

impl Account {
    /// A gap that nothing is known of.
    pub fn unknown(length: Nanos, kernel_ran: Option<bool>, reason: UnknownReason) -> Account {
        Account {
            cause: Cause::Unknown,
            confidence: Confidence::None,
            kernel_ran,
            parts: Parts::of(length, Nanos(0), length),
            platform_confidence: Confidence::None,
            unknown_reason: Some(reason),
        }
    }

    /// A gap that is the platform's alone.
    pub(super) fn platform(
        length: Nanos,
        (cause, confidence): (Cause, Confidence),
        kernel_ran: Option<bool>,
    ) -> Account {
        Account {
            cause,
            confidence,
            kernel_ran,
            parts: Parts::of(length, length, Nanos(0)),
            platform_confidence: confidence,
            unknown_reason: None,
        }
    }
}

/// Why nobody is given a part of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnknownReason {
    /// The TSC was not a clock.
    ClockBroken,
    /// The machine was suspended or its clock stepped.
    ClockStepped,
    /// Two indicators of the kernel's presence say opposite things.
    Contradiction,
    /// No indicator of the kernel's presence works.
    KernelUnknown,
    /// Records of this time were lost.
    RecordsLost,
    /// The kernel ran and left no record, for longer than such ways take.
    Unrecorded,
    /// Nothing records interrupts, and it is longer than they take here.
    LongInterrupt,
    /// A handler took far longer than in the rest of the run.
    LongHandler,
    /// The run has seen too few such entries to know what they take.
    Unlearnt,
    /// An SMI fell into the time of a task, which takes what it likes.
    SmiInTask,
    /// An SMI was counted, and no record tells how long the kernel ran.
    SmiUnmeasured,
    /// SMIs were counted that other events may have held.
    SmiShared,
}

impl UnknownReason {
    /// Whether it is a length alone that nothing explains.
    pub fn is_by_length(self) -> bool {
        matches!(
            self,
            UnknownReason::LongHandler | UnknownReason::LongInterrupt
        )
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            UnknownReason::ClockBroken => "the TSC could not be trusted at this time",
            UnknownReason::ClockStepped => "the clock stepped or the machine was suspended",
            UnknownReason::Contradiction => {
                "the indicators of the kernel's presence contradict each other"
            }
            UnknownReason::KernelUnknown => "nothing tells whether the kernel ran",
            UnknownReason::RecordsLost => "the kernel's records of this time were lost",
            UnknownReason::Unrecorded => "the kernel ran and left no record",
            UnknownReason::LongInterrupt => {
                "longer than interrupts take here, and nothing records them"
            }
            UnknownReason::LongHandler => "a handler took far longer than in the rest of the run",
            UnknownReason::Unlearnt => "too few kernel entries in this run to tell what they take",
            UnknownReason::SmiInTask => "an SMI fell into the time of a task",
            UnknownReason::SmiUnmeasured => "an SMI and the kernel, in unknown parts",
            UnknownReason::SmiShared => "the SMIs counted may lie in other events",
        }
    }
}
