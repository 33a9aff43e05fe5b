//! The counters of one CPU: where they come from, and their readings.

use std::io;

use crate::host::root::Root;
use crate::model::{InSmm, RingZero};
use crate::sys::perf::CpuCounter;
use crate::sys::tsc;
use crate::sys::user_counter::UserCounter;
use crate::units::{CpuId, Cycles};

use super::selftest;

/// PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS and
/// PERF_COUNT_HW_REF_CPU_CYCLES of perf_event_open(2).
const HARDWARE: u32 = 0;
const INSTRUCTIONS: u64 = 1;
const REFERENCE_CYCLES: u64 = 9;
/// PERF_PMU_TYPE_SHIFT of include/uapi/linux/perf_event.h: on CPUs with two
/// kinds of cores the upper half of `config` names the kind.
const PMU_SHIFT: u32 = 32;
const HYBRID: [&str; 2] = ["cpu_core", "cpu_atom"];
/// Length of the test of the reference cycles.
const TEST_SPAN: Cycles = Cycles(200_000);

/// Where the counters of the sampled CPUs may come from.
#[derive(Clone, Debug)]
pub struct PmuSources {
    /// Where the machine's files are, or why nothing is to be counted.
    root: Result<Root, String>,
    /// Whether counters stand still in SMM, or why not.
    frozen: Result<(), String>,
}

/// What was found on one CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PmuSetup {
    /// Whether instructions of ring 0 are counted, and how, or why not.
    pub ring_zero: Result<InSmm, String>,
    /// Whether the time in SMM is measured for a gap, or why not.
    pub smm_time: Result<(), String>,
}

/// The counters of the CPU under the calling thread, opened and tested.
#[derive(Debug)]
pub struct PmuCounters {
    instructions: UserCounter,
    in_smm: InSmm,
    reference: Option<UserCounter>,
}

/// The counters at one moment; each counts from an origin of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmuReading {
    /// Instructions of ring 0.
    pub instructions: u64,
    /// What the counters do in SMM.
    pub in_smm: InSmm,
    /// Reference cycles, which advance with the TSC but stand still in SMM,
    /// and the TSC beside them.
    pub reference: Option<(u64, Cycles)>,
}

impl PmuSources {
    /// Sources below a root. `frozen` says whether counters stand still in SMM,
    /// or why not.
    pub fn new(root: &Root, frozen: Result<(), String>) -> PmuSources {
        PmuSources {
            root: Ok(root.clone()),
            frozen,
        }
    }

    /// No sources, for this reason.
    pub fn none(reason: &str) -> PmuSources {
        PmuSources {
            root: Err(reason.to_owned()),
            frozen: Err(reason.to_owned()),
        }
    }

    /// Opens the counters of `cpu`, on which the calling thread must be, and
    /// tests them.
    pub fn open(&self, cpu: CpuId) -> (Option<PmuCounters>, PmuSetup) {
        let opened = self.root.clone().and_then(|root| {
            let kind = hybrid_kind(&root, cpu);
            self.ring_zero(kind, cpu).map(|counter| (kind, counter))
        });
        let (kind, instructions) = match opened {
            Ok(opened) => opened,
            Err(reason) => return (None, PmuSetup::nothing(reason)),
        };
        let in_smm = match self.frozen {
            Ok(()) => InSmm::Stopped,
            Err(_) => InSmm::Counting,
        };
        let reference = self.reference(kind, cpu);
        let setup = PmuSetup {
            ring_zero: Ok(in_smm),
            smm_time: reference.as_ref().map(|_| ()).map_err(Clone::clone),
        };
        let counters = PmuCounters {
            instructions,
            in_smm,
            reference: reference.ok(),
        };
        (Some(counters), setup)
    }

    fn ring_zero(&self, kind: u64, cpu: CpuId) -> Result<UserCounter, String> {
        let name = "instructions in ring 0";
        let counter = CpuCounter::open_kernel_only(HARDWARE, kind | INSTRUCTIONS, cpu)
            .and_then(UserCounter::map)
            .map_err(|error| explain(name, &error))?;
        let count = || count(name, &counter);
        selftest::of_ring_zero(count, || {
            // A system call that does next to nothing.
            nix::unistd::getppid();
        })?;
        Ok(counter)
    }

