//! One CPU's gaps, judged and counted as they come in.

use crate::attribution::{
    Cause, Confidence, Setting, Throttling, attribute, looks_throttled, shares,
};
use crate::evidence::kernel_trace::{Account, Standing};
use crate::report::model::CauseCounts;
use crate::sampler::{CpuTotals, RawGap};
use crate::units::{Cycles, Hertz, Nanos};

use super::kept::KeptGaps;
use super::packed::JudgedGap;
use super::retention::{KeptThen, RETAINED, Retention};
use super::rhythm::Pace;
use super::witnesses::{Agreement, RingZeroAgreement};

/// What the run is held against.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Platform gaps above this fail the run.
    pub hardlimit: Cycles,
    /// Gaps above this are recorded.
    pub threshold: Cycles,
    /// The cycles of a nanosecond, for what is compared with kernel counts.
    pub hz: Hertz,
    /// Whether the first platform gap ends the run.
    pub stop_on_gap: StopOnGap,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
    /// Bare metal or guest, clock good or bad.
    pub setting: Setting,
    /// How often the collector looks.
    pub pace: Pace,
}

/// What the first platform gap does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOnGap {
    /// Nothing.
    No,
    /// Ends the run.
    Yes,
}

/// What was collected of one CPU.
#[derive(Clone, Debug)]
pub struct CpuCollection {
    /// The gaps kept.
    pub gaps: KeptGaps,
    /// All gaps by cause.
    pub counts: CauseCounts,
    /// Gaps of which the platform's share is above the limit.
    pub platform_above_limit: u64,
    /// Gaps above the limit that hold an SMI and the kernel, in unknown shares.
    pub mixed_above_limit: u64,
    /// Gaps above the limit that hold an SMI, and of which the kernel's records
    /// leave no more than the limit: the SMI fell into the kernel's time, and
    /// its length is not known.
    pub smis_in_kernel_time: u64,
    /// Gaps above the limit of unknown cause.
    pub unknown_above_limit: u64,
    /// The longest platform gap, or share of one.
    pub max_platform: Cycles,
    /// Gaps that are real-time throttling.
    pub throttled: u64,
    /// How footprint and kernel records agree.
    pub agreement: Agreement,
    /// How footprint and instructions of ring 0 agree.
    pub ring_zero: RingZeroAgreement,
}

impl CpuCollection {
    /// Takes every attribution back: a TSC that ran backwards on this CPU may
    /// have made any of its gaps.
    fn disown(&mut self) {
        self.gaps
            .recast(|_| Some((Cause::Unknown, Confidence::None)));
        self.counts = CauseCounts {
            unknown: self.counts.each().iter().map(|(_, count)| count).sum(),
            ..CauseCounts::default()
        };
        self.unknown_above_limit += self.platform_above_limit + self.mixed_above_limit;
        self.platform_above_limit = 0;
        self.mixed_above_limit = 0;
        self.max_platform = Cycles(0);
        self.throttled = 0;
    }
}

/// The counts of one CPU while a run goes on.
pub(super) struct Tally {
    retention: Retention,
    collection: CpuCollection,
}

impl Tally {
    pub(super) fn new() -> Tally {
        Tally {
            retention: Retention::new(RETAINED),
            collection: CpuCollection {
                gaps: KeptGaps::default(),
                counts: CauseCounts::default(),
                platform_above_limit: 0,
                mixed_above_limit: 0,
                smis_in_kernel_time: 0,
                unknown_above_limit: 0,
                max_platform: Cycles(0),
                throttled: 0,
                agreement: Agreement::default(),
                ring_zero: RingZeroAgreement::default(),
            },
        }
    }

