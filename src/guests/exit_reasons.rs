//! What an exit from a guest is called, and what it was about.
//!
//! Source: Intel SDM volume 3, appendix C and table 28-1 ff. (exit qualification);
//! AMD APM volume 2, appendix C and 15.10 (IOIO), 15.25.6 (nested page fault);
//! Linux, Documentation/virt/kvm/api.rst (KVM_EXIT_*).

use std::borrow::Cow;

use crate::model::absence::{Isa, VmExit};

/// An exit as the kernel recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// VMX or SVM.
    pub isa: Isa,
    /// The number.
    pub code: u32,
    /// The exit qualification, or EXITINFO1.
    pub info1: u64,
    /// EXITINFO2 of SVM.
    pub info2: u64,
}

/// What KVM does of an exit that decides who took the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The guest had nothing to do.
    Halt,
    /// An interrupt or NMI of the host's came.
    Interrupt,
    /// An SMI came.
    Smi,
    /// The guest did something.
    Other,
}

const VMX: [&str; 76] = [
    "EXCEPTION_NMI",
    "EXTERNAL_INTERRUPT",
    "TRIPLE_FAULT",
    "INIT_SIGNAL",
    "SIPI_SIGNAL",
    "IO_SMI",
    "OTHER_SMI",
    "INTERRUPT_WINDOW",
    "NMI_WINDOW",
    "TASK_SWITCH",
    "CPUID",
    "GETSEC",
    "HLT",
    "INVD",
    "INVLPG",
    "RDPMC",
    "RDTSC",
    "RSM",
    "VMCALL",
    "VMCLEAR",
    "VMLAUNCH",
    "VMPTRLD",
    "VMPTRST",
    "VMREAD",
    "VMRESUME",
    "VMWRITE",
    "VMXOFF",
    "VMXON",
    "CR_ACCESS",
    "DR_ACCESS",
    "IO_INSTRUCTION",
    "MSR_READ",
    "MSR_WRITE",
    "INVALID_STATE",
    "MSR_LOADING",
    "",
    "MWAIT_INSTRUCTION",
    "MONITOR_TRAP_FLAG",
    "",
    "MONITOR_INSTRUCTION",
    "PAUSE_INSTRUCTION",
    "MCE_DURING_VMENTRY",
    "",
    "TPR_BELOW_THRESHOLD",
    "APIC_ACCESS",
    "EOI_INDUCED",
    "GDTR_IDTR",
    "LDTR_TR",
    "EPT_VIOLATION",
    "EPT_MISCONFIG",
    "INVEPT",
    "RDTSCP",
    "PREEMPTION_TIMER",
    "INVVPID",
    "WBINVD",
    "XSETBV",
    "APIC_WRITE",
    "RDRAND",
    "INVPCID",
    "VMFUNC",
    "ENCLS",
    "RDSEED",
    "PML_FULL",
    "XSAVES",
    "XRSTORS",
    "PCONFIG",
    "SPP_EVENT",
    "UMWAIT",
    "TPAUSE",
    "LOADIWKEY",
    "ENCLV",
    "",
    "ENQCMD_PASID",
    "ENQCMDS_PASID",
    "BUS_LOCK",
    "NOTIFY",
];

/// From 0x60 on.
const SVM: [&str; 54] = [
    "intr",
    "nmi",
    "smi",
    "init",
    "vintr",
    "cr0_sel_write",
    "idtr_read",
    "gdtr_read",
    "ldtr_read",
    "tr_read",
    "idtr_write",
    "gdtr_write",
    "ldtr_write",
    "tr_write",
    "rdtsc",
    "rdpmc",
    "pushf",
    "popf",
    "cpuid",
    "rsm",
    "iret",
    "swint",
    "invd",
    "pause",
    "hlt",
    "invlpg",
    "invlpga",
    "ioio",
    "msr",
    "task_switch",
    "ferr_freeze",
    "shutdown",
    "vmrun",
    "vmmcall",
    "vmload",
    "vmsave",
    "stgi",
    "clgi",
    "skinit",
    "rdtscp",
    "icebp",
    "wbinvd",
    "monitor",
    "mwait",
    "mwait_conditional",
    "xsetbv",
    "rdpru",
    "efer_write_trap",
    "cr0_write_trap",
    "cr1_write_trap",
    "cr2_write_trap",
    "cr3_write_trap",
    "cr4_write_trap",
    "cr5_write_trap",
];

