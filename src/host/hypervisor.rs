//! Which hypervisor this machine runs under, if any.
//!
//! Sources: the signatures in arch/x86/kernel/cpu/hypervisor.c and the files
//! it names; the DMI texts as systemd-detect-virt(1) knows them.

use std::fmt;

use super::identity::Identity;
use super::text::clean;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hypervisor {
    /// Linux KVM, also below QEMU, Firecracker and most clouds; or VirtualBox, which
    /// shows its signature to Linux guests.
    Kvm,
    /// Microsoft Hyper-V; or another, KVM among them, that shows its signature to
    /// please Windows guests.
    HyperV,
    Vmware,
    Xen,
    /// QEMU emulating the CPU in software (TCG).
    Qemu,
    VirtualBox,
    /// FreeBSD bhyve.
    Bhyve,
    /// ACRN, for embedded machines.
    Acrn,
    Parallels,
    /// Any other: its signature cleaned for display, or a word in its place.
    Other(String),
}

/// The signatures, as the registers EBX, ECX and EDX hold them.
const SIGNATURES: [(&[u8; 12], Hypervisor); 11] = [
    (b"KVMKVMKVM\0\0\0", Hypervisor::Kvm),
    // KVM where QEMU hides it behind Hyper-V's leaves.
    (b"Linux KVM Hv", Hypervisor::Kvm),
    (b"Microsoft Hv", Hypervisor::HyperV),
    (b"VMwareVMware", Hypervisor::Vmware),
    (b"XenVMMXenVMM", Hypervisor::Xen),
    (b"TCGTCGTCGTCG", Hypervisor::Qemu),
    (b"VBoxVBoxVBox", Hypervisor::VirtualBox),
    (b"bhyve bhyve ", Hypervisor::Bhyve),
    (b"ACRNACRNACRN", Hypervisor::Acrn),
    (b"prl hyperv  ", Hypervisor::Parallels),
    // Versions of Parallels that swap the bytes of each register.
    (b" lrpepyh  vr", Hypervisor::Parallels),
];

impl Hypervisor {
    /// The hypervisor that signs CPUID leaf 0x40000000 with these bytes (EBX,
    /// ECX, EDX, each lowest byte first). To be asked only when CPUID 1:ECX
    /// bit 31 says that there is one: bare metal answers with other data.
    pub fn from_signature(signature: [u8; 12]) -> Hypervisor {
        match SIGNATURES.iter().find(|(bytes, _)| **bytes == signature) {
            Some((_, hypervisor)) => hypervisor.clone(),
            None => Hypervisor::Other(readable(signature)),
        }
    }
}

/// The signature as text, or what stands in for one that has none.
fn readable(signature: [u8; 12]) -> String {
    let text = String::from_utf8_lossy(&signature);
    let text = clean(text.trim_end_matches('\0'), signature.len());
    if text.is_empty() {
        String::from("unnamed hypervisor")
    } else {
        text
    }
}

impl fmt::Display for Hypervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Hypervisor::Kvm => "KVM",
            Hypervisor::HyperV => "Hyper-V",
            Hypervisor::Vmware => "VMware",
            Hypervisor::Xen => "Xen",
            Hypervisor::Qemu => "QEMU (TCG)",
            Hypervisor::VirtualBox => "VirtualBox",
            Hypervisor::Bhyve => "bhyve",
            Hypervisor::Acrn => "ACRN",
            Hypervisor::Parallels => "Parallels",
            Hypervisor::Other(name) => name,
        })
    }
}

