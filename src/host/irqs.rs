//! The interrupts of this machine and the CPUs that serve them.

use std::collections::HashMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;

use super::root::{Known, Root};
use super::text::clean;
use crate::units::cpulist::CpuList;

/// The longest name kept, in characters.
const LONGEST_NAME: usize = 24;

/// A device's interrupt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Irq {
    pub number: u32,
    /// The devices or queues that it serves.
    pub name: Option<String>,
    /// The CPUs that it may be delivered to.
    pub allowed: CpuList,
    /// The ones of these that the interrupt controller was given; `None` on
    /// kernels that do not say.
    pub effective: Option<CpuList>,
    pub mobility: Mobility,
}

/// Who can move an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mobility {
    /// User space, by its smp_affinity.
    ByUser,
    /// The kernel alone: managed, or without a way to move it.
    Fixed,
}

impl Irq {
    /// The CPUs that serve it now. An empty effective set belongs to an
    /// interrupt that is not started.
    pub fn served_on(&self) -> &CpuList {
        self.effective.as_ref().unwrap_or(&self.allowed)
    }
}

impl fmt::Display for Irq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {name}", self.number),
            None => self.number.fmt(f),
        }
    }
}

/// All interrupts that have a handler, lowest number first. Where
/// `/proc/interrupts` cannot be read, all that the kernel made room for.
///
/// # Errors
/// Those of `/proc/irq`.
pub fn read(root: &Root) -> Known<Vec<Irq>> {
    let folders = root.list_dir("proc/irq")?;
    let mut numbers: Vec<u32> = folders
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    numbers.sort_unstable();
    let handlers = (root.read_text("proc/interrupts").ok()).map(|text| handler_names(&text));
    let irqs = numbers.into_iter().filter_map(|number| {
        let name = match &handlers {
            Some(handlers) => Some(handlers.get(&number)?.clone()),
            None => None,
        };
        let list = |file: &str| root.read_cpu_list(&format!("proc/irq/{number}/{file}"));
        Some(Irq {
            number,
            name,
            // An interrupt that is freed meanwhile is of no interest.
            allowed: list("smp_affinity_list").ok()?,
            effective: list("effective_affinity_list").ok(),
            mobility: mobility(root, number),
        })
    });
    Ok(irqs.collect())
}

/// Newer kernels take the write permission from the file of an interrupt that
/// user space cannot move (kernel/irq/proc.c, `register_irq_proc`); on older
/// ones only debugfs tells a managed one.
fn mobility(root: &Root, number: u32) -> Mobility {
    let file = format!("proc/irq/{number}/smp_affinity_list");
    let mode = (root.existing(&file).ok())
        .and_then(|path| path.metadata().ok())
        .map(|metadata| metadata.permissions().mode());
    let managed = (root.read_text(&format!("sys/kernel/debug/irq/irqs/{number}")))
        .is_ok_and(|text| text.contains("IRQD_AFFINITY_MANAGED"));
    match mode {
        Some(mode) if mode & 0o200 == 0 => Mobility::Fixed,
        _ if managed => Mobility::Fixed,
        _ => Mobility::ByUser,
    }
}

/// The handlers by number: what follows the counts, the controller and the
/// line of each row of `/proc/interrupts`. Rows without a handler are left
/// out.
fn handler_names(text: &str) -> HashMap<u32, String> {
    let mut lines = text.lines();
    let columns = lines
        .next()
        .map_or(0, |header| header.split_whitespace().count());
    let rows = lines.filter_map(|line| {
        let (number, row) = line.split_once(':')?;
        // The controller's name and the line may not be parted by a blank.
        let name: Vec<&str> = (row.split_whitespace().skip(columns))
            .skip_while(|word| !is_line(word))
            .skip(1)
            .collect();
        let name = clean(&name.join(" "), LONGEST_NAME);
        (!name.is_empty()).then_some((number.trim().parse().ok()?, name))
    });
    rows.collect()
}

/// Whether the word is a line of a controller with its trigger, such as
/// `524288-edge` or `9-fasteoi`.
fn is_line(word: &str) -> bool {
    word.split_once('-').is_some_and(|(number, trigger)| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && trigger.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    const INTERRUPTS: &str = "           CPU0       CPU1
   9:          0          0   IO-APIC   9-fasteoi   acpi
  24:          1          0  PCI-MSI 524288-edge      nvme0q0, other one
  36:          0     278722 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
  40:          0          0  PCI-MSI 7-edge
 NMI:          0          0   Non-maskable interrupts
 ERR:          0
";

    #[test]
    fn names_follow_controller_and_line() {
        let names = handler_names(INTERRUPTS);
        assert_eq!(names[&9], "acpi");
        assert_eq!(names[&24], "nvme0q0, other one");
        assert_eq!(names[&36], "virtio1-req.0");
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn hostile_names_are_cleaned_and_cut() {
        let text = format!("CPU0\n 1: 5 X 1-edge \u{1b}[2J{}\n", "n".repeat(99));
        let name = &handler_names(&text)[&1];
        assert!(!name.contains('\u{1b}') && name.chars().count() == LONGEST_NAME);
    }

    #[test]
    fn an_interrupt_is_fixed_by_its_file_or_by_debugfs() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        for number in [9, 24, 36, 40] {
            file(&format!("proc/irq/{number}/smp_affinity_list"), "0-1\n");
        }
        file("proc/irq/36/effective_affinity_list", "1\n");
        file("proc/interrupts", INTERRUPTS);
        file(
            "sys/kernel/debug/irq/irqs/24",
            "dstate: IRQD_AFFINITY_MANAGED\n",
        );
        let fixed = folder.path().join("proc/irq/9/smp_affinity_list");
        fs::set_permissions(fixed, fs::Permissions::from_mode(0o444)).unwrap();
        let irqs = read(&Root::at(folder.path())).unwrap();
        let found: Vec<_> = (irqs.iter())
            .map(|irq| (irq.number, irq.served_on().to_string(), irq.mobility))
            .collect();
        assert_eq!(
            found,
            [
                (9, "0,1".into(), Mobility::Fixed),
                (24, "0,1".into(), Mobility::Fixed),
                (36, "1".into(), Mobility::ByUser),
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(CPU[0-9 ]{0,9}|[0-9:a-z -]{0,20}|\n){0,30}") {
            let _ = handler_names(&text);
        }
    }
}
