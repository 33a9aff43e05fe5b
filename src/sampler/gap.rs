//! What a sampler hands over: gaps as they happen, totals at the end.

use crate::evidence::watches::RegisterSpan;
use crate::model::{Evidence, SmiCount};
use crate::sampler::engines::tracer::{Interrupts, Tracer};
use crate::units::{CpuId, Cycles, Nanos};

use super::histogram::{Histogram, Presence};

/// What is kept of each shot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ledger {
    /// Sums.
    Sums,
    /// Its ends as well: a test holds them against what it did and when.
    Ends,
}

/// How the counts were had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountSource {
    /// By the program, after each delta.
    Program,
    /// From /proc/interrupts, after shots with gaps.
    File,
    /// By the kernel's tracer; of machine checks it knows nothing.
    Tracer,
}

/// Why a delta is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TripKind {
    /// It is above the threshold: a gap.
    Gap,
    /// The kernel ran in it, and it is below. Some of these are handed over, so
    /// that it can be learnt what entries of the kernel take here; nothing else
    /// may come of them.
    Lesson,
}

/// One delta, as it was sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawGap {
    /// A gap, or a shorter one to learn from.
    pub kind: TripKind,
    /// The last reading before the gap.
    pub start: Cycles,
    /// The first reading after it.
    pub end: Cycles,
    /// The number of the SMI counter's reading that covers the gap: a rise or
    /// none at that reading, and at no other, speaks of it.
    pub smi_reading: u32,
    /// What of the gap is the sampler's own work, about: what hits the sampler
    /// while it deals with a gap belongs to that gap.
    pub own: Cycles,
    /// Further gaps above the threshold that share this record: no longer than
    /// this one, at moments that are not known. Only a tracer that keeps one
    /// record for several has any.
    pub companions: u32,
    /// What was collected at once.
    pub evidence: Evidence,
}

impl RawGap {
    /// The gap's length.
    pub fn length(&self) -> Cycles {
        self.end.since(self.start)
    }
}

/// Why sampling on a CPU ended before it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndedEarly {
    /// The thread was moved: its CPU went offline or its cpuset changed.
    #[error("the sampler was moved off its CPU (taken offline, or its cpuset changed)")]
    CpuChanged,
    /// The kernel no longer ran the BPF program; the number is the system's.
    #[error("the kernel refused to run the BPF program (error {0})")]
    ShotRefused(i32),
    /// Something else had the CPU when it was to end.
    #[error(
        "something else occupied its CPU when the run ended (a real-time task of its priority or above)"
    )]
    Starved,
    /// The watchdog of the run ended it.
    #[error("the collector stood still for 10 s, and the watchdog ended the samplers")]
    CollectorStalled,
}

/// How often the SMI counter rose, by what the rise belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SmiTotals {
    /// The counter over the whole run.
    pub count: SmiCount,
    /// Rises after a trip that was below the threshold.
    pub below_threshold: u64,
    /// Rises during pauses of `--width` and `--window`.
    pub while_paused: u64,
    /// Rises with no trip at all since the reading before: hidden, or in the
    /// tool's own blind time.
    pub without_gap: u64,
    /// Rises between the shots of an engine that samples in shots.
    pub between_shots: u64,
    /// Rises that several events share, or that no reading placed.
    pub unassigned: u64,
}

/// What an engine that holds interrupts off counted beside.
#[derive(Clone, Copy, Debug)]
pub struct MaskedTotals {
    /// Stretches sampled with interrupts off.
    pub shots: u64,
    /// The longest of them.
    pub longest_shot: Cycles,
    /// Time between them, with interrupts on and not sampled; pauses aside.
    pub between: Cycles,
    /// NMIs in shots, as far as `counted_by` tells.
    pub nmis: u64,
    /// Machine checks in shots.
    pub machine_checks: u64,
    /// How the two were counted.
    pub counted_by: CountSource,
    /// Bound of the error of a TSC value, which comes from CLOCK_MONOTONIC by
    /// a fit for each shot.
    pub clock_error: Nanos,
    /// Times that clock stepped back, by nanoseconds, when its rate was
    /// adjusted.
    pub clock_steps: u64,
}

/// What is to be known of a tracer of the kernel's that sampled.
#[derive(Clone, Debug)]
pub struct TracedTotals {
    /// Which one.
    pub tracer: Tracer,
    /// Whether interrupts waited while it sampled.
    pub interrupts: Interrupts,
    /// Windows, or runs, that were sampled.
    pub windows: u64,
    /// The part of a window that it was told to sample.
    pub width: Nanos,
    /// Gaps above the threshold that share another one's record.
    pub companions: u64,
    /// Records that the kernel's buffer lost, at least.
    pub lost_records: u64,
    /// What could not be put back as it was; of the first CPU only, as the
    /// settings are the machine's.
    pub unrestored: Vec<String>,
}

