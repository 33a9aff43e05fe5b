//! Where SMIs could be counted, as far as files tell.
//!
//! That a source is there does not say that it may be opened or that its
//! count can be trusted: in a guest the count is the virtual machine's own.

use std::path::PathBuf;

use super::root::{Known, ReadError, Root};
use crate::units::CpuId;

const DEVICES: &str = "sys/bus/event_source/devices";

/// The sources of the whole machine. [`msr_device`] is the one by CPU.
#[derive(Clone, Debug)]
pub struct SmiSources {
    /// The perf PMU that reads free-running MSRs (arch/x86/events/msr.c).
    pub msr_pmu: Known<MsrPmu>,
    /// The core PMU, which AMD's raw SMI event needs. Most guests lack it.
    pub core_pmu: Known<CorePmu>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MsrPmu {
    /// Its number for `perf_event_attr.type`.
    pub pmu_type: u32,
    /// `perf_event_attr.config` of its event `smi`. `Missing` where the
    /// kernel does not know this CPU model to have the counter.
    pub smi_config: Known<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorePmu {
    /// Its folder: `cpu`, or `cpu_core` on hybrid CPUs.
    pub name: &'static str,
    /// Its number for `perf_event_attr.type`.
    pub pmu_type: u32,
}

impl SmiSources {
    pub(super) fn read(root: &Root) -> SmiSources {
        SmiSources {
            msr_pmu: MsrPmu::read(root),
            core_pmu: CorePmu::read(root),
        }
    }
}

impl MsrPmu {
    fn read(root: &Root) -> Known<MsrPmu> {
        Ok(MsrPmu {
            pmu_type: root.read_number(&format!("{DEVICES}/msr/type"))?,
            smi_config: msr_event(root, "smi"),
        })
    }
}

/// `perf_event_attr.config` of an event of the perf PMU `msr`: `event=0x04` is
/// 4. The format of this PMU gives the whole of `config` to `event`, so no
/// other term can matter.
///
/// # Errors
/// `Missing` where the kernel does not know this CPU to have the register.
pub fn msr_event(root: &Root, name: &str) -> Known<u64> {
    let file = format!("{DEVICES}/msr/events/{name}");
    let text = root.read_text(&file)?;
    event_number(&text).ok_or_else(|| root.malformed(&file, "an event such as event=0x04", &text))
}

fn event_number(text: &str) -> Option<u64> {
    let value = text
        .trim()
        .split(',')
        .find_map(|term| term.trim().strip_prefix("event="))?;
    match value.strip_prefix("0x") {
        // from_str_radix takes a sign, which an event never has.
        Some(hex) if !hex.starts_with('+') => u64::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => value.parse().ok(),
    }
}

impl CorePmu {
    fn read(root: &Root) -> Known<CorePmu> {
        let pmu = |name: &'static str| {
            let pmu_type = root.read_number(&format!("{DEVICES}/{name}/type"))?;
            Ok(CorePmu { name, pmu_type })
        };
        match pmu("cpu") {
            Err(missing @ ReadError::Missing { .. }) => pmu("cpu_core").map_err(|_| missing),
            known => known,
        }
    }
}

/// The MSR device of a CPU, to be opened with CAP_SYS_RAWIO.
///
/// # Errors
/// `Missing` without the msr module, and for a CPU that is offline.
pub fn msr_device(root: &Root, cpu: CpuId) -> Known<PathBuf> {
    root.existing(&format!("dev/cpu/{cpu}/msr"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_hexadecimal_or_decimal() {
        for (text, number) in [
            ("event=0x04", Some(4)),
            ("event=0x2b,umask=0x00\n", Some(0x2b)),
            ("umask=0x01, event=7", Some(7)),
            ("event=", None),
            ("event=0x", None),
            ("event=0x+4", None),
            ("event=0x10000000000000000", None),
            ("config=4", None),
            ("", None),
        ] {
            assert_eq!(event_number(text), number, "{text}");
        }
    }
}
