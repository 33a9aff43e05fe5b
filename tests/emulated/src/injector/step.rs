//! Finds the kernel's tick by the gaps that it makes, so that SMIs can keep step
//! with it.

use anyhow::{Context, Result, ensure};

use super::clock::tsc;
use super::pattern::SHORT_PERIOD;
use crate::realtime::{ABOVE_HWGAP, become_fifo};

/// A tick takes longer, and an iteration of the loop below does not.
const GAP: u64 = 1_000;
/// By how much a tick may come late: it waits for the end of an instruction.
const LATE: u64 = 100;
/// How many ticks in step with each other must be seen, of how many gaps.
const IN_STEP: usize = 4;
const GAPS: usize = 400;

/// Returns at the moment from which the short period of the timer ends `from`
/// nanoseconds after the beginning of a tick.
pub fn await_start(period: u64, from: i64) -> Result<()> {
    become_fifo(ABOVE_HWGAP)?;
    let mut begins: Vec<u64> = Vec::new();
    let mut last = tsc();
    while begins.len() < GAPS && !in_step(&begins, period) {
        let now = tsc();
        if now - last > GAP {
            begins.push(last);
        }
        last = now;
    }
    ensure!(in_step(&begins, period), "no ticks every {period} ns");
    let tick = *begins.last().context("no tick")?;
    // Some ticks later, so that there is time left to wait.
    let start = (tick + 3 * period).wrapping_add_signed(from) - SHORT_PERIOD;
    while tsc() < start {}
    Ok(())
}

/// Whether the last gaps are as far apart as ticks.
fn in_step(begins: &[u64], period: u64) -> bool {
    let Some(first) = begins.len().checked_sub(IN_STEP) else {
        return false;
    };
    (begins[first..].windows(2)).all(|pair| (pair[1] - pair[0]).abs_diff(period) <= LATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gaps_a_period_apart_are_ticks() {
        assert!(in_step(&[7, 1_000, 3_010, 5_000, 7_005], 2_000));
        assert!(!in_step(&[1_000, 3_010, 5_000], 2_000));
        assert!(!in_step(&[1_000, 3_010, 4_000, 5_000, 7_000], 2_000));
    }
}
