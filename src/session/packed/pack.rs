//! From a judged gap to a packed one, and back.

use std::num::NonZero;

use super::{Kinds, PackedGap, Pmu, SmiKind};
use crate::attribution::{Account, Parts};
use crate::evidence::kernel_trace::{ActivityId, KernelTime, SHARES, Share, Standing};
use crate::model::{Evidence, InSmm, RingZero, SmiEvidence};
use crate::sampler::{RawGap, TripKind};
use crate::session::judged::JudgedGap;
use crate::units::{Cycles, Nanos};

fn short(nanos: Nanos) -> u32 {
    u32::try_from(nanos.0).unwrap_or(u32::MAX)
}

fn few(count: u16) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

fn long(short: u32) -> Nanos {
    Nanos(short.into())
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
            elsewhere: elsewhere_ns.map(short).and_then(NonZero::new),
            share_nanos: shares.map(|share| share.map_or(0, |share| share.nanos)),
            share_ids: shares.map(|share| share.map_or(0, |share| share.id.0)),
            smi_among: u16::try_from(among).unwrap_or(u16::MAX),
            shares: shares.iter().flatten().count() as u8,
            switches: involuntary_switches.map(few),
            faults: page_faults.map(few),
            ways_beyond: kernel_time.ways_beyond,
            handlers_beyond: kernel_time.handlers_beyond,
            far_beyond: kernel_time.far_beyond,
            kinds: Kinds {
                footprint,
                smi,
                counts,
                has_run_delay: run_delay_ns.is_some(),
                pmu: ring_zero.map(|ring_zero| match (ring_zero.in_smm, smm_ns) {
                    (InSmm::Counting, _) => Pmu::Counting,
                    (InSmm::Stopped, None) => Pmu::Stopped,
                    (InSmm::Stopped, Some(_)) => Pmu::StoppedAndTimed,
                }),
                standing: kernel.map(|kernel| kernel.standing),
                scope: kernel_time.scope,
                only_ways_in: kernel_time.only_ways_in,
                cause: account.cause,
                confidence: account.confidence,
                kernel_ran: account.kernel_ran,
                platform_confidence: account.platform_confidence,
                reason: account.unknown_reason,
            },
        }
    }

    /// Unpacks it.
    pub fn unpack(&self) -> JudgedGap {
        let Kinds { pmu, .. } = self.kinds;
        JudgedGap {
            raw: RawGap {
                kind: TripKind::Gap,
                start: Cycles(self.start),
                end: Cycles(self.start.wrapping_add(self.length)),
                // These have served their purpose: the reading is assigned, and
                // the records are compared.
                smi_reading: 0,
                own: Cycles(0),
                companions: match pmu {
                    None => self.instructions,
                    Some(_) => 0,
                },
                evidence: Evidence {
                    footprint: self.kinds.footprint,
                    smi: self.smi(),
                    involuntary_switches: self.switches.map(u16::from),
                    page_faults: self.faults.map(u16::from),
                    run_delay_ns: self.kinds.has_run_delay.then_some(long(self.run_delay)),
                    counts: self.kinds.counts,
                    ring_zero: pmu.map(|pmu| RingZero {
                        instructions: self.instructions,
                        in_smm: match pmu {
                            Pmu::Counting => InSmm::Counting,
                            Pmu::Stopped | Pmu::StoppedAndTimed => InSmm::Stopped,
                        },
                    }),
                    smm_ns: (pmu == Some(Pmu::StoppedAndTimed)).then_some(long(self.smm)),
                    elsewhere_ns: self.elsewhere.map(|nanos| long(nanos.get())),
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

    fn smi(&self) -> SmiEvidence {
        let (delta, among) = (self.smi_delta, u32::from(self.smi_among));
        match self.kinds.smi {
            SmiKind::Unreadable => SmiEvidence::Unreadable,
            SmiKind::NotRead => SmiEvidence::NotRead,
            SmiKind::Own => SmiEvidence::Own { delta },
            SmiKind::Shared => SmiEvidence::Shared { delta, among },
            SmiKind::Alone => SmiEvidence::Alone { delta },
        }
    }

    fn kernel(&self, standing: Standing) -> KernelTime {
        KernelTime {
            standing,
            scope: self.kinds.scope,
            accounted: Nanos(self.accounted),
            beyond_ways: Nanos(self.beyond_ways),
            ways_beyond: self.ways_beyond,
            only_ways_in: self.kinds.only_ways_in,
            beyond_handlers: long(self.beyond_handlers),
            handlers_beyond: self.handlers_beyond,
            far_beyond: self.far_beyond,
            most_excess: long(self.most_excess),
            all_excess: long(self.all_excess),
            tasks: long(self.tasks),
            unlearnt: long(self.unlearnt),
            excess_at: long(self.excess_at),
            shares: self.shares(),
        }
    }

    fn shares(&self) -> [Option<Share>; SHARES] {
        std::array::from_fn(|index| {
            (index < usize::from(self.shares)).then(|| Share {
                id: ActivityId(self.share_ids[index]),
                nanos: self.share_nanos[index],
            })
        })
    }
}
