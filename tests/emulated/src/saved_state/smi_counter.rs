//! The SMI counters in a saved state.

use anyhow::{Context, Result};

use super::section::{fields, read_u64, sections, subsection, write_u64};

/// QEMU, target/i386/machine.c, vmstate_msr_smi_count; left out while it is 0.
const COUNTER: &str = "cpu/msr_smi_count";
const CPU: &str = "cpu";

/// Sets the counter of the first CPU that has one.
pub fn set(state: &mut [u8], value: u64) -> Result<()> {
    let field = fields(state, COUNTER).context("the saved state has no SMI counter")?;
    write_u64(state, field, value)
}

/// Adds one to the counter of each CPU; returns how many there are.
pub fn count_one(state: &mut Vec<u8>) -> Result<usize> {
    let cpus = sections(state, CPU);
    // From the last on, so that the places of the others stay as they are.
    for cpu in cpus.iter().rev() {
        match fields(&state[cpu.clone()], COUNTER).map(|at| cpu.start + at) {
            Some(field) => {
                let count = read_u64(state, field)?;
                write_u64(state, field, count + 1)?;
            }
            None => {
                state.splice(cpu.end..cpu.end, subsection(COUNTER, 1));
            }
        }
    }
    Ok(cpus.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH_COUNTER: &[u8] =
        b"\x04\0\0\0\x08\x03cpu\0\0\0\0\0\0\0\x0C~~\x05\x11cpu/msr_smi_count\0\0\0\x01\0\0\0\0\0\0\0\x03\x7E\0\0\0\x08";
    const WITHOUT: &[u8] = b"\x04\0\0\0\x09\x03cpu\0\0\0\x01\0\0\0\x0Cfields\x7E\0\0\0\x09";

    #[test]
    fn the_value_goes_behind_name_and_version() {
        let mut state = WITH_COUNTER.to_vec();
        set(&mut state, 0xFFFF_FFFF).unwrap();
        assert_eq!(
            &state[WITH_COUNTER.len() - 13..],
            b"\0\0\0\0\xFF\xFF\xFF\xFF\x7E\0\0\0\x08".as_slice()
        );
    }

    #[test]
    fn a_state_without_the_counter_is_refused() {
        assert!(set(&mut b"nothing".to_vec(), 1).is_err());
    }

    #[test]
    fn each_cpu_counts_one_whether_it_had_a_count_or_none() {
        let mut state = [WITHOUT, WITH_COUNTER, b"\x04rest"].concat();
        assert_eq!(count_one(&mut state).unwrap(), 2);
        let counted = b"\x05\x11cpu/msr_smi_count\0\0\0\x01\0\0\0\0\0\0\0\x01";
        let (fields, end) = WITHOUT.split_at(WITHOUT.len() - 5);
        let mut expected = [fields, counted, end, WITH_COUNTER, b"\x04rest"].concat();
        let last = expected.len() - b"\x04rest".len() - 6;
        assert_eq!(expected[last], 3);
        expected[last] = 4;
        assert_eq!(state, expected);
    }
}
