//! The hot loop.

use super::machine::Machine;

/// What ended a stretch of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spin {
    /// The rounds asked for are done.
    Quiet,
    /// A delta below `floor` or above `floor + span`.
    Tripped {
        /// The delta.
        delta: u64,
    },
}

/// Reads the TSC back to back for at most `left` rounds, starting from the
/// reading `last`; both are left where the loop stood.
///
/// One comparison serves two purposes: `delta - floor` wraps to a huge number
/// when the delta is below the floor, so `span` bounds the delta on both
/// sides, and the minimum stays exact at no cost in the loop. Nothing else
/// happens in it: no system call, no allocation, no atomic, no conversion. The
/// footprint is read after a trip only, as no way into the kernel and back is
/// as short as the trip level.
#[inline(always)]
pub fn spin<M: Machine>(
    machine: &mut M,
    last: &mut u64,
    left: &mut u32,
    floor: u64,
    span: u64,
) -> Spin {
    // Copies, as the places themselves belong to the sampler, whose address the
    // slow path takes: the compiler would write them back at every round.
    let (mut latest, mut rounds) = (*last, *left);
    let mut end = Spin::Quiet;
    while rounds > 0 {
        let now = machine.tsc();
        let delta = now.wrapping_sub(latest);
        latest = now;
        rounds -= 1;
        if delta.wrapping_sub(floor) > span {
            end = Spin::Tripped { delta };
            break;
        }
    }
    (*last, *left) = (latest, rounds);
    end
}
