//! Loaded kernel modules that bear on a latency measurement.

use std::collections::BTreeSet;

use super::root::{Known, Root};

const FILE: &str = "proc/modules";

/// Modules that matter, with what makes them matter.
const NOTABLE: [(&str, ModuleRole); 15] = [
    ("msr", ModuleRole::MsrDevice),
    ("dcdbas", ModuleRole::RaisesSmis),
    ("dell_smbios", ModuleRole::RaisesSmis),
    ("dell_smm_hwmon", ModuleRole::RaisesSmis),
    ("i8k", ModuleRole::RaisesSmis),
    ("ghes_edac", ModuleRole::PollsFirmware),
    ("acpi_power_meter", ModuleRole::PollsFirmware),
    ("ipmi_si", ModuleRole::PollsFirmware),
    ("acpi_ipmi", ModuleRole::PollsFirmware),
    ("hpilo", ModuleRole::PollsFirmware),
    ("kvm_intel", ModuleRole::RunsGuests),
    ("kvm_amd", ModuleRole::RunsGuests),
    ("vboxdrv", ModuleRole::RunsGuests),
    ("vmmon", ModuleRole::RunsGuests),
    ("iTCO_wdt", ModuleRole::Watchdog),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleRole {
    /// Gives access to MSRs, and so to the SMI counter.
    MsrDevice,
    /// Its work is done by raising SMIs.
    RaisesSmis,
    /// Talks to firmware or a management controller, which may answer by SMIs.
    PollsFirmware,
    /// Turns the machine into a host of virtual machines, whose entries and
    /// exits take time with interrupts off.
    RunsGuests,
    /// A watchdog timer whose expiry may raise an SMI.
    Watchdog,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotableModule {
    pub name: &'static str,
    pub role: ModuleRole,
}

/// Reads `/proc/modules`. Code that is built into the kernel is not listed
/// there, so an absent module does not prove an absent facility.
///
/// # Errors
/// `Missing` on a kernel without modules.
pub(super) fn read(root: &Root) -> Known<Vec<NotableModule>> {
    root.read_text(FILE).map(|text| notable(&text))
}

fn notable(text: &str) -> Vec<NotableModule> {
    let loaded: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    NOTABLE
        .into_iter()
        .filter(|(name, _)| loaded.contains(name))
        .map(|(name, role)| NotableModule { name, role })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_count() {
        let text = "msr 12288 0 - Live 0x0\nkvm 1 1 kvm_intel, Live 0x0\ni8k_x 1 0 - Live 0x0\n";
        assert_eq!(
            notable(text),
            [NotableModule {
                name: "msr",
                role: ModuleRole::MsrDevice
            }]
        );
    }
}
