//! What a vendor's ticket asks for beside the names of the machine: how many
//! sockets and cores, which mitigations, which management controller.

use std::collections::BTreeSet;

use super::root::{Known, ReadError, Root};
use crate::units::cpulist::CpuList;

const CPU: &str = "sys/devices/system/cpu";
const VULNERABILITIES: &str = "sys/devices/system/cpu/vulnerabilities";
const PLATFORM: &str = "sys/devices/platform";
/// The longest text kept of a mitigation, in characters.
const LONGEST_TEXT: usize = 200;
/// Mitigations kept at most; Linux 6.18 knows 20.
const MOST_MITIGATIONS: usize = 64;

/// Sockets and cores of the CPUs that are online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packages {
    /// Different `physical_package_id`.
    pub sockets: u32,
    /// Different pairs of package and `core_id`.
    pub cores: u32,
    pub threads: u32,
}

impl Packages {
    /// Reads two small files a CPU.
    ///
    /// # Errors
    /// Of the first file that cannot be read.
    pub fn read(root: &Root, online: &CpuList) -> Known<Packages> {
        let (mut sockets, mut cores) = (BTreeSet::new(), BTreeSet::new());
        for cpu in online.iter() {
            let number =
                |name: &str| root.read_number::<i64>(&format!("{CPU}/cpu{cpu}/topology/{name}"));
            let package = number("physical_package_id")?;
            sockets.insert(package);
            cores.insert((package, number("core_id")?));
        }
        Ok(Packages {
            sockets: sockets.len() as u32,
            cores: cores.len() as u32,
            threads: online.len() as u32,
        })
    }
}

/// A vulnerability of the CPU and what the kernel does about it
/// (Documentation/ABI/testing/sysfs-devices-system-cpu). Mitigations lengthen
/// each way into the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mitigation {
    /// The file's name, such as `spectre_v2`.
    pub name: String,
    /// The kernel's words, cleaned for display.
    pub text: String,
}

/// All vulnerabilities that the kernel knows of.
///
/// # Errors
/// `Missing` on kernels before 4.15.
pub fn mitigations(root: &Root) -> Known<Vec<Mitigation>> {
    let names = root.list_dir(VULNERABILITIES)?;
    let read = |name: String| {
        let text = root.read_label(&format!("{VULNERABILITIES}/{name}"), LONGEST_TEXT);
        text.map(|text| Mitigation { name, text })
    };
    names.into_iter().take(MOST_MITIGATIONS).map(read).collect()
}

/// The firmware revision of the management controller, as the IPMI driver
/// shows it (drivers/char/ipmi/ipmi_msghandler.c). Its GUID beside it tells
/// one machine from its siblings and is not read.
///
/// # Errors
/// `Missing` without a controller, or without the driver.
pub fn bmc_firmware(root: &Root) -> Known<String> {
    let mut known = Err(ReadError::Missing {
        path: format!("/{PLATFORM}/ipmi_bmc.*"),
    });
    for name in root.list_dir(PLATFORM)? {
        if name.starts_with("ipmi_bmc") {
            let file = format!("{PLATFORM}/{name}/firmware_revision");
            known = root.read_label(&file, LONGEST_TEXT).or(known);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = Root::at(folder.path());
        (folder, root)
    }

    #[test]
    fn cores_are_counted_by_package() {
        let mut files = Vec::new();
        let names: Vec<(String, String)> = (0..4)
            .flat_map(|cpu| {
                let folder = format!("{CPU}/cpu{cpu}/topology");
                [
                    (
                        format!("{folder}/physical_package_id"),
                        (cpu / 2).to_string(),
                    ),
                    (format!("{folder}/core_id"), String::from("0")),
                ]
            })
            .collect();
        files.extend(names.iter().map(|(a, b)| (a.as_str(), b.as_str())));
        let (_folder, root) = tree(&files);
        let packages = Packages::read(&root, &"0-3".parse().unwrap()).unwrap();
        assert_eq!(
            (packages.sockets, packages.cores, packages.threads),
            (2, 2, 4)
        );
        assert!(Packages::read(&root, &"0-4".parse().unwrap()).is_err());
    }

    #[test]
    fn the_controller_is_found_by_its_driver() {
        let file = format!("{PLATFORM}/ipmi_bmc.0/firmware_revision");
        let (_folder, root) = tree(&[(&file, "6.10\n")]);
        assert_eq!(bmc_firmware(&root).unwrap(), "6.10");
        let (_folder, none) = tree(&[("sys/devices/platform/serial8250/uevent", "")]);
        assert!(matches!(
            bmc_firmware(&none),
            Err(ReadError::Missing { .. })
        ));
    }

    #[test]
    fn mitigations_are_named() {
        let file = format!("{VULNERABILITIES}/meltdown");
        let (_folder, root) = tree(&[(&file, "Mitigation: PTI\n")]);
        let all = mitigations(&root).unwrap();
        assert_eq!(all[0].name, "meltdown");
        assert_eq!(all[0].text, "Mitigation: PTI");
    }
}