impl MaskedTotals {
    /// The counts before the first shot.
    pub(super) fn begin(counted_by: CountSource) -> MaskedTotals {
        MaskedTotals {
            shots: 0,
            longest_shot: Cycles(0),
            between: Cycles(0),
            nmis: 0,
            machine_checks: 0,
            counted_by,
            clock_error: Nanos(0),
            clock_steps: 0,
        }
    }
}

/// What one CPU's sampler counted; all of it exact.
#[derive(Clone, Debug)]
pub struct CpuTotals {
    /// The CPU.
    pub cpu: CpuId,
    /// The first reading.
    pub first: Cycles,
    /// The last reading.
    pub last: Cycles,
    /// Rounds of the loop.
    pub iterations: u64,
    /// The smallest delta.
    pub floor: Cycles,
    /// The largest delta.
    pub max: Cycles,
    /// The largest delta in which the kernel did not run.
    pub max_kernel_absent: Cycles,
    /// The largest delta in which the kernel ran.
    pub max_kernel_ran: Cycles,
    /// Time in the slow path.
    pub blind: Cycles,
    /// The longest stay in the slow path.
    pub blind_max: Cycles,
    /// Time in deltas above the trip level in which the kernel did not run.
    pub absent: Cycles,
    /// Time in deltas above the trip level in which the kernel ran, or may
    /// have where the footprint is not usable.
    pub os: Cycles,
    /// Time given to others.
    pub paused: Cycles,
    /// Deltas above the threshold.
    pub gaps_seen: u64,
    /// Those of them that found the ring full.
    pub gaps_dropped: u64,
    /// Of those, the ones in which the kernel is known to have run.
    pub gaps_dropped_kernel_ran: u64,
    /// Times the mark was found wiped without a delta above the trip level.
    pub silent_clears: u64,
    /// Times the TSC ran backwards.
    pub backward_steps: u64,
    /// The SMI counter, where it could be read to the end.
    pub smi: Option<SmiTotals>,
    /// Registers of the CPU at both ends of the run.
    pub registers: RegisterSpan,
    /// Time in which the sampler was runnable but did not run, from its first
    /// sample to its last, where the kernel keeps it.
    pub run_delay: Option<Nanos>,
    /// What came of holding interrupts off, where the engine did.
    pub masked: Option<MaskedTotals>,
    /// What is to be known of the kernel's tracer, where one sampled.
    pub traced: Option<TracedTotals>,
    /// The first and the last reading of each shot, where they are listed.
    pub shots: Option<Vec<[Cycles; 2]>>,
    /// All deltas above the trip level.
    pub histogram: Box<Histogram>,
    /// Why it ended early, if it did.
    pub ended_early: Option<EndedEarly>,
}

impl CpuTotals {
    /// Counts a delta above the trip level.
    pub(super) fn count(&mut self, length: Cycles, presence: Presence) {
        self.histogram.record(length, presence);
        self.max = self.max.max(length);
        match presence {
            Presence::Absent => {
                self.max_kernel_absent = self.max_kernel_absent.max(length);
                self.absent = self.absent.saturating_add(length);
            }
            Presence::Ran => {
                self.max_kernel_ran = self.max_kernel_ran.max(length);
                self.os = self.os.saturating_add(length);
            }
            // Any trip may then have been the kernel's, and no such time may
            // be called covered.
            Presence::Unknown => self.os = self.os.saturating_add(length),
        }
    }

    /// The counts of a CPU that was not sampled yet, of which the histogram is
    /// split at a limit.
    pub(super) fn begin(cpu: CpuId, floor: Cycles, limit: Cycles) -> CpuTotals {
        CpuTotals {
            cpu,
            first: Cycles(0),
            last: Cycles(0),
            iterations: 0,
            floor,
            max: Cycles(0),
            max_kernel_absent: Cycles(0),
            max_kernel_ran: Cycles(0),
            blind: Cycles(0),
            blind_max: Cycles(0),
            absent: Cycles(0),
            os: Cycles(0),
            paused: Cycles(0),
            gaps_seen: 0,
            gaps_dropped: 0,
            gaps_dropped_kernel_ran: 0,
            silent_clears: 0,
            backward_steps: 0,
            smi: None,
            registers: RegisterSpan::unknown("the CPU was not sampled"),
            run_delay: None,
            masked: None,
            traced: None,
            shots: None,
            histogram: Box::new(Histogram::split_at(limit)),
            ended_early: None,
        }
    }
}
