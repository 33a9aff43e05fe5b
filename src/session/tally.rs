//! One CPU's gaps, judged and counted as they come in.

use std::collections::BTreeMap;

use crate::attribution::{
    Account, Known, Parts, Throttling, UnknownReason, account, looks_throttled,
};
use crate::evidence::kernel_trace::{KernelTime, Standing, Way};
use crate::evidence::{Learnt, Usual};
use crate::model::{Cause, CauseCounts, Evidence, Setting};
use crate::sampler::{CpuTotals, Histogram, Presence, RawGap};
use crate::units::{Cycles, Hertz, Nanos};

use super::indicators::{Agreement, RingZeroAgreement};
use super::judged::{JudgedGap, Recast};
use super::kept::KeptGaps;
use super::retention::Budget;
use super::rhythm::Pace;
use super::trigger::Trigger;

/// What the run is held against.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Platform gaps above this fail the run.
    pub hardlimit: Cycles,
    /// Gaps above this are recorded.
    pub threshold: Cycles,
    /// The cycles of a nanosecond, for what is compared with kernel counts.
    pub hz: Hertz,
    /// The gaps of which the first ends the run, where any does.
    pub stop: Option<Trigger>,
    /// The gaps that something is done about, where anything is.
    pub act: Option<Trigger>,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
    /// Bare metal or guest, clock good or bad.
    pub setting: Setting,
    /// How often the collector looks.
    pub pace: Pace,
    /// How many gaps are kept.
    pub keep: Budget,
}

/// What was collected of one CPU.
#[derive(Clone, Debug, Default)]
pub struct CpuCollection {
    /// The gaps kept.
    pub gaps: KeptGaps,
    /// All gaps by cause.
    pub counts: CauseCounts,
    /// Gaps of which the platform's part is above the limit.
    pub platform_above_limit: u64,
    /// Gaps of which the unknown part is above the limit, by the reason.
    pub unknown_above_limit: BTreeMap<UnknownReason, u64>,
    /// The longest platform gap, or part of one.
    pub max_platform: Cycles,
    /// The longest part of a gap that nobody was given.
    pub max_unknown: Nanos,
    /// The longest gap in which the sampler did not see the kernel and which
    /// the platform was not given all the same.
    pub max_taken_back: Cycles,
    /// The platform's parts of gaps in which the kernel ran too, by length.
    pub mixed: Box<Histogram>,
    /// The platform's time in gaps in which the sampler saw the kernel, or
    /// could not tell.
    pub platform_beside_kernel: Nanos,
    /// Time of gaps that nobody was given, of those in which the sampler did
    /// not see the kernel, and of all.
    pub unknown_absent: Nanos,
    /// All time of gaps that nobody was given.
    pub unknown: Nanos,
    /// What the ways into the kernel and back cost.
    pub ways: Vec<(Way, Usual)>,
    /// What interrupts take, by gaps without a task or a fault.
    pub interrupts: Option<Usual>,
    /// Gaps that are real-time throttling.
    pub throttled: u64,
    /// How footprint and kernel records agree.
    pub agreement: Agreement,
    /// How footprint and instructions of ring 0 agree.
    pub ring_zero: RingZeroAgreement,
}

impl CpuCollection {
    /// Gaps of which the unknown part is above the limit.
    pub fn unknown_gaps(&self) -> u64 {
        self.unknown_above_limit.values().sum()
    }

    /// The collection as though the run had ended then, with the gaps that were
    /// kept.
    pub(super) fn finish(self, gaps: KeptGaps, totals: &CpuTotals) -> CpuCollection {
        let mut collection = CpuCollection { gaps, ..self };
        if totals.backward_steps > 0 {
            collection.disown();
        }
        collection
    }

    /// Takes every attribution back: a TSC that ran backwards on this CPU may
    /// have made any of its gaps.
    fn disown(&mut self) {
        let reason = UnknownReason::ClockBroken;
        self.gaps.recast(|_| Some(Recast::Unknown(reason)));
        self.counts = CauseCounts {
            unknown: self.counts.each().iter().map(|(_, count)| count).sum(),
            ..CauseCounts::default()
        };
        let doubtful = self.platform_above_limit + self.unknown_gaps();
        self.unknown_above_limit = BTreeMap::from([(reason, doubtful)]);
        self.unknown_above_limit.retain(|_, count| *count > 0);
        self.platform_above_limit = 0;
        self.max_unknown = (self.gaps.iter())
            .map(|gap| gap.unknown())
            .max()
            .unwrap_or_default();
        self.max_platform = Cycles(0);
        self.throttled = 0;
    }
}

/// The counts of one CPU while a run goes on.
pub(super) struct Tally {
    collection: CpuCollection,
    /// The longest gap that was judged.
    longest: Cycles,
    interrupts: Learnt,
}

impl Tally {
    pub(super) fn begin(limits: &Limits) -> Tally {
        Tally {
            collection: CpuCollection {
                mixed: Box::new(Histogram::split_at(limits.hardlimit)),
                ..CpuCollection::default()
            },
            longest: Cycles(0),
            interrupts: Learnt::default(),
        }
    }

