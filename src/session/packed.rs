//! A judged gap in 72 bytes: 100,000 of them are kept for each CPU.

use crate::attribution::{Cause, Confidence, Evidence, Footprint, SmiEvidence};
use crate::evidence::kernel_trace::{Account, ActivityId, SHARES, Share, Standing};
use crate::evidence::pmu::{InSmm, RingZero};
use crate::sampler::RawGap;
use crate::units::{Cycles, Nanos};

/// A gap, what the kernel's records say of it, and what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedGap {
    /// As it was sampled.
    pub raw: RawGap,
    /// By the kernel's records, where there are any.
    pub account: Option<Account>,
    /// Who took the time.
    pub cause: Cause,
    /// How sure that is.
    pub confidence: Confidence,
}

/// The same, packed. Run delays and usual costs are told up to 4.29 s,
/// switches and faults up to 255, and a count that is shared among more than
/// 65,535 events as among that many. The companions of a record and the
/// instructions of ring 0 share a field: only a tracer of the kernel's has
/// companions, and no counter is read beside it.
#[derive(Clone, Copy, Debug)]
pub struct PackedGap {
    start: u64,
    length: u64,
    accounted: u64,
    smi_delta: u32,
    run_delay: u32,
    usual: u32,
    instructions: u32,
    smm: u32,
    share_nanos: [u32; SHARES],
    share_ids: [u16; SHARES],
    smi_among: u16,
    switches: u8,
    faults: u8,
    kinds: Kinds,
}

#[derive(Clone, Copy, Debug)]
struct Kinds {
    footprint: Footprint,
    smi: SmiKind,
    standing: Option<Standing>,
    cause: Cause,
    confidence: Confidence,
    /// Which options are there, above them how many shares, and above those
    /// what the PMU counted.
    known: u8,
}

#[derive(Clone, Copy, Debug)]
enum SmiKind {
    Unreadable,
    NotRead,
    Own,
    Shared,
    Alone,
}

const HAS_SWITCHES: u8 = 1;
const HAS_FAULTS: u8 = 2;
const HAS_DELAY: u8 = 4;
const HAS_USUAL: u8 = 8;
const SHARES_SHIFT: u8 = 4;
const SHARES_MASK: u8 = 3;
const PMU_SHIFT: u8 = 6;
/// What the PMU counted, above the number of shares; 0 is nothing.
const COUNTING: u8 = 1;
const STOPPED: u8 = 2;
const STOPPED_AND_TIMED: u8 = 3;

fn short(nanos: Nanos) -> u32 {
    u32::try_from(nanos.0).unwrap_or(u32::MAX)
}

fn few(count: Option<u16>) -> u8 {
    count.map_or(0, |count| u8::try_from(count).unwrap_or(u8::MAX))
}

/// The time in SMM is known only where counters stop in it.
fn pmu(ring_zero: Option<RingZero>, smm: Option<Nanos>) -> u8 {
    match (ring_zero.map(|ring_zero| ring_zero.in_smm), smm) {
        (None, _) => 0,
        (Some(InSmm::Counting), _) => COUNTING,
        (Some(InSmm::Stopped), None) => STOPPED,
        (Some(InSmm::Stopped), Some(_)) => STOPPED_AND_TIMED,
    }
}

impl PackedGap {
    /// What is where no gap has been put yet.
    pub(super) const BLANK: PackedGap = PackedGap {
        start: 0,
        length: 0,
        accounted: 0,
        smi_delta: 0,
        run_delay: 0,
        usual: 0,
        instructions: 0,
        smm: 0,
        share_nanos: [0; SHARES],
        share_ids: [0; SHARES],
        smi_among: 0,
        switches: 0,
        faults: 0,
        kinds: Kinds {
            footprint: Footprint::Unusable,
            smi: SmiKind::NotRead,
            standing: None,
            cause: Cause::Unknown,
            confidence: Confidence::None,
            known: 0,
        },
    };

    /// Packs a gap.
    pub fn pack(gap: &JudgedGap) -> PackedGap {
        let JudgedGap {
            raw,
            account,
            cause,
            confidence,
        } = gap;
        let Evidence {
            footprint,
            smi,
            involuntary_switches,
            page_faults,
            run_delay_ns,
            ring_zero,
            smm_ns,
        } = raw.evidence;
        let (smi, smi_delta, among) = match smi {
            SmiEvidence::Unreadable => (SmiKind::Unreadable, 0, 0),
            SmiEvidence::NotRead => (SmiKind::NotRead, 0, 0),
            SmiEvidence::Own { delta } => (SmiKind::Own, delta, 0),
            SmiEvidence::Shared { delta, among } => (SmiKind::Shared, delta, among),
            SmiEvidence::Alone { delta } => (SmiKind::Alone, delta, 0),
        };
        let shares = account.map_or([None; SHARES], |account| account.shares);
        let flag = |known: bool, flag: u8| if known { flag } else { 0 };
        let usual = account.and_then(|account| account.usual);
        PackedGap {
            start: raw.start.0,
            length: raw.length().0,
            accounted: account.map_or(0, |account| account.accounted.0),
            smi_delta,
            run_delay: run_delay_ns.map_or(0, short),
            usual: usual.map_or(0, short),
            instructions: ring_zero.map_or(raw.companions, |ring_zero| ring_zero.instructions),
            smm: smm_ns.map_or(0, short),
            share_nanos: shares.map(|share| share.map_or(0, |share| share.nanos)),
            share_ids: shares.map(|share| share.map_or(0, |share| share.id.0)),
            smi_among: u16::try_from(among).unwrap_or(u16::MAX),
            switches: few(involuntary_switches),
            faults: few(page_faults),
            kinds: Kinds {
                footprint,
                smi,
                standing: account.map(|account| account.standing),
                cause: *cause,
                confidence: *confidence,
                known: (shares.iter().flatten().count() as u8) << SHARES_SHIFT
                    | flag(involuntary_switches.is_some(), HAS_SWITCHES)
                    | flag(page_faults.is_some(), HAS_FAULTS)
                    | flag(run_delay_ns.is_some(), HAS_DELAY)
                    | flag(usual.is_some(), HAS_USUAL)
                    | pmu(ring_zero, smm_ns) << PMU_SHIFT,
            },
        }
    }

