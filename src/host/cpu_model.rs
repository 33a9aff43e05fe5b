//! Which CPU this is, by the first processor of `/proc/cpuinfo`
//! (arch/x86/kernel/cpu/proc.c).
//!
//! Only the first processor is read: the file has a paragraph a CPU, and
//! making all of them takes the kernel long on a big machine.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::root::{Known, Root};
use super::text::clean;

const CPUINFO: &str = "proc/cpuinfo";

/// The longest label kept, in characters. CPUID brand strings have 48.
const LONGEST_LABEL: usize = 96;

/// The longest flag name kept, in characters.
const LONGEST_FLAG: usize = 40;

/// The CPU's model. Every text is cleaned for display.
#[derive(Clone, Debug)]
pub struct CpuModel {
    /// The vendor string, such as `GenuineIntel`.
    pub vendor: Known<String>,
    /// The display family, extended part included.
    pub family: Known<u32>,
    /// The display model, extended part included.
    pub model: Known<u32>,
    pub stepping: Known<u32>,
    pub name: Known<String>,
    /// The microcode revision in the kernel's form, such as `0xd0003e7`. In a
    /// guest the hypervisor makes it up.
    pub microcode: Known<String>,
    /// The feature flags that the kernel knows and has not switched off.
    pub flags: Known<CpuFlags>,
}

impl CpuModel {
    pub(super) fn read(root: &Root) -> CpuModel {
        match root.read_first_paragraph(CPUINFO) {
            Ok(paragraph) => CpuModel::parse(root, &paragraph),
            Err(error) => CpuModel {
                vendor: Err(error.clone()),
                family: Err(error.clone()),
                model: Err(error.clone()),
                stepping: Err(error.clone()),
                name: Err(error.clone()),
                microcode: Err(error.clone()),
                flags: Err(error),
            },
        }
    }

    fn parse(root: &Root, paragraph: &str) -> CpuModel {
        let field = |name: &'static str, expected: &'static str| -> Known<&str> {
            paragraph
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| key.trim() == name)
                .map(|(_, value)| value.trim())
                .filter(|value| !value.is_empty())
                .ok_or_else(|| root.malformed(CPUINFO, expected, paragraph))
        };
        let label = |name, expected| field(name, expected).map(|v| clean(v, LONGEST_LABEL));
        let number = |name, expected| field(name, expected).and_then(|v| parsed(root, expected, v));
        CpuModel {
            vendor: label("vendor_id", "a line 'vendor_id'"),
            family: number("cpu family", "a number in a line 'cpu family'"),
            model: number("model", "a number in a line 'model'"),
            stepping: number("stepping", "a number in a line 'stepping'"),
            name: label("model name", "a line 'model name'"),
            microcode: label("microcode", "a line 'microcode'"),
            flags: field("flags", "a line 'flags'").map(CpuFlags::parse),
        }
    }
}

fn parsed<N: FromStr>(root: &Root, expected: &'static str, value: &str) -> Known<N> {
    value
        .parse()
        .map_err(|_| root.malformed(CPUINFO, expected, value))
}

/// The flags of a CPU, by the kernel's names
/// (arch/x86/include/asm/cpufeatures.h).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuFlags(BTreeSet<String>);

impl CpuFlags {
    /// The flags that tell how far the TSC can be trusted.
    const ABOUT_TSC: [&str; 8] = [
        "tsc",
        "rdtscp",
        "constant_tsc",
        "nonstop_tsc",
        "nonstop_tsc_s3",
        "tsc_reliable",
        "tsc_known_freq",
        "tsc_adjust",
    ];

    fn parse(flags: &str) -> CpuFlags {
        CpuFlags(
            flags
                .split_whitespace()
                .map(|flag| clean(flag, LONGEST_FLAG))
                .collect(),
        )
    }

    /// Whether the kernel lists this flag, such as `tsc`, `hypervisor` (a
    /// guest) or `fred` (kernel entries by FRED, in use).
    pub fn has(&self, flag: &str) -> bool {
        self.0.contains(flag)
    }

    /// Those of the flags that tell how far the TSC can be trusted, in a
    /// fixed order.
    pub fn about_tsc(&self) -> Vec<&'static str> {
        Self::ABOUT_TSC
            .into_iter()
            .filter(|flag| self.has(flag))
            .collect()
    }
}

impl FromIterator<String> for CpuFlags {
    fn from_iter<I: IntoIterator<Item = String>>(flags: I) -> Self {
        CpuFlags(flags.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::root::ReadError;

    const XEON: &str = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n\
        model\t\t: 143\nmodel name\t: Intel(R) Xeon(R) Gold 6430\nstepping\t: 8\n\
        microcode\t: 0x2b0005c0\nflags\t\t: fpu tsc constant_tsc nonstop_tsc rdtscp\n";

    fn parse(paragraph: &str) -> CpuModel {
        CpuModel::parse(&Root::at("/tree"), paragraph)
    }

    #[test]
    fn model_and_model_name_are_told_apart() {
        let cpu = parse(XEON);
        assert_eq!(cpu.vendor.unwrap(), "GenuineIntel");
        assert_eq!(
            (cpu.family, cpu.model, cpu.stepping),
            (Ok(6), Ok(143), Ok(8))
        );
        assert_eq!(cpu.name.unwrap(), "Intel(R) Xeon(R) Gold 6430");
        assert_eq!(cpu.microcode.unwrap(), "0x2b0005c0");
    }

    #[test]
    fn tsc_flags_come_in_a_fixed_order() {
        let flags = parse(XEON).flags.unwrap();
        assert_eq!(
            flags.about_tsc(),
            ["tsc", "rdtscp", "constant_tsc", "nonstop_tsc"]
        );
        assert!(flags.has("fpu") && !flags.has("hypervisor"));
    }

    #[test]
    fn an_unknown_stepping_is_no_zero() {
        // The kernel prints "unknown" for CPUs without a stepping.
        let cpu = parse(&XEON.replace("stepping\t: 8", "stepping\t: unknown"));
        let Err(ReadError::Malformed { found, .. }) = cpu.stepping else {
            panic!()
        };
        assert_eq!(found, "unknown");
        assert_eq!(cpu.model, Ok(143));
    }

    #[test]
    fn a_missing_line_is_named() {
        let cpu = parse("processor\t: 0\n");
        assert!(
            cpu.microcode
                .unwrap_err()
                .to_string()
                .contains("not a line 'microcode'")
        );
    }
}
