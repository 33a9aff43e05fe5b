//! Vectors by which the hardware reports trouble, counted by the kernel in
//! /proc/interrupts (arch/x86/kernel/irq.c, arch_show_interrupts).
//!
//! The file is written by walking every interrupt of every CPU, some 30 us on
//! a small machine and milliseconds on a large one, so it is read at the start
//! and the end of a run and never in between.

use crate::host::root::{Known, Root};
use crate::units::CpuId;

use super::over_run::OverRun;

const FILE: &str = "proc/interrupts";

/// A line of /proc/interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardwareVector {
    /// The name in the file.
    pub name: &'static str,
    /// What it counts.
    pub meaning: &'static str,
    /// Whether a count by itself is worth a finding. Polls for machine checks
    /// and NMIs of the watchdog are ordinary.
    pub notable: Notable,
}

/// Whether a vector's count is worth a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notable {
    /// The hardware reported something.
    Yes,
    /// The kernel may have asked for it.
    No,
}

/// The vectors that are watched.
pub const HARDWARE_VECTORS: [HardwareVector; 6] = [
    HardwareVector {
        name: "TRM",
        meaning: "thermal interrupts",
        notable: Notable::Yes,
    },
    HardwareVector {
        name: "THR",
        meaning: "threshold interrupts of machine-check banks",
        notable: Notable::Yes,
    },
    HardwareVector {
        name: "DFR",
        meaning: "deferred-error interrupts",
        notable: Notable::Yes,
    },
    HardwareVector {
        name: "MCE",
        meaning: "machine-check exceptions",
        notable: Notable::Yes,
    },
    HardwareVector {
        name: "MCP",
        meaning: "machine-check polls",
        notable: Notable::No,
    },
    HardwareVector {
        name: "NMI",
        meaning: "non-maskable interrupts",
        notable: Notable::No,
    },
];

/// One CPU's counts, in the order of [`HARDWARE_VECTORS`]; `None` for a line
/// that this kernel does not show.
pub type VectorCounts = [Option<u64>; HARDWARE_VECTORS.len()];

fn read(root: &Root, cpus: &[CpuId]) -> Known<Vec<VectorCounts>> {
    let text = root.read_text(FILE)?;
    let mut lines = text.lines();
    // The columns are the CPUs that are online, by name.
    let columns: Vec<u32> = lines
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|name| name.strip_prefix("CPU")?.parse().ok())
        .collect();
    let places: Option<Vec<usize>> = cpus
        .iter()
        .map(|cpu| columns.iter().position(|&column| column == cpu.0))
        .collect();
    let Some(places) = places else {
        return Err(root.malformed(FILE, "a column for each sampled CPU", &text));
    };
    let mut counts = vec![VectorCounts::default(); cpus.len()];
    for line in lines {
        let Some((name, values)) = line.split_once(':') else {
            continue;
        };
        let name = name.trim();
        let Some(vector) = HARDWARE_VECTORS.iter().position(|v| v.name == name) else {
            continue;
        };
        let values: Vec<&str> = values
            .split_ascii_whitespace()
            .take(columns.len())
            .collect();
        for (place, counts) in places.iter().zip(&mut counts) {
            counts[vector] = values.get(*place).and_then(|value| value.parse().ok());
        }
    }
    Ok(counts)
}

/// The counts of the sampled CPUs.
#[derive(Clone, Debug)]
pub struct VectorWatch(OverRun<VectorCounts>);

impl VectorWatch {
    pub(super) fn begin(root: &Root, cpus: &[CpuId]) -> VectorWatch {
        VectorWatch(OverRun::begin(root, cpus, read))
    }

    pub(super) fn end(&mut self) {
        self.0.end();
    }

    /// How often each vector came to the CPU at this place during the run.
    ///
    /// # Errors
    /// Where the file could not be read at the start or the end.
    pub fn over_run(&self, index: usize) -> Known<VectorCounts> {
        let (first, last) = self.0.of(index)?;
        let mut rises = VectorCounts::default();
        for (rise, (first, last)) in rises.iter_mut().zip(first.into_iter().zip(last)) {
            // The kernel's counts are 32 bits wide and may wrap.
            *rise = first
                .zip(last)
                .map(|(first, last)| u64::from((last as u32).wrapping_sub(first as u32)));
        }
        Ok(rises)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn table(nmi: u64, mce: u64) -> String {
        format!(
            "            CPU0       CPU2       CPU3\n\
             \x20 24:          1          0          5  IO-APIC   5-edge      ACPI:Ged\n\
             \x20NMI:          9        {nmi}         8   Non-maskable interrupts\n\
             \x20TRM:          0          0          4   Thermal event interrupts\n\
             \x20MCE:          0        {mce}         0   Machine check exceptions\n\
             \x20ERR:          0\n"
        )
    }

    fn watched(cpus: &[CpuId], before: &str, after: &str) -> VectorWatch {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir(host.path().join("proc")).unwrap();
        let file = host.path().join(FILE);
        fs::write(&file, before).unwrap();
        let mut watch = VectorWatch::begin(&Root::at(host.path()), cpus);
        fs::write(&file, after).unwrap();
        watch.end();
        watch
    }

    #[test]
    fn columns_go_by_the_name_of_the_cpu() {
        let watch = watched(
            &[CpuId(2), CpuId(3)],
            &table(4_294_967_295, 0),
            &table(1, 2),
        );
        // TRM, THR, DFR, MCE, MCP, NMI.
        assert_eq!(
            watch.over_run(0).unwrap(),
            [Some(0), None, None, Some(2), None, Some(2)]
        );
        assert_eq!(
            watch.over_run(1).unwrap(),
            [Some(0), None, None, Some(0), None, Some(0)]
        );
    }

    #[test]
    fn a_cpu_without_a_column_is_not_counted_as_zero() {
        let watch = watched(&[CpuId(1)], &table(0, 0), &table(0, 0));
        assert!(watch.over_run(0).is_err());
    }
}
