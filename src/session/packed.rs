//! A judged gap in 144 bytes: some 16,000 of them are kept.

use crate::attribution::{Account, Parts, UnknownReason};
#[cfg(test)]
use crate::attribution::{Known, account};
use crate::evidence::kernel_trace::{ActivityId, KernelTime, SHARES, Scope, Share, Standing};
#[cfg(test)]
use crate::model::Setting;
use crate::model::{Cause, Confidence, Counts, Evidence, Footprint, InSmm, RingZero, SmiEvidence};
use crate::sampler::{RawGap, TripKind};
use crate::units::{Cycles, Hertz, Nanos};

/// A gap, what the kernel's records say of it, and what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedGap {
    /// As it was sampled.
    pub raw: RawGap,
    /// By the kernel's records, where there are any.
    pub kernel: Option<KernelTime>,
    /// Who took which part.
    pub account: Account,
}

impl JudgedGap {
    /// The platform's part, to the cycle where it is the whole gap.
    pub fn platform(&self, hz: Hertz) -> Cycles {
        let Parts {
            os,
            platform,
            unknown,
        } = self.account.parts;
        match (os, unknown) {
            (Nanos(0), Nanos(0)) => self.raw.length(),
            _ => hz.to_cycles(platform),
        }
    }
}

#[cfg(test)]
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

/// What is learnt of a gap after it was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recast {
    /// All sampled CPUs stood still, and went on at once.
    AlignedSmi,
    /// What the clock said of it is not what happened.
    Unknown(UnknownReason),
}

/// The same, packed. Times that are kept in 32 bits are told up to 4.29 s,
/// switches and faults up to 255, and a count that is shared among more than
/// 65,535 events as among that many. The companions of a record and the
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
    /// 0 is none.
    elsewhere: u32,
    share_nanos: [u32; SHARES],
    share_ids: [u16; SHARES],
    smi_among: u16,
    switches: u8,
    faults: u8,
    ways_beyond: u8,
    handlers_beyond: u8,
    far_beyond: u8,
    kinds: Kinds,
}

