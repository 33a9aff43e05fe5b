//! What the whole machine is, as far as it bears on every gap: bare metal or
//! guest, how its kernel returns to user space, how fast its TSC runs and
//! where SMIs can be counted.

use crate::host::Host;
use crate::host::cpuid_facts::{CpuidFacts, Crystal, TscRate};
use crate::host::hypervisor::{Hypervisor, dmi_suggests_virtual_machine};
use crate::host::root::Root;
use crate::host::smi_source::msr_device;
use crate::model::Platform;
use crate::units::{CpuId, Hertz};

use super::smi_counter::SmiSource;

/// AMD family 17h: the first with the PMU event for received SMIs
/// (`ls_smi_rx`, Processor Programming Reference, PMCx02B).
const FIRST_AMD_WITH_SMI_EVENT: u32 = 0x17;
/// PMCx02B, counting in the kernel and in user mode.
const AMD_SMI_RECEIVED: u64 = 0x2b;
/// PERF_TYPE_RAW of perf_event_open(2).
const PERF_TYPE_RAW: u32 = 4;

/// How the kernel returns to user space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelReturn {
    /// By IRET.
    Iret,
    /// By ERETU.
    Fred,
}

/// Facts about the machine that files alone do not tell.
#[derive(Clone, Debug)]
pub struct MachineFacts {
    /// What CPUID says.
    pub cpuid: CpuidFacts,
    /// The hypervisor, by CPUID or, where that is silent, by the firmware's
    /// texts.
    pub hypervisor: Option<Hypervisor>,
    /// How the kernel returns to user space.
    pub kernel_return: KernelReturn,
}

impl MachineFacts {
    /// Puts together what CPUID and the files say.
    pub fn new(cpuid: CpuidFacts, host: &Host) -> MachineFacts {
        let hypervisor = cpuid
            .hypervisor()
            .or_else(|| dmi_suggests_virtual_machine(&host.identity));
        // The kernel shows the flag only while it uses FRED.
        let fred = host
            .cpu_model
            .flags
            .as_ref()
            .is_ok_and(|flags| flags.has("fred"));
        let kernel_return = if fred {
            KernelReturn::Fred
        } else {
            KernelReturn::Iret
        };
        MachineFacts {
            cpuid,
            hypervisor,
            kernel_return,
        }
    }

    /// Bare metal or guest.
    pub fn platform(&self) -> Platform {
        match self.hypervisor {
            Some(_) => Platform::Guest,
            None => Platform::BareMetal,
        }
    }

    /// The TSC's rate by CPUID 15h, where the CPU gives all of it.
    pub fn tsc_rate(&self) -> Option<Hertz> {
        self.cpuid.crystal.and_then(Crystal::tsc_rate)
    }

    /// Whether the TSC keeps its rate.
    pub fn tsc_is_invariant(&self) -> bool {
        self.cpuid.tsc_rate == TscRate::Invariant
    }

    /// Where SMIs of a CPU may be counted, best first; or why nowhere.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn smi_sources(
        &self,
        root: &Root,
        host: &Host,
        cpu: CpuId,
    ) -> Result<Vec<SmiSource>, String> {
        let mut sources = Vec::new();
        let intel = self.cpuid.vendor == "GenuineIntel";
        if intel && let Ok(path) = msr_device(root, cpu) {
            sources.push(SmiSource::Msr(path));
        }
        if let Ok(pmu) = &host.smi_sources.msr_pmu
            && let Ok(config) = pmu.smi_config
        {
            sources.push(SmiSource::Perf {
                kind: pmu.pmu_type,
                config,
                name: "msr/smi/",
            });
        }
        let amd = matches!(self.cpuid.vendor.as_str(), "AuthenticAMD" | "HygonGenuine");
        let has_event = amd && self.cpuid.family >= FIRST_AMD_WITH_SMI_EVENT;
        if has_event && host.smi_sources.core_pmu.is_ok() {
            sources.push(SmiSource::Perf {
                kind: PERF_TYPE_RAW,
                config: AMD_SMI_RECEIVED,
                name: "ls_smi_rx (raw 0x2b)",
            });
        }
        if !sources.is_empty() {
            return Ok(sources);
        }
        Err(String::from(if has_event {
            "AMD counts SMIs only in the core PMU, and this kernel shows none"
        } else if intel {
            "the msr module is not loaded and perf's msr PMU has no smi event here"
        } else {
            "this CPU has no SMI counter that this program knows"
        }))
    }
}