/// Exceptions, by vector.
const EXCEPTIONS: [&str; 20] = [
    "de", "db", "nmi", "bp", "of", "br", "ud", "nm", "df", "", "ts", "np", "ss", "gp", "pf", "",
    "mf", "ac", "mc", "xf",
];

const KVM: [&str; 40] = [
    "unknown",
    "exception",
    "io",
    "hypercall",
    "debug",
    "hlt",
    "mmio",
    "irq-window-open",
    "shutdown",
    "fail-entry",
    "a signal",
    "set-tpr",
    "tpr-access",
    "",
    "",
    "",
    "nmi",
    "internal-error",
    "",
    "",
    "",
    "",
    "",
    "",
    "system-event",
    "",
    "ioapic-eoi",
    "hyperv",
    "",
    "x86-rdmsr",
    "x86-wrmsr",
    "dirty-ring-full",
    "ap-reset-hold",
    "x86-bus-lock",
    "xen",
    "",
    "",
    "notify",
    "",
    "memory-fault",
];

/// The VMM is to wait until the guest has something to do (KVM_EXIT_HLT).
pub const TO_VMM_HALT: u32 = 5;
/// A signal came for the vCPU's thread (KVM_EXIT_INTR).
pub const TO_VMM_SIGNAL: u32 = 10;

/// The name of a KVM_EXIT_* number.
pub fn to_vmm(number: u32) -> Cow<'static, str> {
    match KVM.get(number as usize) {
        Some(name) if !name.is_empty() => Cow::Borrowed(name),
        _ => Cow::Owned(format!("KVM_EXIT {number}")),
    }
}

impl Reason {
    /// VMX has flags above the number.
    fn number(self) -> u32 {
        match self.isa {
            Isa::Vmx => self.code & 0xffff,
            Isa::Svm => self.code,
        }
    }

    /// What decides who took the time.
    pub fn kind(self) -> Kind {
        match (self.isa, self.number()) {
            (Isa::Vmx, 12) | (Isa::Svm, 0x78) => Kind::Halt,
            (Isa::Vmx, 1) | (Isa::Svm, 0x60 | 0x61) => Kind::Interrupt,
            (Isa::Vmx, 5 | 6) | (Isa::Svm, 0x62) => Kind::Smi,
            _ => Kind::Other,
        }
    }

    /// The name; the number where it has none.
    pub fn name(self) -> Cow<'static, str> {
        let number = self.number();
        let known = match self.isa {
            Isa::Vmx => VMX.get(number as usize).copied(),
            Isa::Svm => match number {
                0xa2 => Some("invlpgb"),
                0x60..0x100 => SVM.get(number as usize - 0x60).copied(),
                0x400 => Some("npf"),
                0x401 => Some("avic_incomplete_ipi"),
                0x402 => Some("avic_noaccel"),
                0x403 => Some("vmgexit"),
                u32::MAX => Some("invalid"),
                _ => None,
            },
        };
        match (known, self.isa, number) {
            (Some(name), ..) if !name.is_empty() => Cow::Borrowed(name),
            (_, Isa::Svm, 0..0x60) => registers(number),
            (_, Isa::Vmx, _) => Cow::Owned(number.to_string()),
            (_, Isa::Svm, _) => Cow::Owned(format!("{number:#x}")),
        }
    }

    /// The port of an access to one.
    pub fn port(self) -> Option<String> {
        let port = match (self.isa, self.number()) {
            (Isa::Vmx, 30) | (Isa::Svm, 0x7b) => self.info1 >> 16 & 0xffff,
            _ => return None,
        };
        Some(format!("port {port:#x}"))
    }

    /// What it was about, where the exit tells.
    pub fn about(self) -> Option<String> {
        let address = |address: u64| Some(format!("address {address:#x}"));
        self.port().or_else(|| match (self.isa, self.number()) {
            (Isa::Vmx, 14) => address(self.info1),
            (Isa::Vmx, 28) => Some(format!("CR{}", self.info1 & 0xf)),
            (Isa::Vmx, 44 | 56) => Some(format!("APIC register {:#x}", self.info1 & 0xfff)),
            (Isa::Svm, 0x400) => address(self.info2),
            (Isa::Svm, 0x7c) => Some(String::from(match self.info1 & 1 {
                0 => "read",
                _ => "write",
            })),
            _ => None,
        })
    }

    /// As reports have it.
    pub fn told(self) -> VmExit {
        VmExit {
            reason: self.name().into_owned(),
            isa: self.isa,
            code: self.code,
            about: self.about(),
        }
    }
}

