//! NMIs and machine checks: what makes this kernel run although interrupts are
//! off.
//!
//! Where the program can read the kernel's counters, it does so before a shot
//! and after each delta, and each gap is told apart by itself. Elsewhere the
//! counts come from /proc/interrupts, after shots that hold gaps, and a rise
//! leaves it open which of the gaps it belongs to.

use crate::model::Footprint;
use crate::sampler::engines::bpf::shot::{Counts, Record, Shot};
use crate::sampler::gap::CountSource;
use crate::units::CpuId;
use std::fs::File;
use std::io::{self, Read, Seek};

/// The watch over one CPU.
pub(super) enum Interruptions {
    /// By the program.
    Program {
        /// What came in shots.
        seen: Counts,
    },
    /// By the file.
    File {
        /// /proc/interrupts and room for its text.
        text: Interrupts,
        /// The latest counts.
        latest: Option<Counts>,
        /// What came since the start.
        seen: Counts,
    },
}

impl Interruptions {
    /// Begins to watch.
    pub(super) fn begin(source: CountSource, cpu: CpuId) -> Interruptions {
        let seen = Counts::default();
        match source {
            CountSource::Program => Interruptions::Program { seen },
            // A tracer counts by itself.
            CountSource::File | CountSource::Tracer => {
                let mut text = Interrupts::new(cpu);
                let latest = text.counts().ok();
                Interruptions::File { text, latest, seen }
            }
        }
    }

    /// Takes note of a shot and says what holds for all of its deltas; `None`
    /// where each has counts of its own.
    pub(super) fn after(&mut self, shot: &Shot, last: Option<Record>) -> Option<Footprint> {
        match self {
            Interruptions::Program { seen } => {
                // What came after the last delta was shorter than the trip
                // level, and shows in the next shot's first counts only.
                if let Some(record) = last {
                    seen.add(record.counts.since(shot.counts));
                }
                None
            }
            Interruptions::File { text, latest, seen } => {
                if shot.gaps == 0 {
                    return Some(Footprint::Excluded);
                }
                let before = std::mem::replace(latest, text.counts().ok());
                let rise = latest.zip(before).map(|(now, then)| now.since(then));
                seen.add(rise.unwrap_or_default());
                Some(match rise {
                    Some(rise) if rise.is_none() => Footprint::Excluded,
                    // Which of the gaps, or whether any, cannot be said.
                    _ => Footprint::Unusable,
                })
            }
        }
    }

    /// What came in all.
    pub(super) fn seen(&self) -> Counts {
        match self {
            Interruptions::Program { seen } | Interruptions::File { seen, .. } => *seen,
        }
    }
}

/// What holds for a delta by its own counts.
pub(super) fn footprint(before: Counts, after: Counts) -> Footprint {
    if after.since(before).is_none() {
        Footprint::Excluded
    } else {
        Footprint::Interrupted
    }
}

impl Counts {
    /// The rise from `earlier` to `self`.
    pub(super) fn since(self, earlier: Counts) -> Counts {
        Counts {
            nmis: self.nmis.wrapping_sub(earlier.nmis),
            machine_checks: self.machine_checks.wrapping_sub(earlier.machine_checks),
        }
    }

    fn is_none(self) -> bool {
        self == Counts::default()
    }

    fn add(&mut self, rise: Counts) {
        self.nmis = self.nmis.saturating_add(rise.nmis);
        self.machine_checks = self.machine_checks.saturating_add(rise.machine_checks);
    }
}

/// /proc/interrupts (Documentation/filesystems/proc.rst), read again and again.
pub(super) struct Interrupts {
    cpu: CpuId,
    file: Option<File>,
    text: String,
}

impl Interrupts {
    fn new(cpu: CpuId) -> Interrupts {
        Interrupts {
            cpu,
            file: File::open("/proc/interrupts").ok(),
            text: String::new(),
        }
    }

    fn counts(&mut self) -> io::Result<Counts> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.rewind()?;
        self.text.clear();
        file.read_to_string(&mut self.text)?;
        counts_of(&self.text, self.cpu).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// The counts of a CPU. The first line names the CPUs of the columns: only
/// those that are online have one.
fn counts_of(text: &str, cpu: CpuId) -> Option<Counts> {
    let mut lines = text.lines();
    let name = format!("CPU{cpu}");
    let mut columns = lines.next()?.split_ascii_whitespace();
    let column = columns.position(|column| column == name)?;
    let mut counts = Counts::default();
    for line in lines {
        let mut words = line.split_ascii_whitespace();
        let slot = match words.next() {
            Some("NMI:") => &mut counts.nmis,
            Some("MCE:") => &mut counts.machine_checks,
            _ => continue,
        };
        // The kernel counts modulo 2^32.
        *slot = words.nth(column)?.parse::<u64>().ok()? as u32;
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
           CPU0       CPU3
  0:         31          0   IO-APIC    2-edge      timer
NMI:          4         17   Non-maskable interrupts
MCE:          0          2   Machine check exceptions
ERR:          0
";

    fn counts(nmis: u32, machine_checks: u32) -> Counts {
        Counts {
            nmis,
            machine_checks,
        }
    }

    #[test]
    fn columns_go_by_their_names() {
        assert_eq!(counts_of(TEXT, CpuId(0)), Some(counts(4, 0)));
        assert_eq!(counts_of(TEXT, CpuId(3)), Some(counts(17, 2)));
        assert_eq!(counts_of(TEXT, CpuId(1)), None);
        assert_eq!(counts_of("", CpuId(0)), None);
        assert_eq!(counts_of("CPU0\nNMI: x\n", CpuId(0)), None);
        assert_eq!(counts_of("CPU0 CPU1\nNMI: 3\n", CpuId(1)), None);
    }

    #[test]
    fn a_rise_says_that_the_kernel_ran_even_over_a_wrap() {
        assert_eq!(footprint(counts(7, 1), counts(7, 1)), Footprint::Excluded);
        assert_eq!(
            footprint(counts(7, 1), counts(8, 1)),
            Footprint::Interrupted
        );
        assert_eq!(
            footprint(counts(7, 1), counts(7, 2)),
            Footprint::Interrupted
        );
        assert_eq!(counts(1, 0).since(counts(u32::MAX, 0)), counts(2, 0));
    }
}
