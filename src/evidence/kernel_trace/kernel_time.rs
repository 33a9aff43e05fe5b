//! What the kernel's own records say of a gap: how much of it which activity
//! took, and what they leave.

use crate::units::Nanos;

use super::activity::ActivityId;

/// Activities named in a gap: the ones that took most.
pub const SHARES: usize = 3;

/// What was recorded in a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// Interrupts and the like.
    Interrupts,
    /// Other tasks ran, beside interrupts perhaps.
    Tasks,
    /// An exception whose end is not recorded.
    Fault,
    /// Records were lost.
    Lost,
}

/// What the kernel recorded at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Interrupts, softirqs, exceptions and tasks.
    Tracepoints,
    /// Tasks only: interrupts leave no record.
    Switches,
}

/// One activity's part of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who.
    pub id: ActivityId,
    /// How long, in nanoseconds; at most 4.29 s are told.
    pub nanos: u32,
}

/// The kernel's records of one gap, held against what the same activities, and
/// the ways between them, take in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelTime {
    /// What was recorded.
    pub standing: Standing,
    /// What would have been.
    pub scope: Scope,
    /// The recorded intervals, and the ways into the kernel and back as far as
    /// they cost what they may.
    pub accounted: Nanos,
    /// What the ways took beyond what they cost here, of those that stand
    /// apart.
    pub beyond_ways: Nanos,
    /// How many ways stand apart.
    pub ways_beyond: u8,
    /// Whether all that stand apart lead into the kernel, where it has hardly
    /// any code before its first record.
    pub only_ways_in: bool,
    /// The same of handlers: what they took beyond what they take in this run.
    pub beyond_handlers: Nanos,
    /// How many handlers stand apart.
    pub handlers_beyond: u8,
    /// How many ways and handlers stand far apart: no other costs as much.
    pub far_beyond: u8,
    /// By how much the place that exceeds its typical time by most does so,
    /// whether it stands apart or not: a single SMI is there.
    pub most_excess: Nanos,
    /// By how much all places together do.
    pub all_excess: Nanos,
    /// Time of other tasks.
    pub tasks: Nanos,
    /// Time of ways and handlers of which this run has seen too few to tell
    /// what they cost.
    pub unlearnt: Nanos,
    /// Where the longest excess begins, from the begin of the gap.
    pub excess_at: Nanos,
    /// The largest parts, largest first.
    pub shares: [Option<Share>; SHARES],
}

impl KernelTime {
    /// Records of this standing that account for so much and leave nothing.
    pub fn explained(standing: Standing, accounted: Nanos) -> KernelTime {
        KernelTime {
            standing,
            scope: Scope::Tracepoints,
            accounted,
            beyond_ways: Nanos(0),
            ways_beyond: 0,
            only_ways_in: true,
            beyond_handlers: Nanos(0),
            handlers_beyond: 0,
            far_beyond: 0,
            most_excess: Nanos(0),
            all_excess: Nanos(0),
            tasks: Nanos(0),
            unlearnt: Nanos(0),
            excess_at: Nanos(0),
            shares: [None; SHARES],
        }
    }

    /// Whether every part of the gap took what it takes here, so that nothing
    /// else can be in it. A task takes what it likes.
    pub fn explains_all(&self) -> bool {
        matches!(self.standing, Standing::Interrupts | Standing::Fault)
            && self.scope == Scope::Tracepoints
            && self.beyond_ways == Nanos(0)
            && self.beyond_handlers == Nanos(0)
            && self.unlearnt == Nanos(0)
    }
}
