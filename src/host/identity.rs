//! Which machine this is: host name, and what its firmware says of it.
//!
//! Source: `/proc/sys/kernel/hostname`, and the DMI fields of
//! `/sys/class/dmi/id` (drivers/firmware/dmi-id.c). Small virtual machines
//! have no DMI at all. `/etc/machine-id` tells machines of one name apart.

use sha2::{Digest, Sha256};

use super::root::{Known, ReadError, Root};

/// The longest label kept, in characters. DMI strings end at 64 bytes by
/// convention, host names at 64 by the kernel.
const LONGEST_LABEL: usize = 128;

/// Names of the machine. Every text is cleaned for display.
#[derive(Clone, Debug)]
pub struct Identity {
    pub hostname: Known<String>,
    /// A hash of the machine's own number.
    pub machine_id_hash: Known<String>,
    pub system: Product,
    pub board: Product,
    pub bios: Bios,
    /// What tells this one machine from its siblings.
    pub serials: Serials,
}

#[derive(Clone, Debug)]
pub struct Product {
    pub vendor: Known<String>,
    pub name: Known<String>,
    /// Its version; many vendors leave it blank.
    pub version: Known<String>,
}

/// The firmware, as a vendor ticket needs it.
#[derive(Clone, Debug)]
pub struct Bios {
    pub vendor: Known<String>,
    /// Its version, in the vendor's own form.
    pub version: Known<String>,
    /// Its date, as month/day/year.
    pub date: Known<String>,
    /// Its release as major.minor, where the kernel shows it (from 5.11).
    pub release: Known<String>,
}

/// Serial numbers. They stand apart because they identify the machine's owner
/// and must not enter a report by accident. Only root may read them.
#[derive(Clone, Debug)]
pub struct Serials {
    pub system: Known<String>,
    pub board: Known<String>,
    pub chassis: Known<String>,
    /// The system's UUID.
    pub uuid: Known<String>,
}

impl Identity {
    pub(super) fn read(root: &Root) -> Identity {
        let product = |part: &str, name: &str| Product {
            vendor: dmi(root, &format!("{part}_vendor")),
            name: dmi(root, &format!("{name}_name")),
            version: dmi(root, &format!("{name}_version")),
        };
        Identity {
            hostname: root.read_label("proc/sys/kernel/hostname", LONGEST_LABEL),
            machine_id_hash: machine_id_hash(root),
            system: product("sys", "product"),
            board: product("board", "board"),
            bios: Bios {
                vendor: dmi(root, "bios_vendor"),
                version: dmi(root, "bios_version"),
                date: dmi(root, "bios_date"),
                release: dmi(root, "bios_release"),
            },
            serials: Serials {
                system: dmi(root, "product_serial"),
                board: dmi(root, "board_serial"),
                chassis: dmi(root, "chassis_serial"),
                uuid: dmi(root, "product_uuid"),
            },
        }
    }
}

/// The machine-id names its machine on every network and is kept secret
/// (machine-id(5)); a hash that only this program makes tells machines apart as
/// well. Images that are cloned without a new number share it.
fn machine_id_hash(root: &Root) -> Known<String> {
    let id = root
        .read_label("etc/machine-id", LONGEST_LABEL)
        .or_else(|_| root.read_label("var/lib/dbus/machine-id", LONGEST_LABEL))?;
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(root.malformed("etc/machine-id", "32 hexadecimal digits", "another text"));
    }
    let hash = Sha256::digest(format!("hwgap machine-id {id}"));
    Ok(hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// A DMI field. The class folder is a link that some containers leave out;
/// the device behind it then still answers.
fn dmi(root: &Root, field: &str) -> Known<String> {
    let by_class = root.read_label(&format!("sys/class/dmi/id/{field}"), LONGEST_LABEL);
    match by_class {
        Err(ReadError::Missing { .. }) => root
            .read_label(
                &format!("sys/devices/virtual/dmi/id/{field}"),
                LONGEST_LABEL,
            )
            .or(by_class),
        known => known,
    }
}
