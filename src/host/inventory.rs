//! The inventory, from the files of the machine.

use std::collections::BTreeSet;

use crate::host::Host;
use crate::host::kernel::Preemption;
use crate::host::modules::ModuleRole;
use crate::host::platform::{Packages, bmc_firmware, mitigations};
use crate::host::power::{CpuPower, IdleEntry, Turbo};
use crate::host::root::{Known, Root};
use crate::host::topology::Smt;
use crate::model::inventory::{IdleStateEntry, Inventory, NamedText, SerialNumbers};
use crate::units::cpulist::CpuList;

/// CPUs whose governor is asked: on a machine of thousands it would take
/// longer than it is worth.
const MOST_CPUS: usize = 256;

/// Reads what [`Host`] does not hold yet, and puts all of it together.
pub fn collect(root: &Root, host: &Host, sampled: &CpuList, serials: SerialNumbers) -> Inventory {
    let mut unknown = Reasons(Vec::new());
    let (identity, kernel) = (&host.identity, &host.kernel);
    let topology = &host.topology;
    let packages = topology
        .sets
        .online
        .clone()
        .and_then(|online| Packages::read(root, &online));
    let packages = unknown.known("sockets, cores and threads", &packages);
    let power: Vec<CpuPower> = sampled
        .iter()
        .take(MOST_CPUS)
        .map(|cpu| CpuPower::read(root, cpu))
        .collect();
    let names = |part: fn(&CpuPower) -> &Known<String>| -> Vec<String> {
        let known: BTreeSet<&String> = power
            .iter()
            .filter_map(|cpu| part(cpu).as_ref().ok())
            .collect();
        known.into_iter().cloned().collect()
    };
    let text = |known: &Known<String>| known.as_ref().ok().cloned();
    let (governors, frequency_drivers) = (names(|cpu| &cpu.governor), names(|cpu| &cpu.driver));
    if let Some(first) = power.first() {
        unknown.known("governors", &first.governor);
    }
    Inventory {
        product_version: text(&identity.system.version),
        board_version: text(&identity.board.version),
        bios_release: text(&identity.bios.release),
        bmc_firmware: unknown.known("bmc_firmware", &bmc_firmware(root)),
        sockets: packages.map(|packages| packages.sockets),
        cores: packages.map(|packages| packages.cores),
        threads: packages.map(|packages| packages.threads),
        smt: unknown.known("smt", &topology.smt).map(|smt| {
            String::from(match smt {
                Smt::Active => "active",
                Smt::Inactive => "inactive",
            })
        }),
        isolated_cpus: unknown
            .known("isolated_cpus", &topology.sets.isolated)
            .map(|cpus| cpus.to_string()),
        nohz_full_cpus: unknown
            .known("nohz_full_cpus", &topology.sets.nohz_full)
            .map(|cpus| cpus.to_string()),
        kernel_build: unknown.known("kernel_build", &kernel.version),
        preemption: unknown
            .known("preemption", &kernel.preemption)
            .map(|preemption| {
                String::from(match preemption {
                    Preemption::Realtime => "realtime",
                    Preemption::Dynamic => "dynamic",
                    Preemption::Full => "full",
                    Preemption::VoluntaryOrNone => "voluntary-or-none",
                })
            }),
        lockdown: unknown
            .known("lockdown", &kernel.lockdown)
            .map(|lockdown| lockdown.to_string()),
        governors,
        frequency_drivers,
        turbo: unknown.known("turbo", &host.power.turbo).map(|turbo| {
            String::from(match turbo {
                Turbo::Allowed => "allowed",
                Turbo::Off => "off",
            })
        }),
        idle_driver: unknown.known("idle_driver", &host.power.idle_driver),
        idle_states: power
            .first()
            .and_then(|cpu| unknown.known("idle_states", &cpu.idle_states))
            .unwrap_or_default()
            .into_iter()
            .map(|state| IdleStateEntry {
                name: state.name,
                exit_latency_ns: state.exit_latency,
                enabled: state.entry == IdleEntry::Enabled,
            })
            .collect(),
        mitigations: unknown
            .known("mitigations", &mitigations(root))
            .unwrap_or_default()
            .into_iter()
            .map(|found| named(&found.name, found.text))
            .collect(),
        modules: unknown
            .known("modules", &kernel.modules)
            .unwrap_or_default()
            .into_iter()
            .map(|module| named(module.name, reason(module.role)))
            .collect(),
        serials: match serials {
            SerialNumbers::LeftOut => None,
            SerialNumbers::Stored => Some(serial_numbers(host, &mut unknown)),
        },
        unknown: unknown.0,
    }
}

fn serial_numbers(host: &Host, unknown: &mut Reasons) -> Vec<NamedText> {
    let serials = &host.identity.serials;
    [
        ("system serial number", &serials.system),
        ("board serial number", &serials.board),
        ("chassis serial number", &serials.chassis),
        ("system UUID", &serials.uuid),
    ]
    .into_iter()
    .filter_map(|(name, serial)| Some(named(name, unknown.known(name, serial)?)))
    .collect()
}

fn reason(role: ModuleRole) -> &'static str {
    match role {
        ModuleRole::MsrDevice => "gives access to MSRs, and so to the SMI counter",
        ModuleRole::RaisesSmis => "does its work by raising SMIs",
        ModuleRole::PollsFirmware => "talks to firmware or a management controller",
        ModuleRole::RunsGuests => "runs virtual machines on this host",
        ModuleRole::Watchdog => "a watchdog whose expiry may raise an SMI",
    }
}

fn named(name: &str, text: impl Into<String>) -> NamedText {
    NamedText {
        name: name.to_owned(),
        text: text.into(),
    }
}

/// Why facts are not known, collected on the way.
struct Reasons(Vec<NamedText>);

impl Reasons {
    fn known<T: Clone>(&mut self, name: &str, known: &Known<T>) -> Option<T> {
        match known {
            Ok(value) => Some(value.clone()),
            Err(error) => {
                self.0.push(named(name, error.to_string()));
                None
            }
        }
    }
}