#[derive(Clone, Copy, Debug)]
struct Kinds {
    footprint: Footprint,
    smi: SmiKind,
    standing: Option<Standing>,
    scope: Scope,
    only_ways_in: bool,
    cause: Cause,
    confidence: Confidence,
    kernel_ran: Option<bool>,
    platform_confidence: Confidence,
    reason: Option<UnknownReason>,
    /// Which options are there and whose they are, above them how many shares, and above those
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
const COUNTS_SHARED: u8 = 8;
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
    /// Packs a gap.
    pub fn pack(gap: &JudgedGap) -> PackedGap {
        let JudgedGap {
            raw,
            kernel,
            account,
        } = gap;
        let Evidence {
            footprint,
            smi,
            involuntary_switches,
            page_faults,
            run_delay_ns,
            counts,
            ring_zero,
            smm_ns,
            elsewhere_ns,
        } = raw.evidence;
        let (smi, smi_delta, among) = match smi {
            SmiEvidence::Unreadable => (SmiKind::Unreadable, 0, 0),
            SmiEvidence::NotRead => (SmiKind::NotRead, 0, 0),
            SmiEvidence::Own { delta } => (SmiKind::Own, delta, 0),
            SmiEvidence::Shared { delta, among } => (SmiKind::Shared, delta, among),
            SmiEvidence::Alone { delta } => (SmiKind::Alone, delta, 0),
        };
        let none = KernelTime::explained(Standing::Nothing, Nanos(0));
        let kernel_time = kernel.unwrap_or(none);
        let shares = kernel_time.shares;
        let flag = |known: bool, flag: u8| if known { flag } else { 0 };
        PackedGap {
            start: raw.start.0,
            length: raw.length().0,
            os: account.parts.os.0,
            platform: account.parts.platform.0,
            unknown: account.parts.unknown.0,
            accounted: kernel_time.accounted.0,
            beyond_ways: kernel_time.beyond_ways.0,
            beyond_handlers: short(kernel_time.beyond_handlers),
            most_excess: short(kernel_time.most_excess),
            all_excess: short(kernel_time.all_excess),
            excess_at: short(kernel_time.excess_at),
            tasks: short(kernel_time.tasks),
            unlearnt: short(kernel_time.unlearnt),
            smi_delta,
            run_delay: run_delay_ns.map_or(0, short),
            instructions: ring_zero.map_or(raw.companions, |ring_zero| ring_zero.instructions),
            smm: smm_ns.map_or(0, short),
            elsewhere: elsewhere_ns.map_or(0, short),
            share_nanos: shares.map(|share| share.map_or(0, |share| share.nanos)),
            share_ids: shares.map(|share| share.map_or(0, |share| share.id.0)),
            smi_among: u16::try_from(among).unwrap_or(u16::MAX),
            switches: few(involuntary_switches),
            faults: few(page_faults),
            ways_beyond: kernel_time.ways_beyond,
            handlers_beyond: kernel_time.handlers_beyond,
            far_beyond: kernel_time.far_beyond,
            kinds: Kinds {
                footprint,
                smi,
                standing: kernel.map(|kernel| kernel.standing),
                scope: kernel_time.scope,
                only_ways_in: kernel_time.only_ways_in,
                cause: account.cause,
                confidence: account.confidence,
                kernel_ran: account.kernel_ran,
                platform_confidence: account.platform_confidence,
                reason: account.unknown_reason,
                known: (shares.iter().flatten().count() as u8) << SHARES_SHIFT
                    | flag(involuntary_switches.is_some(), HAS_SWITCHES)
                    | flag(page_faults.is_some(), HAS_FAULTS)
                    | flag(run_delay_ns.is_some(), HAS_DELAY)
                    | flag(counts == Counts::Shared, COUNTS_SHARED)
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
                kind: TripKind::Gap,
                start: Cycles(self.start),
                end: Cycles(self.start.wrapping_add(self.length)),
                // These have served their purpose: the reading is assigned, and
                // the records are compared.
                smi_reading: 0,
                own: Cycles(0),
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
                    counts: match known(COUNTS_SHARED) {
                        true => Counts::Shared,
                        false => Counts::Own,
                    },
                    ring_zero: self.ring_zero(),
                    smm_ns: (self.kinds.known >> PMU_SHIFT == STOPPED_AND_TIMED)
                        .then_some(Nanos(u64::from(self.smm))),
                    elsewhere_ns: (self.elsewhere > 0).then_some(Nanos(u64::from(self.elsewhere))),
                },
            },
            kernel: self.kinds.standing.map(|standing| self.kernel(standing)),
            account: Account {
                cause: self.kinds.cause,
                confidence: self.kinds.confidence,
                kernel_ran: self.kinds.kernel_ran,
                parts: Parts {
                    os: Nanos(self.os),
                    platform: Nanos(self.platform),
                    unknown: Nanos(self.unknown),
                },
                platform_confidence: self.kinds.platform_confidence,
                unknown_reason: self.kinds.reason,
            },
        }
    }

    fn kernel(&self, standing: Standing) -> KernelTime {
        let nanos = |short: u32| Nanos(u64::from(short));
        KernelTime {
            standing,
            scope: self.kinds.scope,
            accounted: Nanos(self.accounted),
            beyond_ways: Nanos(self.beyond_ways),
            ways_beyond: self.ways_beyond,
            only_ways_in: self.kinds.only_ways_in,
            beyond_handlers: nanos(self.beyond_handlers),
            handlers_beyond: self.handlers_beyond,
            far_beyond: self.far_beyond,
            most_excess: nanos(self.most_excess),
            all_excess: nanos(self.all_excess),
            tasks: nanos(self.tasks),
            unlearnt: nanos(self.unlearnt),
            excess_at: nanos(self.excess_at),
            shares: self.shares(),
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
        let (cause, confidence) = match recast {
            Recast::AlignedSmi => (Cause::Smi, Confidence::Probable),
            Recast::Unknown(_) => (Cause::Unknown, Confidence::None),
        };
        let kinds = Kinds {
            cause,
            confidence,
            platform_confidence: confidence,
            ..self.kinds
        };
        match recast {
            Recast::AlignedSmi => PackedGap { kinds, ..*self },
            Recast::Unknown(reason) => PackedGap {
                os: 0,
                platform: 0,
                unknown: self.os + self.platform + self.unknown,
                kinds: Kinds {
                    reason: Some(reason),
                    ..kinds
                },
                ..*self
            },
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
}
