//! The tool's own time behind a reading of the SMI counter.

use super::machine::Machine;

/// The tool's own time between a reading of the counter and the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The clock just after the reading, when the mark had just been set.
    pub(super) since: u64,
    /// The clock where something was first seen to have hit since.
    pub(super) hit_before: Option<u64>,
    /// Whether the sampler called the kernel meanwhile.
    pub(super) own_calls: OwnCalls,
}

impl Tail {
    /// A tail that begins now, with its own mark.
    pub(super) fn begin<M: Machine>(machine: &mut M) -> Tail {
        machine.arm();
        Tail::since(machine.tsc())
    }

    /// A tail that begins then.
    pub(super) fn since(since: u64) -> Tail {
        Tail {
            since,
            hit_before: None,
            own_calls: OwnCalls::None,
        }
    }
}

/// Calls of the kernel by the sampler itself. An interrupt that hits one
/// returns to the kernel, and leaves the mark as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnCalls {
    /// None: the mark tells whether the kernel ran.
    None,
    /// There may have been some.
    Made,
}