/// Accesses to control and debug registers, and exceptions.
fn registers(number: u32) -> Cow<'static, str> {
    let register = number & 0xf;
    Cow::Owned(match number >> 4 {
        0 => format!("read_cr{register}"),
        1 => format!("write_cr{register}"),
        2 => format!("read_dr{register}"),
        3 => format!("write_dr{register}"),
        _ => match EXCEPTIONS.get(number as usize - 0x40) {
            Some(name) if !name.is_empty() => format!("excp_{name}"),
            _ => format!("excp_{:#x}", number - 0x40),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(isa: Isa, code: u32, info1: u64, info2: u64) -> Reason {
        Reason {
            isa,
            code,
            info1,
            info2,
        }
    }

    #[test]
    fn numbers_have_the_manuals_names() {
        let name = |isa, code| reason(isa, code, 0, 0).name().into_owned();
        for (code, expected) in [
            (0, "EXCEPTION_NMI"),
            (1, "EXTERNAL_INTERRUPT"),
            (7, "INTERRUPT_WINDOW"),
            (10, "CPUID"),
            (12, "HLT"),
            (18, "VMCALL"),
            (28, "CR_ACCESS"),
            (30, "IO_INSTRUCTION"),
            (32, "MSR_WRITE"),
            (36, "MWAIT_INSTRUCTION"),
            (40, "PAUSE_INSTRUCTION"),
            (44, "APIC_ACCESS"),
            (48, "EPT_VIOLATION"),
            (49, "EPT_MISCONFIG"),
            (52, "PREEMPTION_TIMER"),
            (56, "APIC_WRITE"),
            (62, "PML_FULL"),
            (67, "UMWAIT"),
            (74, "BUS_LOCK"),
            (75, "NOTIFY"),
            (35, "35"),
            (500, "500"),
            // Failed entries have bit 31.
            (0x8000_0021, "INVALID_STATE"),
        ] {
            assert_eq!(name(Isa::Vmx, code), expected);
        }
        for (code, expected) in [
            (0x00, "read_cr0"),
            (0x13, "write_cr3"),
            (0x37, "write_dr7"),
            (0x4e, "excp_pf"),
            (0x60, "intr"),
            (0x62, "smi"),
            (0x64, "vintr"),
            (0x72, "cpuid"),
            (0x77, "pause"),
            (0x78, "hlt"),
            (0x7b, "ioio"),
            (0x7c, "msr"),
            (0x81, "vmmcall"),
            (0x87, "rdtscp"),
            (0x8b, "mwait"),
            (0x8d, "xsetbv"),
            (0x95, "cr5_write_trap"),
            (0xa2, "invlpgb"),
            (0x400, "npf"),
            (0x999, "0x999"),
        ] {
            assert_eq!(name(Isa::Svm, code), expected);
        }
    }

    #[test]
    fn an_exit_tells_its_port_or_address() {
        let about = |isa, code, info1, info2| reason(isa, code, info1, info2).about();
        // IN AL, 0x70: size 1 (SVM bit 4), type IN (bit 0).
        assert_eq!(
            about(Isa::Svm, 0x7b, 0x70_0011, 0x1000).as_deref(),
            Some("port 0x70")
        );
        assert_eq!(
            about(Isa::Vmx, 30, 0x03f8_0000, 0).as_deref(),
            Some("port 0x3f8")
        );
        assert_eq!(
            about(Isa::Svm, 0x400, 0x1_0000_0006, 0xfed0_00f0).as_deref(),
            Some("address 0xfed000f0")
        );
        // What lies in the qualification of an EPT violation is no address.
        assert_eq!(about(Isa::Vmx, 48, 0x182, 0), None);
        assert_eq!(about(Isa::Vmx, 12, 0, 0), None);
    }

    #[test]
    fn any_number_has_a_name() {
        for code in (0..0x500).chain([u32::MAX, 0x8000_0000]) {
            for isa in [Isa::Vmx, Isa::Svm] {
                assert!(!reason(isa, code, u64::MAX, u64::MAX).name().is_empty());
            }
            assert!(!to_vmm(code).is_empty());
        }
        assert_eq!(to_vmm(6), "mmio");
        assert_eq!(to_vmm(13), "KVM_EXIT 13");
    }
}
