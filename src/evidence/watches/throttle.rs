//! Thermal throttling, by the kernel's counts of thermal interrupts that
//! announced it (drivers/thermal/intel/therm_throt.c; Intel SDM vol. 3,
//! "Thermal Monitoring and Protection"). Reading them disturbs no CPU: they
//! are variables of the kernel, not registers.

use crate::host::root::{Known, Root};
use crate::units::{CpuId, Cycles, Nanos};

/// CPUs up to which each look reads the counts; for more they are read at the
/// start and the end only, as 200 ms would be filled with opening files.
const MOST_FOR_LOOKS: usize = 64;
/// Rises kept; a CPU that throttles all the time rises at every look.
const MOST_RISES: usize = 10_000;

/// What one CPU's counts say, since boot or over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThrottleCounts {
    /// Times this core began to throttle.
    pub core: u64,
    /// Times its package did; every CPU of the package shows the same.
    pub package: u64,
    /// Time throttled for the core's sake; `None` before Linux 5.6.
    pub core_time: Option<Nanos>,
    /// Time throttled for the package's sake.
    pub package_time: Option<Nanos>,
}

impl ThrottleCounts {
    fn read(root: &Root, cpu: CpuId) -> Known<ThrottleCounts> {
        let folder = format!("sys/devices/system/cpu/cpu{cpu}/thermal_throttle");
        let time = |name: &str| {
            let millis: u64 = root.read_number(&format!("{folder}/{name}")).ok()?;
            Some(Nanos(millis.saturating_mul(Nanos::MILLISECOND.0)))
        };
        Ok(ThrottleCounts {
            core: root.read_number(&format!("{folder}/core_throttle_count"))?,
            // Absent on CPUs whose package has no thermal status of its own.
            package: root
                .read_number(&format!("{folder}/package_throttle_count"))
                .unwrap_or(0),
            core_time: time("core_throttle_total_time_ms"),
            package_time: time("package_throttle_total_time_ms"),
        })
    }

    /// What was added since `earlier`.
    fn since(self, earlier: ThrottleCounts) -> ThrottleCounts {
        let time = |now: Option<Nanos>, then: Option<Nanos>| {
            now.zip(then).map(|(now, then)| now.saturating_sub(then))
        };
        ThrottleCounts {
            core: self.core.saturating_sub(earlier.core),
            package: self.package.saturating_sub(earlier.package),
            core_time: time(self.core_time, earlier.core_time),
            package_time: time(self.package_time, earlier.package_time),
        }
    }

    fn rose(self, earlier: ThrottleCounts) -> bool {
        self.core > earlier.core || self.package > earlier.package
    }

    /// Whether anything throttled.
    pub fn any(self) -> bool {
        self.core > 0 || self.package > 0
    }
}

/// A stretch of time in which a CPU began to throttle: between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleRise {
    /// The CPU's place among those watched.
    pub index: usize,
    /// The look before.
    pub from: Cycles,
    /// The look that found it.
    pub to: Cycles,
}

#[derive(Clone, Debug)]
struct Watched {
    cpu: CpuId,
    first: Known<ThrottleCounts>,
    latest: Known<ThrottleCounts>,
}

/// The counts of the sampled CPUs.
#[derive(Clone, Debug)]
pub struct ThrottleWatch {
    root: Root,
    cpus: Vec<Watched>,
    looked: Option<Cycles>,
    rises: Vec<ThrottleRise>,
}

impl ThrottleWatch {
    pub(super) fn begin(root: &Root, cpus: &[CpuId], now: Option<Cycles>) -> ThrottleWatch {
        let watched = |&cpu: &CpuId| {
            let first = ThrottleCounts::read(root, cpu);
            Watched {
                cpu,
                latest: first.clone(),
                first,
            }
        };
        ThrottleWatch {
            root: root.clone(),
            cpus: cpus.iter().map(watched).collect(),
            looked: now,
            rises: Vec::new(),
        }
    }

    pub(super) fn look(&mut self, now: Cycles) {
        if self.cpus.len() <= MOST_FOR_LOOKS {
            self.read(Some(now));
        }
    }

    pub(super) fn end(&mut self, now: Option<Cycles>) {
        self.read(now);
    }

    fn read(&mut self, now: Option<Cycles>) {
        for (index, watched) in self.cpus.iter_mut().enumerate() {
            // What was missing at the start does not appear in mid-run.
            let Ok(before) = watched.latest else { continue };
            watched.latest = ThrottleCounts::read(&self.root, watched.cpu);
            if let (Ok(after), Some(from), Some(to)) = (&watched.latest, self.looked, now)
                && after.rose(before)
                && self.rises.len() < MOST_RISES
            {
                self.rises.push(ThrottleRise { index, from, to });
            }
        }
        self.looked = now;
    }

    /// The counts of the CPU at this place over the run.
    ///
    /// # Errors
    /// Where they could not be read at the start or the end.
    pub fn over_run(&self, index: usize) -> Known<ThrottleCounts> {
        let watched = &self.cpus[index];
        let (first, latest) = (watched.first.clone()?, watched.latest.clone()?);
        Ok(latest.since(first))
    }

    /// Whether the CPU at this place began to throttle at about this time.
    /// That a gap is near says that throttling may have taken part in it, not
    /// that it made the gap.
    pub fn rose_near(&self, index: usize, start: Cycles, end: Cycles) -> bool {
        self.rises
            .iter()
            .any(|rise| rise.index == index && rise.from <= end && start <= rise.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(folder: &std::path::Path, core: &str, package: &str, millis: &str) {
        fs::write(folder.join("core_throttle_count"), core).unwrap();
        fs::write(folder.join("package_throttle_count"), package).unwrap();
        fs::write(folder.join("core_throttle_total_time_ms"), millis).unwrap();
    }

    #[test]
    fn what_rose_in_the_run_is_told_and_when() {
        let host = tempfile::tempdir().unwrap();
        let folder = host
            .path()
            .join("sys/devices/system/cpu/cpu1/thermal_throttle");
        fs::create_dir_all(&folder).unwrap();
        write(&folder, "7\n", "9\n", "100\n");
        let root = Root::at(host.path());
        let mut watch = ThrottleWatch::begin(&root, &[CpuId(1)], Some(Cycles(1_000)));
        watch.look(Cycles(2_000));
        write(&folder, "10\n", "9\n", "130\n");
        watch.look(Cycles(3_000));
        watch.end(Some(Cycles(4_000)));
        let counts = watch.over_run(0).unwrap();
        assert_eq!((counts.core, counts.package), (3, 0));
        assert_eq!(counts.core_time, Some(Nanos(30_000_000)));
        assert_eq!(counts.package_time, None);
        assert!(watch.rose_near(0, Cycles(2_500), Cycles(2_600)));
        assert!(!watch.rose_near(0, Cycles(3_500), Cycles(3_600)));
        assert!(!watch.rose_near(0, Cycles(1_500), Cycles(1_600)));
    }

    #[test]
    fn a_machine_without_the_counts_says_so() {
        let host = tempfile::tempdir().unwrap();
        let mut watch = ThrottleWatch::begin(&Root::at(host.path()), &[CpuId(0)], None);
        watch.end(None);
        let error = watch.over_run(0).unwrap_err().to_string();
        assert!(
            error.ends_with("core_throttle_count does not exist"),
            "{error}"
        );
    }
}
