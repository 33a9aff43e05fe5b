//! Whether the counters count what they should on this CPU. What a hypervisor
//! offers as a PMU, and what others do to it, is not to be believed unseen.

use crate::model::{InSmm, RingZero};
use crate::units::Cycles;

/// Ways into the kernel, and empty spans, that are tried.
const ROUNDS: u32 = 200;
/// Empty spans in which an interrupt may fall.
const TOLERANCE: u32 = 10;
/// By how much the reference cycles may part from the TSC while nothing stops
/// them: they advance in steps of the bus clock. One part of this many, and
/// these cycles.
const CLOCK_SHARE: u64 = 100;
const CLOCK_STEP: u64 = 500;

/// Tests the count of ring 0: a system call must raise it, an empty span must
/// not. `count` reads it, `enter_kernel` makes a system call.
pub(super) fn of_ring_zero(
    mut count: impl FnMut() -> Result<u64, String>,
    mut enter_kernel: impl FnMut(),
) -> Result<(), String> {
    let (mut missed, mut stray) = (0, 0);
    for _ in 0..ROUNDS {
        let first = count()?;
        let second = count()?;
        enter_kernel();
        let third = count()?;
        stray += u32::from(ran(first, second));
        missed += u32::from(!ran(second, third));
    }
    match (missed, stray) {
        (1.., _) => Err(format!(
            "self-test failed: {missed} of {ROUNDS} system calls left the count as it was"
        )),
        (0, TOLERANCE..) => Err(format!(
            "self-test failed: the count rose in {stray} of {ROUNDS} spans without a system call"
        )),
        (0, _) => Ok(()),
    }
}

fn ran(before: u64, after: u64) -> bool {
    let ring_zero = RingZero {
        instructions: u32::try_from(after.wrapping_sub(before)).unwrap_or(u32::MAX),
        in_smm: InSmm::Stopped,
    };
    ring_zero.kernel_ran(true) == Some(true)
}

/// Tests the reference cycles: over a span without a halt they must advance as
/// the TSC does. `read` gives both.
pub(super) fn of_reference(
    mut read: impl FnMut() -> Result<(Cycles, u64), String>,
    span: Cycles,
) -> Result<(), String> {
    let mut worst = u64::MAX;
    // A stall of the platform within a span spoils that one only.
    for _ in 0..TOLERANCE {
        let (begun, first) = read()?;
        let (mut now, mut count) = (begun, first);
        while now.since(begun) < span {
            (now, count) = read()?;
        }
        let error = now.since(begun).0.abs_diff(count.wrapping_sub(first));
        worst = worst.min(error.saturating_sub(now.since(begun).0 / CLOCK_SHARE));
        if worst <= CLOCK_STEP {
            return Ok(());
        }
    }
    Err(format!(
        "self-test failed: reference cycles and TSC part by {worst} cycles and more in {} cycles",
        span.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn test(per_read: u64, per_call: u64) -> Result<(), String> {
        let counter = Cell::new(u64::MAX - 50);
        of_ring_zero(
            || {
                counter.set(counter.get().wrapping_add(per_read));
                Ok(counter.get())
            },
            || counter.set(counter.get().wrapping_add(per_call)),
        )
    }

    #[test]
    fn a_counter_of_the_kernel_passes_and_any_other_fails() {
        assert_eq!(test(0, 90), Ok(()));
        assert!(test(0, 0).unwrap_err().contains("200 of 200 system calls"));
        // One that counts user space as well.
        assert!(test(40, 90).unwrap_err().contains("without a system call"));
    }

    #[test]
    fn an_interrupt_now_and_then_is_no_failure() {
        let (counter, calls) = (Cell::new(0u64), Cell::new(0u32));
        let result = of_ring_zero(
            || {
                calls.set(calls.get() + 1);
                let interrupt = calls.get().is_multiple_of(90);
                counter.set(counter.get() + if interrupt { 3_000 } else { 0 });
                Ok(counter.get())
            },
            || counter.set(counter.get() + 100),
        );
        assert_eq!(result, Ok(()));
    }

    #[test]
    fn a_counter_that_cannot_be_read_says_why() {
        let result = of_ring_zero(|| Err(String::from("no counter")), || {});
        assert_eq!(result, Err(String::from("no counter")));
    }

    fn reference(rate: f64) -> Result<(), String> {
        let now = Cell::new(0u64);
        let read = || {
            now.set(now.get() + 40);
            Ok((Cycles(now.get()), (now.get() as f64 * rate) as u64))
        };
        of_reference(read, Cycles(200_000))
    }

    #[test]
    fn reference_cycles_must_keep_pace_with_the_tsc() {
        assert_eq!(reference(1.0), Ok(()));
        assert!(reference(0.9).is_err());
        assert!(reference(0.0).is_err());
        assert!(reference(1.2).is_err());
    }
}
