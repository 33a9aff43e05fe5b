//! What is kept of a vCPU's absences: all are counted, the longest are kept.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use super::exit_reasons::Reason;
use super::pieces::Part;
use crate::model::absence::{HostCause, OTHER_TOTALS};
use crate::units::{CpuId, Cycles};

/// Absences kept of all vCPUs together.
const MOST: usize = 100_000;
/// And of a single one at least.
const LEAST: usize = 1_000;
/// Causes that are told apart; tasks and ports come in any number.
const MOST_TOTALS: usize = 512;

/// An absence that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The exit, by the host's TSC.
    pub start: Cycles,
    /// The next entry.
    pub end: Cycles,
    /// Where it was left.
    pub cpu: CpuId,
    /// Where it was entered again, or last seen.
    pub entered_on: CpuId,
    /// Why it was left.
    pub reason: Option<Reason>,
    /// Whether records may be missing in it.
    pub incomplete: bool,
    /// Who took it.
    pub parts: Vec<Part>,
}

impl Gone {
    /// Its length.
    pub fn length(&self) -> Cycles {
        self.end.since(self.start)
    }

    /// Its length, the halted time left aside: a guest that idles is no trouble.
    pub fn weight(&self) -> Cycles {
        let halted = self.of(|part| part.cause == HostCause::VcpuHalted);
        self.length().saturating_sub(halted)
    }

    /// What KVM itself took of it.
    pub fn rest(&self) -> Cycles {
        self.of(|part| part.is_rest)
    }

    fn of(&self, which: impl Fn(&Part) -> bool) -> Cycles {
        let parts = self.parts.iter().filter(|part| which(part));
        parts.fold(Cycles(0), |sum, part| sum.saturating_add(part.length))
    }
}

/// Who took a part, and which one.
pub(super) type Key = (HostCause, Arc<str>);

/// What one of the causes took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// In how many absences.
    pub absences: u64,
    /// In all.
    pub sum: Cycles,
    /// The most in one absence.
    pub longest: Cycles,
}

/// The absences of a vCPU.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The longest, the shortest of them first.
    heap: BinaryHeap<Reverse<Weighed>>,
    /// The longest that was left out.
    pub left_out: Option<Cycles>,
    /// All that were seen.
    pub seen: u64,
    /// Their sum.
    pub sum: Cycles,
    /// The longest, its halted time left aside.
    pub longest: Cycles,
    /// What they were for.
    pub totals: HashMap<Key, Total>,
}

#[derive(Clone, Debug)]
struct Weighed(Gone);

impl Weighed {
    fn key(&self) -> (Cycles, Reverse<Cycles>) {
        (self.0.weight(), Reverse(self.0.start))
    }
}

impl PartialEq for Weighed {
    fn eq(&self, other: &Weighed) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Weighed {}

impl PartialOrd for Weighed {
    fn partial_cmp(&self, other: &Weighed) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Weighed {
    fn cmp(&self, other: &Weighed) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Kept {
    /// Counts an absence of one of so many vCPUs, and keeps it where it is among
    /// the longest.
    pub(super) fn take(&mut self, gone: Gone, vcpus: usize) {
        self.seen += 1;
        self.sum = self.sum.saturating_add(gone.length());
        self.longest = self.longest.max(gone.weight());
        let mut own: HashMap<Key, Cycles> = HashMap::new();
        for part in &gone.parts {
            let sum = own.entry((part.cause, part.what.clone())).or_default();
            *sum = sum.saturating_add(part.length);
        }
        for ((cause, what), length) in own {
            self.add(cause, what, length);
        }
        self.heap.push(Reverse(Weighed(gone)));
        let most = (MOST / vcpus.max(1)).max(LEAST);
        while self.heap.len() > most {
            if let Some(Reverse(least)) = self.heap.pop() {
                self.left_out = self.left_out.max(Some(least.0.weight()));
            }
        }
    }

    fn add(&mut self, cause: HostCause, what: Arc<str>, length: Cycles) {
        let mut key = (cause, what);
        if self.totals.len() >= MOST_TOTALS && !self.totals.contains_key(&key) {
            key.1 = OTHER_TOTALS.into();
        }
        let total = self.totals.entry(key).or_default();
        total.absences += 1;
        total.sum = total.sum.saturating_add(length);
        total.longest = total.longest.max(length);
    }

    /// Part of what was one cause's turns out to be an SMI's.
    pub(super) fn was_smi(&mut self, key: &Key, length: Cycles) {
        let others = (key.0, OTHER_TOTALS.into());
        let known = if self.totals.contains_key(key) {
            key
        } else {
            &others
        };
        if let Some(total) = self.totals.get_mut(known) {
            total.sum = total.sum.saturating_sub(length);
        }
        self.add(HostCause::HostSmi, "".into(), length);
    }

    /// The most in one absence, after that; `listed` are the absences as they are
    /// now.
    pub(super) fn shorten(&mut self, key: &Key, listed: &[Gone]) {
        let is_same = |part: &Part| (part.cause, &part.what) == (key.0, &key.1);
        let longest = listed.iter().map(|gone| gone.of(is_same)).max();
        // No longer one was left out.
        let longest = longest.max(self.left_out);
        if let Some(total) = self.totals.get_mut(key) {
            total.longest = total.longest.min(longest.unwrap_or_default());
        }
    }

    /// Those that were kept, in order of time.
    pub(super) fn absences(&mut self) -> Vec<Gone> {
        let mut all: Vec<Gone> = (std::mem::take(&mut self.heap).into_iter())
            .map(|Reverse(Weighed(gone))| gone)
            .collect();
        all.sort_by_key(|gone| (gone.start, gone.end));
        all
    }
}
