//! Registers of a sampled CPU, read on that CPU by its own sampler before the
//! first sample and after the last: from elsewhere each reading would be an
//! interrupt to it.
//!
//! - IA32_TSC_ADJUST (3BH; Intel SDM vol. 3, "Time-Stamp Counter Adjustment"):
//!   every write to the TSC shows in it. Firmware that takes the time of an SMI
//!   off the TSC changes one or the other.
//! - IA32_APERF and IA32_MPERF (SDM vol. 3, "Hardware Feedback": actual and
//!   reference cycles while not halted), through perf's `msr` PMU
//!   (arch/x86/events/msr.c).
//! - Unhalted core cycles of the core PMU, which stand still in SMM while
//!   `freeze_on_smi` is set; APERF does not.

use crate::evidence::pmu::PmuSources;
use crate::host::root::Root;
use crate::host::smi_source::{MsrPmu, msr_device, msr_event};
use crate::sys::msr::MsrDevice;
use crate::sys::perf::CpuCounter;
use crate::sys::tsc;
use crate::units::{CpuId, Cycles};

/// PERF_TYPE_HARDWARE and PERF_COUNT_HW_CPU_CYCLES of perf_event_open(2).
const HARDWARE_CYCLES: (u32, u64) = (0, 0);

/// The events of perf's `msr` PMU that count a core's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreClockEvents {
    kind: u32,
    aperf: u64,
    mperf: u64,
}

/// Where the registers may be read.
#[derive(Clone, Debug)]
pub struct RegisterSources {
    root: Root,
    clocks: Result<CoreClockEvents, String>,
    cycles: Result<(), String>,
    pmu: PmuSources,
}

impl RegisterSources {
    /// Looks which sources this host has. `cycles` says whether unhalted
    /// cycles stand still in SMM, or why that is not so.
    pub fn find(
        root: &Root,
        msr_pmu: Result<&MsrPmu, String>,
        cycles: Result<(), String>,
    ) -> RegisterSources {
        let event = |name: &str| {
            msr_event(root, name)
                .map_err(|_| format!("perf's msr PMU has no event {name} (most guests have none)"))
        };
        let clocks = msr_pmu.and_then(|pmu| {
            Ok(CoreClockEvents {
                kind: pmu.pmu_type,
                aperf: event("aperf")?,
                mperf: event("mperf")?,
            })
        });
        RegisterSources {
            root: root.clone(),
            clocks,
            pmu: PmuSources::new(root, cycles.clone()),
            cycles,
        }
    }

    /// The same with other sources of counts that are read in the run.
    pub fn with_pmu(self, pmu: PmuSources) -> RegisterSources {
        RegisterSources { pmu, ..self }
    }

    /// Where counts come from that are read in the run.
    pub fn pmu(&self) -> &PmuSources {
        &self.pmu
    }

    /// No sources, for this reason.
    pub fn none(reason: &str) -> RegisterSources {
        RegisterSources {
            root: Root::live(),
            clocks: Err(reason.to_owned()),
            cycles: Err(reason.to_owned()),
            pmu: PmuSources::none(reason),
        }
    }
}

/// The registers of the CPU under the calling thread, opened.
#[derive(Debug)]
pub struct Registers {
    msr: Result<MsrDevice, String>,
    clocks: Result<(CpuCounter, CpuCounter), String>,
    cycles: Result<CpuCounter, String>,
}

/// Core clocks at one moment; each counts from an origin of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoreClocks {
    /// The TSC as `mperf` was read.
    pub tsc: Cycles,
    /// Bound of the time between the two.
    pub error: Cycles,
    /// Actual cycles while not halted.
    pub aperf: u64,
    /// Reference cycles while not halted.
    pub mperf: u64,
}

/// The registers at one moment; each known or with the reason why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterReading {
    /// IA32_TSC_ADJUST.
    pub tsc_adjust: Result<i64, String>,
    /// APERF and MPERF.
    pub clocks: Result<CoreClocks, String>,
    /// Unhalted cycles that stand still in SMM.
    pub cycles: Result<u64, String>,
}

