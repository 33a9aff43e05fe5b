//! Gaps for tests, and that they survive packing.

use super::*;
use crate::attribution::{Account, Known, Parts, account};
use crate::evidence::kernel_trace::{ActivityId, KernelTime, Share};
use crate::model::{Evidence, InSmm, RingZero, Setting, SmiEvidence};
use crate::sampler::{RawGap, TripKind};
use crate::session::judged::JudgedGap;

impl JudgedGap {
    /// A gap from one cycle to another at 1 GHz, of which nothing is known but
    /// the evidence.
    pub(crate) fn by_evidence(
        start: u64,
        end: u64,
        evidence: Evidence,
        setting: Setting,
    ) -> JudgedGap {
        JudgedGap {
            raw: RawGap {
                kind: TripKind::Gap,
                start: Cycles(start),
                end: Cycles(end),
                smi_reading: 0,
                own: Cycles(0),
                companions: 0,
                evidence,
            },
            kernel: None,
            account: account(Known {
                evidence: &evidence,
                kernel: None,
                interrupts: None,
                length: Nanos(end - start),
                setting,
            }),
        }
    }
}

pub(in crate::session) fn gap(start: u64, length: u64) -> JudgedGap {
    JudgedGap {
        raw: RawGap {
            kind: TripKind::Gap,
            start: Cycles(start),
            end: Cycles(start + length),
            smi_reading: 0,
            own: Cycles(0),
            companions: 0,
            evidence: Evidence {
                footprint: Footprint::Cleared,
                smi: SmiEvidence::Shared { delta: 2, among: 3 },
                involuntary_switches: Some(1),
                page_faults: None,
                run_delay_ns: Some(Nanos(77)),
                counts: Counts::Shared,
                ring_zero: Some(RingZero {
                    instructions: 4_711,
                    in_smm: InSmm::Stopped,
                }),
                smm_ns: Some(Nanos(5)),
                elsewhere_ns: Some(Nanos(6)),
            },
        },
        kernel: Some(KernelTime {
            beyond_handlers: Nanos(2),
            handlers_beyond: 1,
            only_ways_in: false,
            excess_at: Nanos(3),
            shares: [
                Some(Share {
                    id: ActivityId(4),
                    nanos: 8,
                }),
                None,
                None,
            ],
            ..KernelTime::explained(Standing::Interrupts, Nanos(9))
        }),
        account: Account {
            cause: Cause::Os,
            confidence: Confidence::Proved,
            kernel_ran: Some(true),
            parts: Parts {
                os: Nanos(length - length.min(2)),
                platform: Nanos(0),
                unknown: Nanos(length.min(2)),
            },
            platform_confidence: Confidence::None,
            unknown_reason: Some(UnknownReason::LongHandler),
        },
    }
}

#[test]
fn a_gap_survives_packing() {
    let full = gap(10, 500);
    assert_eq!(PackedGap::pack(&full).unpack(), full);
    let bare = JudgedGap {
        kernel: None,
        raw: RawGap {
            evidence: Evidence::new(Footprint::Intact, SmiEvidence::Own { delta: u32::MAX }),
            ..full.raw
        },
        ..full
    };
    assert_eq!(PackedGap::pack(&bare).unpack(), bare);
    let among = JudgedGap {
        raw: RawGap {
            companions: 300,
            ..bare.raw
        },
        ..bare
    };
    assert_eq!(PackedGap::pack(&among).unpack(), among);
}

#[test]
fn a_gap_that_is_given_to_nobody_keeps_its_length() {
    let packed =
        PackedGap::pack(&gap(10, 500)).recast(Recast::Unknown(UnknownReason::ClockStepped));
    let account = packed.unpack().account;
    assert_eq!(
        (account.cause, account.parts.unknown),
        (Cause::Unknown, Nanos(500))
    );
    assert_eq!(account.parts.os, Nanos(0));
}

#[test]
fn a_packed_gap_takes_144_bytes() {
    assert!(size_of::<PackedGap>() <= 144, "{}", size_of::<PackedGap>());
}