/// The hypervisor that the firmware texts give away, for machines whose
/// hypervisor hides its CPUID bit. `None` proves nothing.
///
/// Clouds that rent bare metal under the same names (Amazon EC2, Google,
/// OpenStack) are no hint, nor is a vendor that also builds machines
/// (Microsoft, Oracle), unless the product is a virtual one.
pub fn dmi_suggests_virtual_machine(identity: &Identity) -> Option<Hypervisor> {
    /// Beginnings of the system vendor, the product name or the BIOS vendor.
    const HINTS: [(&str, Hypervisor); 11] = [
        ("VMware", Hypervisor::Vmware),
        ("VMW", Hypervisor::Vmware),
        ("VirtualBox", Hypervisor::VirtualBox),
        ("innotek GmbH", Hypervisor::VirtualBox),
        ("KVM", Hypervisor::Kvm),
        ("KubeVirt", Hypervisor::Kvm),
        // QEMU emulates the board for KVM and for itself alike; KVM is what
        // hides its CPUID bit in practice.
        ("QEMU", Hypervisor::Kvm),
        ("Xen", Hypervisor::Xen),
        ("BHYVE", Hypervisor::Bhyve),
        ("Parallels", Hypervisor::Parallels),
        ("Bochs", Hypervisor::Qemu),
    ];
    let vendor = identity.system.vendor.as_deref().unwrap_or_default();
    let product = identity.system.name.as_deref().unwrap_or_default();
    let bios = identity.bios.vendor.as_deref().unwrap_or_default();
    if vendor == "Microsoft Corporation" && product == "Virtual Machine" {
        return Some(Hypervisor::HyperV);
    }
    HINTS
        .into_iter()
        .find(|(start, _)| {
            [vendor, product, bios]
                .iter()
                .any(|text| text.starts_with(start))
        })
        .map(|(_, hypervisor)| hypervisor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::root::Root;

    #[test]
    fn known_signatures_have_the_usual_name() {
        for (signature, name) in [
            (b"KVMKVMKVM\0\0\0", "KVM"),
            (b"Microsoft Hv", "Hyper-V"),
            (b"VMwareVMware", "VMware"),
            (b"TCGTCGTCGTCG", "QEMU (TCG)"),
            (b"bhyve bhyve ", "bhyve"),
            (b" lrpepyh  vr", "Parallels"),
        ] {
            assert_eq!(Hypervisor::from_signature(*signature).to_string(), name);
        }
    }

    #[test]
    fn unknown_signatures_are_shown_cleaned() {
        let name = |signature| Hypervisor::from_signature(signature).to_string();
        assert_eq!(name(*b"Jailhouse\0\0\0"), "Jailhouse");
        assert_eq!(name(*b"a\x1b[2Jb\0\0\0\0\0\0"), "a\u{fffd}[2Jb");
        assert_eq!(name([0; 12]), "unnamed hypervisor");
    }

    fn suggested(vendor: &str, product: &str) -> Option<Hypervisor> {
        let folder = tempfile::tempdir().unwrap();
        let dmi = folder.path().join("sys/class/dmi/id");
        std::fs::create_dir_all(&dmi).unwrap();
        std::fs::write(dmi.join("sys_vendor"), vendor).unwrap();
        std::fs::write(dmi.join("product_name"), product).unwrap();
        dmi_suggests_virtual_machine(&Identity::read(&Root::at(folder.path())))
    }

    #[test]
    fn virtual_products_are_suggested() {
        assert_eq!(
            suggested("QEMU", "Standard PC (Q35)"),
            Some(Hypervisor::Kvm)
        );
        assert_eq!(
            suggested("Microsoft Corporation", "Virtual Machine"),
            Some(Hypervisor::HyperV)
        );
        assert_eq!(
            suggested("Oracle Corporation", "VirtualBox"),
            Some(Hypervisor::VirtualBox)
        );
    }

    #[test]
    fn bare_metal_is_not() {
        assert_eq!(suggested("Dell Inc.", "PowerEdge R750"), None);
        assert_eq!(suggested("Microsoft Corporation", "Surface Pro"), None);
        assert_eq!(suggested("Oracle Corporation", "SUN FIRE X4170"), None);
        assert_eq!(suggested("Amazon EC2", "m5.metal"), None);
        assert_eq!(suggested("", ""), None);
    }
}