impl RegisterReading {
    /// Nothing known, for this reason.
    pub fn unknown(reason: &str) -> RegisterReading {
        RegisterReading {
            tsc_adjust: Err(reason.to_owned()),
            clocks: Err(reason.to_owned()),
            cycles: Err(reason.to_owned()),
        }
    }
}

impl Registers {
    /// Opens what this process may read of `cpu`.
    pub fn open(sources: &RegisterSources, cpu: CpuId) -> Registers {
        let msr = msr_device(&sources.root, cpu)
            .map_err(|_| String::from("the msr module is not loaded"))
            .and_then(|path| {
                MsrDevice::open(&path).map_err(|error| {
                    format!("{}: {error} (needs root or CAP_SYS_RAWIO)", path.display())
                })
            });
        let open = |name: &str, kind: u32, config: u64| {
            CpuCounter::open(kind, config, cpu).map_err(|error| {
                format!(
                    "perf event {name}: {error} (needs CAP_PERFMON or \
                     kernel.perf_event_paranoid at 0 or below)"
                )
            })
        };
        let clocks = sources.clocks.clone().and_then(|events| {
            Ok((
                open("msr/aperf/", events.kind, events.aperf)?,
                open("msr/mperf/", events.kind, events.mperf)?,
            ))
        });
        let cycles = sources.cycles.clone().and_then(|()| {
            let (kind, config) = HARDWARE_CYCLES;
            // Pinned: an event that takes turns with others counts too little,
            // and the rest would be taken for SMM.
            CpuCounter::open_pinned(kind, config, cpu)
                .map_err(|error| format!("perf event cycles: {error}"))
        });
        Registers {
            msr,
            clocks,
            cycles,
        }
    }

    /// Reads all of them. Some microseconds; never while sampling.
    pub fn read(&self) -> RegisterReading {
        let read = |name: &str, counter: &CpuCounter| {
            counter
                .read()
                .map_err(|error| format!("perf event {name}: {error}"))
        };
        let clocks = self.clocks.as_ref().map_err(Clone::clone);
        let clocks = clocks.and_then(|(aperf, mperf)| {
            let before = tsc::read();
            let mperf = read("msr/mperf/", mperf)?;
            let after = tsc::read();
            let width = after.wrapping_sub(before);
            Ok(CoreClocks {
                tsc: Cycles(before.wrapping_add(width / 2)),
                error: Cycles(width.div_ceil(2)),
                aperf: read("msr/aperf/", aperf)?,
                mperf,
            })
        });
        // Next to APERF, as the difference of the two is what is wanted.
        let cycles = self.cycles.as_ref().map_err(Clone::clone);
        let cycles = cycles.and_then(|counter| read("cycles", counter));
        let msr = self.msr.as_ref().map_err(Clone::clone);
        RegisterReading {
            tsc_adjust: msr.and_then(|device| {
                device
                    .tsc_adjust()
                    .map_err(|error| match error.raw_os_error() {
                        Some(libc::EIO) => String::from("this CPU has no IA32_TSC_ADJUST"),
                        _ => format!("IA32_TSC_ADJUST: {error}"),
                    })
            }),
            clocks,
            cycles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_cpu_answers_or_says_why_not() {
        let root = Root::live();
        let host = crate::host::Host::read(&root);
        let pmu = host
            .smi_sources
            .msr_pmu
            .as_ref()
            .map_err(ToString::to_string);
        let sources = RegisterSources::find(&root, pmu, Err(String::from("not asked")));
        let registers = Registers::open(&sources, CpuId(0));
        for reason in [
            registers.read().tsc_adjust.err(),
            registers.read().clocks.err(),
        ] {
            let reason = reason.unwrap_or_else(|| String::from("readable"));
            println!("{reason}");
            assert!(!reason.is_empty());
        }
    }
}