    /// Learns what interrupts take, from a gap or a shorter entry that came in.
    pub(super) fn learn(&mut self, raw: &RawGap, hz: Hertz) {
        // Where the counts were not read there may have been a task: it only
        // lengthens.
        let none = |count: Option<u16>| count.is_none_or(|count| count == 0);
        let Evidence {
            involuntary_switches: switches,
            page_faults: faults,
            ..
        } = raw.evidence;
        let alone = none(switches) && none(faults) && !raw.evidence.smi.counts_smis();
        if raw.evidence.kernel_ran() == Some(true) && alone {
            self.interrupts.add(raw.nanos(hz));
        }
    }

    /// What is known of a gap by now.
    pub(super) fn account(
        &self,
        raw: &RawGap,
        kernel: Option<&KernelTime>,
        limits: &Limits,
    ) -> Account {
        account(Known {
            evidence: &raw.evidence,
            kernel,
            interrupts: self.interrupts.usual_entry(),
            length: raw.nanos(limits.hz),
            setting: limits.setting,
        })
    }

    /// Whether the run has yet to see what its like takes.
    pub(super) fn is_open(&self, account: &Account, kernel: Option<&KernelTime>) -> bool {
        let unlearnt = match kernel {
            Some(kernel) => kernel.unlearnt > Nanos(0),
            None => self.interrupts.usual_entry().is_none(),
        };
        unlearnt && account.parts.unknown > Nanos(0)
    }

    /// Counts a gap with its account, and says how much of it is the
    /// platform's.
    pub(super) fn take(
        &mut self,
        raw: RawGap,
        kernel: Option<KernelTime>,
        account: Account,
        limits: &Limits,
    ) -> (JudgedGap, Option<Cycles>) {
        let judged = JudgedGap {
            raw,
            kernel,
            account,
        };
        let cycles = judged.platform(limits.hz);
        self.longest = self.longest.max(raw.length());
        let collection = &mut self.collection;
        let companions = u64::from(raw.companions);
        collection.counts.add_several(account.cause, 1 + companions);
        // They are above the threshold; whether they are above a higher limit
        // is not known.
        let alike = match limits.hardlimit <= limits.threshold {
            true => 1 + companions,
            false => 1,
        };
        // What is too short to contradict the engine's word is beside the gap.
        let standing = kernel.map(|kernel| match account.cause {
            Cause::Unknown => kernel.standing,
            _ if account.kernel_ran == Some(false) => Standing::Nothing,
            _ => kernel.standing,
        });
        collection.agreement.note(raw.evidence.footprint, standing);
        collection.ring_zero.note(&raw.evidence);
        let Parts {
            platform, unknown, ..
        } = account.parts;
        collection.max_platform = collection.max_platform.max(cycles);
        if cycles > limits.hardlimit {
            collection.platform_above_limit += alike;
        }
        if let Some(reason) = account.unknown_reason
            && limits.hz.to_cycles(unknown) > limits.hardlimit
        {
            *collection.unknown_above_limit.entry(reason).or_default() += alike;
        }
        collection.unknown = collection.unknown.saturating_add(unknown);
        collection.max_unknown = collection.max_unknown.max(unknown);
        match raw.evidence.kernel_ran() {
            Some(false) => {
                collection.unknown_absent = collection.unknown_absent.saturating_add(unknown);
                if platform == Nanos(0) {
                    collection.max_taken_back = collection.max_taken_back.max(raw.length());
                }
            }
            Some(true) | None if platform > Nanos(0) => {
                collection.mixed.record(cycles, Presence::Absent);
                collection.platform_beside_kernel =
                    collection.platform_beside_kernel.saturating_add(platform);
            }
            Some(true) | None => {}
        }
        if looks_throttled(&raw.evidence, raw.nanos(limits.hz), limits.throttling) {
            collection.throttled += 1;
        }
        (judged, (platform > Nanos(0)).then_some(cycles))
    }

    /// The gaps by cause so far.
    pub(super) fn counts(&self) -> CauseCounts {
        self.collection.counts
    }

    /// Gaps of which the platform's part is above the limit, so far.
    pub(super) fn above_limit(&self) -> u64 {
        self.collection.platform_above_limit
    }

    /// Time of gaps that nobody was given, so far.
    pub(super) fn unknown(&self) -> Nanos {
        self.collection.unknown
    }

    /// The platform's time beside the kernel's so far: it is covered.
    pub(super) fn platform_beside_kernel(&self) -> Nanos {
        self.collection.platform_beside_kernel
    }

    /// The collection so far. The gaps that `totals` counts are brought to those
    /// that were judged: a few may have come in since, or wait for a reading of
    /// the SMI counter.
    pub(super) fn so_far(&self, totals: &mut CpuTotals) -> CpuCollection {
        let counts = self.collection.counts.each();
        let judged: u64 = counts.iter().map(|(_, count)| count).sum();
        totals.gaps_seen = judged + totals.gaps_dropped;
        totals.max = totals.max.max(self.longest);
        CpuCollection {
            interrupts: self.interrupts.usual_entry(),
            ..self.collection.clone()
        }
    }

    /// The longest platform gap so far.
    pub(super) fn max_platform(&self) -> Cycles {
        self.collection.max_platform
    }

    pub(super) fn finish(self, gaps: KeptGaps, totals: &CpuTotals) -> CpuCollection {
        let interrupts = self.interrupts.usual_entry();
        let collection = CpuCollection {
            interrupts,
            ..self.collection
        };
        collection.finish(gaps, totals)
    }
}

impl RawGap {
    fn nanos(&self, hz: Hertz) -> Nanos {
        hz.to_nanos(self.length())
    }
}