    fn reference(&self, kind: u64, cpu: CpuId) -> Result<UserCounter, String> {
        self.frozen.clone()?;
        let name = "reference cycles";
        let counter = CpuCounter::open_pinned(HARDWARE, kind | REFERENCE_CYCLES, cpu)
            .and_then(UserCounter::map)
            .map_err(|error| explain(name, &error))?;
        let read = || Ok((Cycles(tsc::read()), count(name, &counter)?));
        selftest::of_reference(read, TEST_SPAN)?;
        Ok(counter)
    }
}

impl PmuSetup {
    /// Nothing is counted, for this reason.
    pub fn nothing(reason: impl Into<String>) -> PmuSetup {
        let reason = reason.into();
        PmuSetup {
            ring_zero: Err(reason.clone()),
            smm_time: Err(reason),
        }
    }
}

impl PmuReading {
    /// What was retired in ring 0 since an earlier reading.
    pub fn ring_zero_since(self, earlier: PmuReading) -> RingZero {
        let instructions = self.instructions.wrapping_sub(earlier.instructions);
        RingZero {
            instructions: u32::try_from(instructions).unwrap_or(u32::MAX),
            in_smm: self.in_smm,
        }
    }

    /// The time for which the reference cycles stood still since an earlier
    /// reading.
    pub fn stood_still_since(self, earlier: PmuReading) -> Option<Cycles> {
        let ((count, tsc), (count_then, tsc_then)) = self.reference.zip(earlier.reference)?;
        let counted = count.wrapping_sub(count_then);
        Some(Cycles(tsc.since(tsc_then).0.saturating_sub(counted)))
    }
}

impl PmuCounters {
    /// The counts; `None` where another user of the PMU holds the counter now.
    #[inline]
    pub fn read(&self) -> Option<PmuReading> {
        let reference = match &self.reference {
            Some(counter) => Some((counter.count().ok()?, Cycles(tsc::read()))),
            None => None,
        };
        Some(PmuReading {
            instructions: self.instructions.count().ok()?,
            in_smm: self.in_smm,
            reference,
        })
    }
}

fn count(name: &str, counter: &UserCounter) -> Result<u64, String> {
    counter
        .count()
        .map_err(|defect| format!("{name}: {defect}"))
}

/// The upper half of `config` for this CPU; 0 where all cores are alike.
fn hybrid_kind(root: &Root, cpu: CpuId) -> u64 {
    let folder = |name: &str| format!("sys/bus/event_source/devices/{name}");
    let has = |name: &&&str| {
        let cpus = root.read_cpu_list(&format!("{}/cpus", folder(name)));
        cpus.is_ok_and(|cpus| cpus.contains(cpu))
    };
    let kind = HYBRID.iter().find(has).and_then(|name| {
        root.read_number::<u32>(&format!("{}/type", folder(name)))
            .ok()
    });
    kind.map_or(0, |kind| u64::from(kind) << PMU_SHIFT)
}

fn explain(name: &str, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => format!(
            "perf event {name}: not allowed (needs CAP_PERFMON or kernel.perf_event_paranoid at 0 \
             or below)"
        ),
        Some(libc::ENOENT | libc::EOPNOTSUPP | libc::EINVAL) => format!(
            "perf event {name}: this kernel sees no PMU that counts it (most guests have none)"
        ),
        _ => format!("perf event {name}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_hybrid_cpu_names_its_kind_of_core() {
        let host = tempfile::tempdir().unwrap();
        let root = Root::at(host.path());
        assert_eq!(hybrid_kind(&root, CpuId(3)), 0);
        for (name, cpus, kind) in [("cpu_core", "0-7\n", "4\n"), ("cpu_atom", "8-15\n", "10\n")] {
            let folder = root.path(&format!("sys/bus/event_source/devices/{name}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("cpus"), cpus).unwrap();
            fs::write(folder.join("type"), kind).unwrap();
        }
        assert_eq!(hybrid_kind(&root, CpuId(3)), 4 << 32);
        assert_eq!(hybrid_kind(&root, CpuId(9)), 10 << 32);
        assert_eq!(hybrid_kind(&root, CpuId(20)), 0);
    }

    #[test]
    fn this_cpu_counts_or_says_why_not() {
        let frozen = Err(String::from("not asked"));
        let (counters, setup) = PmuSources::new(&Root::live(), frozen).open(CpuId(0));
        match (counters, &setup.ring_zero) {
            (Some(_), Ok(in_smm)) => assert_eq!(*in_smm, InSmm::Counting),
            (None, Err(reason)) => assert!(!reason.is_empty()),
            other => panic!("{other:?}"),
        }
        println!("{setup:?}");
    }
}
