//! The offset between the TSCs of two CPUs, by an exchange of a cache line.
//!
//! The leader reads its clock, signals, and reads its clock again when the
//! answer is there; the follower reads its own in between. The true offset
//! lies within half the round trip of the estimate, however uneven the two
//! ways are.

use std::sync::atomic::{AtomicU64, Ordering};

use super::machine::Machine;

/// Exchanges; the fastest one counts.
const ROUNDS: u64 = 500;
/// Longest wait for an answer, in cycles: the other side may be preempted.
const PATIENCE: u64 = 50_000_000;

/// A difference of two TSCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuredOffset {
    /// The follower's TSC minus the leader's, in cycles.
    pub cycles: i64,
    /// Half the fastest round trip, in cycles.
    pub error: u64,
}

/// The shared cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Exchange {
    asked: AtomicU64,
    answered: AtomicU64,
    answer: AtomicU64,
}

impl Exchange {
    /// The leader's side. `None` where the follower did not answer in time.
    pub(super) fn lead<M: Machine>(&self, machine: &mut M) -> Option<MeasuredOffset> {
        let mut best: Option<MeasuredOffset> = None;
        for round in 1..=ROUNDS {
            let before = machine.tsc();
            self.asked.store(round, Ordering::Release);
            while self.answered.load(Ordering::Acquire) != round {
                if machine.tsc().wrapping_sub(before) > PATIENCE {
                    self.asked.store(u64::MAX, Ordering::Release);
                    return best;
                }
            }
            let after = machine.tsc();
            let answer = self.answer.load(Ordering::Relaxed);
            let trip = after.wrapping_sub(before);
            let offset = MeasuredOffset {
                cycles: answer.wrapping_sub(before.wrapping_add(trip / 2)) as i64,
                error: trip.div_ceil(2),
            };
            if best.is_none_or(|best| offset.error < best.error) {
                best = Some(offset);
            }
        }
        best
    }

    /// The follower's side.
    pub(super) fn follow<M: Machine>(&self, machine: &mut M) {
        for round in 1..=ROUNDS {
            let begun = machine.tsc();
            loop {
                match self.asked.load(Ordering::Acquire) {
                    asked if asked == round => break,
                    u64::MAX => return,
                    _ if machine.tsc().wrapping_sub(begun) > PATIENCE => return,
                    _ => std::hint::spin_loop(),
                }
            }
            self.answer.store(machine.tsc(), Ordering::Relaxed);
            self.answered.store(round, Ordering::Release);
        }
    }
}
