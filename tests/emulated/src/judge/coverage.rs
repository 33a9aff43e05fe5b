//! The stated coverage against the emulated clock, for the engine that samples
//! with interrupts on.
//!
//! An iteration of its loop costs the same number of instructions each time,
//! and an instruction one nanosecond: what was sampled is the number of
//! iterations times that, whatever hwgap believes of the kernel's time, of
//! pauses and of its own work.

use super::Outcome;
use crate::report::{Cpu, Report};
use crate::scenario::Expect;
use crate::smilog::SmiLog;

/// The stated coverage may be off by this share of the time.
const TOLERANCE: f64 = 0.001;

/// Judges the coverage where no SMI took any time: how much of an SMI within
/// the kernel's time is to be called covered, the clock does not tell.
pub fn judge(
    outcome: &mut Outcome,
    expect: &Expect,
    report: &Report,
    cpu: &Cpu,
    log: &SmiLog,
    cost: f64,
) {
    // A tracer of the kernel's does not say how often its loop went round.
    let Some(iterations) = cpu.iterations else {
        return;
    };
    if !log.smis.is_empty() || cpu.shots.is_some() || cpu.masked.is_some() {
        return;
    }
    let elapsed = cpu.elapsed_ns as f64;
    let share = iterations as f64 * cost / elapsed;
    let stated = report.verdict.coverage;
    outcome.require(
        (stated - share).abs() <= TOLERANCE,
        format!("coverage {stated:.4} is stated, {share:.4} was sampled"),
    );
    outcome.require(
        share >= expect.coverage,
        format!(
            "{share:.4} of the time was sampled, {} is due",
            expect.coverage
        ),
    );
}
