//! One thing that was changed, with what it takes to put it back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::format::Format;

/// What hwgap changes below the root: files, and folders with all that is in
/// them. A journal is a file, and names nothing else whatever stands in it.
const CHANGED: [&str; 14] = [
    "proc/irq/",
    "proc/sys/kernel/numa_balancing",
    "proc/sys/kernel/nmi_watchdog",
    "proc/sys/kernel/sched_rt_runtime_us",
    "proc/sys/kernel/soft_watchdog",
    "proc/sys/kernel/timer_migration",
    "proc/sys/kernel/watchdog",
    "proc/sys/kernel/watchdog_cpumask",
    "proc/sys/vm/stat_interval",
    "sys/devices/cpu",
    "sys/devices/system/",
    "sys/devices/virtual/workqueue/",
    "sys/fs/cgroup/",
    "sys/kernel/mm/",
];

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tree {
    /// Below the root: proc, sys, the control groups.
    Root,
    /// Below the root of debugfs, wherever that is mounted.
    Debugfs,
    /// Below the root of tracefs, wherever that is mounted.
    Tracefs,
}

/// A file or folder of the kernel's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub tree: Tree,
    /// Its path below that tree's root, without a leading slash.
    pub path: String,
}

impl Place {
    /// A file or folder below the root.
    pub fn root(path: impl Into<String>) -> Place {
        Place {
            tree: Tree::Root,
            path: path.into(),
        }
    }

    pub fn debugfs(path: impl Into<String>) -> Place {
        Place {
            tree: Tree::Debugfs,
            path: path.into(),
        }
    }

    pub fn tracefs(path: impl Into<String>) -> Place {
        Place {
            tree: Tree::Tracefs,
            path: path.into(),
        }
    }

    pub fn join(&self, name: &str) -> Place {
        Place {
            tree: self.tree,
            path: format!("{}/{name}", self.path),
        }
    }

    /// Whether it is one that hwgap may have written: one of the settings that
    /// it changes, and without a way out of the kernel's own file systems.
    pub(super) fn is_plausible(&self) -> bool {
        let parts_are_names = (self.path.split("/")).all(|part| !matches!(part, "" | "." | ".."));
        let is_changed = match self.tree {
            Tree::Root => CHANGED.iter().any(|known| match known.ends_with('/') {
                true => self.path.starts_with(known),
                // The core PMUs of a hybrid CPU: cpu, cpu_core, cpu_atom.
                false if *known == "sys/devices/cpu" => {
                    self.path.starts_with(known) && self.path.ends_with("/freeze_on_smi")
                }
                false => self.path == *known,
            }),
            Tree::Debugfs | Tree::Tracefs => true,
        };
        parts_are_names && is_changed
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tree {
            Tree::Root => write!(f, "/{}", self.path),
            Tree::Debugfs => write!(f, "/sys/kernel/debug/{}", self.path),
            Tree::Tracefs => write!(f, "/sys/kernel/tracing/{}", self.path),
        }
    }
}

/// How a thread is scheduled (sched(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// SCHED_OTHER, SCHED_FIFO and so on, by number.
    pub policy: i32,
    /// Real-time priority; 0 for ordinary policies.
    pub priority: i32,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.policy {
            libc::SCHED_FIFO => write!(f, "FIFO {}", self.priority),
            libc::SCHED_RR => write!(f, "RR {}", self.priority),
            _ => f.write_str("ordinary"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    Value {
        place: Place,
        format: Format,
        old: String,
        /// What was written.
        new: String,
    },
    /// A file whose value another change may take along; nothing was written
    /// to it. Noted before that change, and so put back after it.
    Along {
        place: Place,
        format: Format,
        old: String,
    },
    /// A folder was made (a control group, an instance of tracefs).
    Folder { place: Place },
    /// A process was moved from one control group to another.
    Moved {
        pid: u32,
        /// When it started, in clock ticks since boot: numbers are used again.
        started: u64,
        from: Place,
        to: Place,
    },
    /// The CPUs of a thread, which another change may take along; nothing was
    /// written.
    Affinity {
        thread: u32,
        started: u64,
        /// Its CPUs before, as a list.
        old: String,
    },
    Priority {
        thread: u32,
        started: u64,
        /// Its name, for people.
        name: String,
        old: Schedule,
        new: Schedule,
    },
}

impl Change {
    /// The file, folder or thread, for people.
    pub fn what(&self) -> String {
        match self {
            Change::Value { place, .. }
            | Change::Along { place, .. }
            | Change::Folder { place } => place.to_string(),
            Change::Moved { pid, .. } => format!("control group of process {pid}"),
            Change::Affinity { thread, .. } => format!("CPUs of thread {thread}"),
            Change::Priority { thread, name, .. } => {
                format!("priority of thread {thread} ({name})")
            }
        }
    }

    pub fn old(&self) -> String {
        match self {
            Change::Value { old, .. }
            | Change::Along { old, .. }
            | Change::Affinity { old, .. } => old.clone(),
            Change::Folder { .. } => String::from("(none)"),
            Change::Moved { from, .. } => from.to_string(),
            Change::Priority { old, .. } => old.to_string(),
        }
    }

    /// The value that was set; `None` where nothing was written.
    pub fn new_value(&self) -> Option<String> {
        match self {
            Change::Value { new, .. } => Some(new.clone()),
            Change::Folder { .. } => Some(String::from("(made)")),
            Change::Moved { to, .. } => Some(to.to_string()),
            Change::Priority { new, .. } => Some(new.to_string()),
            Change::Along { .. } | Change::Affinity { .. } => None,
        }
    }

    pub(super) fn is_plausible(&self) -> bool {
        match self {
            Change::Value { place, .. }
            | Change::Along { place, .. }
            | Change::Folder { place } => place.is_plausible(),
            Change::Moved { from, to, .. } => from.is_plausible() && to.is_plausible(),
            Change::Affinity { .. } | Change::Priority { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_kernel_are_plausible() {
        for good in [
            "proc/sys/vm/stat_interval",
            "sys/fs/cgroup/a/cgroup.procs",
            "sys/devices/cpu_core/freeze_on_smi",
        ] {
            assert!(Place::root(good).is_plausible(), "{good}");
        }
        for bad in [
            "etc/passwd",
            "proc/../etc/passwd",
            "/proc/x",
            "proc//x",
            "",
            "sys/./x",
            "proc/self/cwd/x",
            "proc/1/root/etc/passwd",
            "proc/sys/kernel/core_pattern",
            "sys/devices/cpu/../../x",
        ] {
            assert!(!Place::root(bad).is_plausible(), "{bad}");
        }
        assert!(Place::debugfs("sched/fair_server/cpu0/runtime").is_plausible());
        assert!(!Place::tracefs("../tracing_on").is_plausible());
    }
}