    /// Judges and counts a gap, and says how much of it is the platform's.
    pub(super) fn take(
        &mut self,
        raw: RawGap,
        account: Option<Account>,
        limits: &Limits,
    ) -> (JudgedGap, Option<Cycles>) {
        let decided = attribute(
            &raw.evidence,
            account.as_ref(),
            raw.nanos(limits.hz),
            limits.setting,
        );
        let length = raw.nanos(limits.hz);
        let collection = &mut self.collection;
        let companions = u64::from(raw.companions);
        collection.counts.add_several(decided.cause, 1 + companions);
        // They are above the threshold; whether they are above a higher limit
        // is not known.
        let alike = match limits.hardlimit <= limits.threshold {
            true => 1 + companions,
            false => 1,
        };
        collection.agreement.note(
            raw.evidence.footprint,
            account.map(|account| account.standing),
        );
        collection.ring_zero.note(&raw.evidence);
        let (_, residual) = shares(&decided, &raw.evidence, account.as_ref(), length);
        // Of a mixed gap only what the kernel does not explain is the
        // platform's.
        let platform = match (decided.cause, residual) {
            (Cause::SmiOs, Some(residual)) => Some(limits.hz.to_cycles(residual)),
            (Cause::SmiOs, None) => None,
            (cause, _) if cause.is_platform() => Some(raw.length()),
            _ => None,
        };
        if let Some(platform) = platform {
            collection.max_platform = collection.max_platform.max(platform);
            if platform > limits.hardlimit {
                collection.platform_above_limit += alike;
            }
        } else if raw.length() > limits.hardlimit {
            match decided.cause {
                Cause::Unknown => collection.unknown_above_limit += alike,
                // That time is the kernel's by its own records, and not covered:
                // an SMI in it says nothing of the covered time.
                Cause::SmiOs if explains(account.as_ref(), length, limits) => {
                    collection.smis_in_kernel_time += 1;
                }
                Cause::SmiOs => collection.mixed_above_limit += 1,
                _ => {}
            }
        }
        if looks_throttled(&raw.evidence, length, limits.throttling) {
            collection.throttled += 1;
        }
        let (cause, confidence) = (decided.cause, decided.confidence);
        let judged = JudgedGap {
            raw,
            account,
            cause,
            confidence,
        };
        self.retention.keep(&judged);
        (judged, platform)
    }

    /// The gaps by cause so far.
    pub(super) fn counts(&self) -> CauseCounts {
        self.collection.counts
    }

    /// The collection so far. The gaps that `totals` counts are brought to those
    /// that were judged: a few may have come in since, or wait for a reading of
    /// the SMI counter.
    pub(super) fn so_far(&self, totals: &mut CpuTotals) -> TallyThen {
        let counts = self.collection.counts.each();
        let judged: u64 = counts.iter().map(|(_, count)| count).sum();
        totals.gaps_seen = judged + totals.gaps_dropped;
        self.then()
    }

    fn then(&self) -> TallyThen {
        TallyThen {
            kept: self.retention.so_far(),
            collection: self.collection.clone(),
        }
    }

    /// The longest platform gap so far.
    pub(super) fn max_platform(&self) -> Cycles {
        self.collection.max_platform
    }

    pub(super) fn finish(self, totals: &CpuTotals) -> CpuCollection {
        self.then().finish(totals)
    }
}

/// A tally at a moment.
pub(super) struct TallyThen {
    kept: KeptThen,
    collection: CpuCollection,
}

impl TallyThen {
    /// The collection as though the run had ended then.
    pub(super) fn finish(self, totals: &CpuTotals) -> CpuCollection {
        let mut collection = CpuCollection {
            gaps: self.kept.in_order(),
            ..self.collection
        };
        if totals.backward_steps > 0 {
            collection.disown();
        }
        collection
    }
}

/// Whether the kernel's records leave no more of a gap than the limit.
fn explains(account: Option<&Account>, length: Nanos, limits: &Limits) -> bool {
    account.is_some_and(|account| {
        !matches!(account.standing, Standing::Lost | Standing::Nothing)
            && limits.hz.to_cycles(account.remainder(length)) <= limits.hardlimit
    })
}

/// Whether a gap is the platform's by what the sampler alone has seen.
pub(super) fn is_platform(gap: &RawGap, limits: &Limits) -> bool {
    attribute(&gap.evidence, None, gap.nanos(limits.hz), limits.setting)
        .cause
        .is_platform()
}

impl RawGap {
    fn nanos(&self, hz: Hertz) -> Nanos {
        hz.to_nanos(self.length())
    }
}
