//! How many gaps a run keeps, and how many of them a report lists.

use crate::model::KeepGaps;
use crate::units::Nanos;

/// Gaps that are kept of those with a part that the kernel does not explain: 2.3 MB.
const OPEN: usize = 16_000;
/// The longest that are kept of the others ...
const LONGEST: usize = 40;
/// ... and a sample of the rest of them.
const SAMPLE: usize = 40;
/// Of those with a part that the kernel does not explain a report lists so many
/// for each second of a CPU: a millisecond apart they say no more than their
/// histogram.
const LISTED_PER_SECOND: u64 = 15;
/// But at least and at most so many: 110 KB and 4 MB of JSON.
const LISTED: (u64, u64) = (150, 5_000);

/// How many gaps a run keeps, of those with a part that the kernel does not
/// explain and of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub(super) open: usize,
    pub(super) longest: usize,
    pub(super) sample: usize,
    pub(super) all: usize,
    /// Of those with such a part, how many a report lists.
    pub(super) listed: usize,
}

impl Budget {
    /// The budget of each of several turns that a run is made of, which takes so
    /// much time of all CPUs together.
    pub fn of(keep: KeepGaps, turns: usize, cpu_time: Nanos) -> Budget {
        let share = |whole: usize| (whole / turns.max(1)).max(1);
        match keep {
            KeepGaps::Usual => {
                let seconds = cpu_time.0 / Nanos::SECOND.0;
                let listed = (seconds.saturating_mul(LISTED_PER_SECOND)).clamp(LISTED.0, LISTED.1);
                let (open, longest, sample) = (share(OPEN), share(LONGEST), share(SAMPLE));
                Budget {
                    open,
                    longest,
                    sample,
                    all: open + longest + sample,
                    listed: share(listed as usize),
                }
            }
            KeepGaps::AtMost(most) => Budget {
                open: share(most),
                longest: share(most),
                sample: 0,
                all: share(most),
                listed: usize::MAX,
            },
            KeepGaps::All => Budget {
                open: usize::MAX,
                longest: usize::MAX,
                sample: 0,
                all: usize::MAX,
                listed: usize::MAX,
            },
        }
    }

    /// How many gaps with a part that the kernel does not explain are listed.
    pub fn listed(self) -> usize {
        self.listed
    }
}

/// Gaps that are not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Those with a part that the kernel does not explain.
    pub open: u64,
    /// Those that it explains.
    pub explained: u64,
}
