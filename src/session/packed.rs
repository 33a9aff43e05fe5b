//! A judged gap in 64 bytes: 100,000 of them are kept for each CPU.

use crate::attribution::{Cause, Confidence, Evidence, Footprint, SmiEvidence};
use crate::evidence::kernel_trace::{Account, ActivityId, SHARES, Share, Standing};
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
/// switches and faults up to 255, companions up to 65,535, and a count that is shared among more than
/// 65,535 events as among that many.
#[derive(Clone, Copy, Debug)]
pub struct PackedGap {
    start: u64,
    length: u64,
    accounted: u64,
    smi_delta: u32,
    run_delay: u32,
    usual: u32,
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
    /// Which options are there, and above them how many shares.
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
/// The two bytes of switches and faults hold the companions: only a tracer of
/// the kernel's has these, and it counts none of the others.
const HAS_COMPANIONS: u8 = 128;

fn short(nanos: Nanos) -> u32 {
    u32::try_from(nanos.0).unwrap_or(u32::MAX)
}

fn few(count: Option<u16>) -> u8 {
    count.map_or(0, |count| u8::try_from(count).unwrap_or(u8::MAX))
}

impl PackedGap {
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
        let companions = u16::try_from(raw.companions).unwrap_or(u16::MAX);
        let [switches, faults] = match companions {
            0 => [few(involuntary_switches), few(page_faults)],
            some => some.to_le_bytes(),
        };
        PackedGap {
            start: raw.start.0,
            length: raw.length().0,
            accounted: account.map_or(0, |account| account.accounted.0),
            smi_delta,
            run_delay: run_delay_ns.map_or(0, short),
            usual: usual.map_or(0, short),
            share_nanos: shares.map(|share| share.map_or(0, |share| share.nanos)),
            share_ids: shares.map(|share| share.map_or(0, |share| share.id.0)),
            smi_among: u16::try_from(among).unwrap_or(u16::MAX),
            switches,
            faults,
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
                    | flag(companions > 0, HAS_COMPANIONS),
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
                companions: match known(HAS_COMPANIONS) {
                    true => u32::from(u16::from_le_bytes([self.switches, self.faults])),
                    false => 0,
                },
                evidence: Evidence {
                    footprint: self.kinds.footprint,
                    smi,
                    involuntary_switches: known(HAS_SWITCHES).then_some(self.switches.into()),
                    page_faults: known(HAS_FAULTS).then_some(self.faults.into()),
                    run_delay_ns: known(HAS_DELAY).then_some(Nanos(u64::from(self.run_delay))),
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

    /// Gives the gap another cause, by what was learnt after it.
    pub fn recast(&mut self, cause: Cause, confidence: Confidence) {
        self.kinds.cause = cause;
        self.kinds.confidence = confidence;
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
                evidence: Evidence {
                    footprint: Footprint::Intact,
                    smi: SmiEvidence::Own { delta: u32::MAX },
                    involuntary_switches: None,
                    page_faults: None,
                    run_delay_ns: None,
                },
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
    fn a_packed_gap_takes_64_bytes() {
        assert!(size_of::<PackedGap>() <= 64, "{}", size_of::<PackedGap>());
    }
}
