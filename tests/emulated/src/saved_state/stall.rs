//! Lets all CPUs stand still at once, as firmware does that gathers them on an
//! SMI: the clock goes on, nothing runs, and each CPU counts one SMI.
//!
//! SeaBIOS cannot do it. It raises an SMI on one CPU, whose handler would take
//! turns with the others.

use anyhow::{Context, Result, ensure};

use super::section::{fields, read_u64, write_u64};
use super::smi_counter;
use crate::smilog::Smi;

/// Added to the number of instructions for the time: the clock, the TSC and
/// every timer (QEMU, system/cpu-timers.c, icount_vmstate_timers). The number
/// itself follows.
const CLOCK: &str = "timer/icount";

/// Makes the stall, and says where on the TSC it lies.
pub fn make(state: &mut Vec<u8>, length: u64) -> Result<Smi> {
    let bias_field = fields(state, CLOCK).context("the saved state has no clock")?;
    let bias = read_u64(state, bias_field)?;
    let entry = bias + read_u64(state, bias_field + 8)?;
    write_u64(state, bias_field, bias + length)?;
    let cpus = smi_counter::count_one(state)?;
    ensure!(cpus > 0, "the saved state has no CPU");
    Ok(Smi {
        entry,
        exit: entry + length,
        hit: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_by_the_length_and_each_cpu_counts_one() {
        let cpu = b"\x04\0\0\0\x08\x03cpu\0\0\0\0\0\0\0\x0Cfields\x7E\0\0\0\x08";
        let clock = |bias: u8| {
            let bias_and_count = [0, 0, 0, 0, 0, 0, 0, bias, 0, 0, 0, 0, 0, 0, 0, 7];
            [
                b"\x05\x0Ctimer/icount\0\0\0\x01".as_slice(),
                &bias_and_count,
            ]
            .concat()
        };
        let mut state = [clock(3), cpu.to_vec()].concat();
        let stall = make(&mut state, 100).unwrap();
        assert_eq!((stall.entry, stall.exit), (10, 110));
        assert!(state.starts_with(&clock(103)));
        assert!(state.len() > clock(3).len() + cpu.len());
        assert!(make(&mut clock(3), 100).is_err());
        assert!(make(&mut cpu.to_vec(), 100).is_err());
    }
}