    /// Unpacks it.
    pub fn unpack(&self) -> JudgedGap {
        let known = |flag: u8| self.kinds.known & flag != 0;
        let (delta, among) = (self.smi_delta, u32::from(self.smi_among));
        let smi = match self.kinds.smi {
            SmiKind::Unreadable => SmiEvidence::Unreadable,
            SmiKind::NotRead => SmiEvidence::NotRead,
            SmiKind::Own => SmiEvidence::Own { delta },
            SmiKind::Shared => SmiEvidence::Shared { delta, among },
            SmiKind::Alone => SmiEvidence::Alone { delta },
        };
        JudgedGap {
            raw: RawGap {
                start: Cycles(self.start),
                end: Cycles(self.start.wrapping_add(self.length)),
                // It has served its purpose: the reading is assigned.
                smi_reading: 0,
                companions: match self.kinds.known >> PMU_SHIFT {
                    0 => self.instructions,
                    _ => 0,
                },
                evidence: Evidence {
                    footprint: self.kinds.footprint,
                    smi,
                    involuntary_switches: known(HAS_SWITCHES).then_some(self.switches.into()),
                    page_faults: known(HAS_FAULTS).then_some(self.faults.into()),
                    run_delay_ns: known(HAS_DELAY).then_some(Nanos(u64::from(self.run_delay))),
                    ring_zero: self.ring_zero(),
                    smm_ns: (self.kinds.known >> PMU_SHIFT == STOPPED_AND_TIMED)
                        .then_some(Nanos(u64::from(self.smm))),
                },
            },
            account: self.kinds.standing.map(|standing| Account {
                standing,
                accounted: Nanos(self.accounted),
                usual: known(HAS_USUAL).then_some(Nanos(u64::from(self.usual))),
                shares: self.shares(),
            }),
            cause: self.kinds.cause,
            confidence: self.kinds.confidence,
        }
    }

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

    /// The gap with another cause.
    pub(super) fn recast(&self, cause: Cause, confidence: Confidence) -> PackedGap {
        PackedGap {
            kinds: Kinds {
                cause,
                confidence,
                ..self.kinds
            },
            ..*self
        }
    }

    fn ring_zero(&self) -> Option<RingZero> {
        let in_smm = match self.kinds.known >> PMU_SHIFT {
            COUNTING => InSmm::Counting,
            STOPPED | STOPPED_AND_TIMED => InSmm::Stopped,
            _ => return None,
        };
        Some(RingZero {
            instructions: self.instructions,
            in_smm,
        })
    }

    fn shares(&self) -> [Option<Share>; SHARES] {
        std::array::from_fn(|index| {
            (index < usize::from(self.kinds.known >> SHARES_SHIFT & SHARES_MASK)).then(|| Share {
                id: ActivityId(self.share_ids[index]),
                nanos: self.share_nanos[index],
            })
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::session) fn gap(start: u64, length: u64) -> JudgedGap {
        JudgedGap {
            raw: RawGap {
                start: Cycles(start),
                end: Cycles(start + length),
                smi_reading: 0,
                companions: 0,
                evidence: Evidence {
                    footprint: Footprint::Cleared,
                    smi: SmiEvidence::Shared { delta: 2, among: 3 },
                    involuntary_switches: Some(1),
                    page_faults: None,
                    run_delay_ns: Some(Nanos(77)),
                    ring_zero: Some(RingZero {
                        instructions: 4_711,
                        in_smm: InSmm::Stopped,
                    }),
                    smm_ns: Some(Nanos(5)),
                },
            },
            account: Some(Account {
                standing: Standing::Interrupts,
                accounted: Nanos(9),
                usual: None,
                shares: [
                    Some(Share {
                        id: ActivityId(4),
                        nanos: 8,
                    }),
                    None,
                    None,
                ],
            }),
            cause: Cause::Os,
            confidence: Confidence::Proved,
        }
    }

    #[test]
    fn a_gap_survives_packing() {
        let full = gap(10, 500);
        assert_eq!(PackedGap::pack(&full).unpack(), full);
        let bare = JudgedGap {
            account: None,
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
    fn a_packed_gap_takes_72_bytes() {
        assert!(size_of::<PackedGap>() <= 72, "{}", size_of::<PackedGap>());
    }
}
