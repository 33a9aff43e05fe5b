//! Which CPUs this process may use, and what keeps it from the others.

use super::root::{Known, ReadError, Root};
use super::status::{STATUS, status_field};
use super::topology::CpuSets;
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

#[derive(Clone, Debug)]
pub struct Confinement {
    /// The affinity mask of the main thread, by `/proc/self/status`. The
    /// process may widen it up to its cpuset (taskset(1) narrows it).
    pub allowed: Known<CpuList>,
    /// The CPUs of the process's control group, which only the administrator
    /// may widen. `Missing` where no group limits CPUs.
    pub cpuset: Known<CpuList>,
}

impl Confinement {
    pub(super) fn read(root: &Root) -> Confinement {
        let allowed = status_field(root, "Cpus_allowed_list", "a line 'Cpus_allowed_list'")
            .and_then(|list| root.parse_cpu_list(STATUS, &list));
        Confinement {
            allowed,
            cpuset: read_cpuset(root),
        }
    }

    /// Why `cpu` cannot be sampled by this process, the deepest cause first;
    /// `None` when nothing known speaks against it. What is not known is
    /// passed over: the kernel has the last word when the thread is pinned.
    ///
    /// The affinity mask speaks against a CPU only while the cpuset is
    /// unknown and the CPU is not isolated. A thread may leave its mask within
    /// its cpuset, and on tuned machines it must: `isolcpus=` and systemd's
    /// `CPUAffinity=` keep the very CPUs worth measuring out of every mask.
    pub fn why_not(&self, sets: &CpuSets, cpu: CpuId) -> Option<UnusableCpu> {
        if let Some(possible) = lacking(&sets.possible, cpu) {
            return Some(UnusableCpu::NotPossible {
                cpu,
                possible: possible.clone(),
            });
        }
        if lacking(&sets.present, cpu).is_some() {
            return Some(UnusableCpu::NotPresent { cpu });
        }
        if lacking(&sets.online, cpu).is_some() {
            return Some(UnusableCpu::Offline { cpu });
        }
        if let Some(cpuset) = lacking(&self.cpuset, cpu) {
            return Some(UnusableCpu::OutsideCpuset {
                cpu,
                cpuset: cpuset.clone(),
            });
        }
        if self.cpuset.is_ok() || sets.isolated.as_ref().is_ok_and(|set| set.contains(cpu)) {
            return None;
        }
        let allowed = lacking(&self.allowed, cpu)?.clone();
        Some(UnusableCpu::OutsideAffinity { cpu, allowed })
    }

    /// The usable CPUs of a mask that somebody narrowed, as taskset(1) does;
    /// `None` where nobody did. A mask that lacks isolated CPUs alone is what
    /// `isolcpus=` makes of every mask.
    pub fn narrowed(&self, sets: &CpuSets, usable: &CpuList) -> Option<CpuList> {
        let allowed = self.allowed.as_ref().ok()?;
        let isolated = sets.isolated.clone().unwrap_or_default();
        let lacking = usable.without(allowed).without(&isolated);
        let narrowed = usable.intersection(allowed);
        (!lacking.is_empty() && !narrowed.is_empty()).then_some(narrowed)
    }

    /// The online CPUs that [`Confinement::why_not`] says nothing against.
    ///
    /// # Errors
    /// When the online CPUs are not known.
    pub fn usable(&self, sets: &CpuSets) -> Known<CpuList> {
        let online = sets.online.as_ref().map_err(Clone::clone)?;
        Ok(online
            .iter()
            .filter(|&cpu| self.why_not(sets, cpu).is_none())
            .collect())
    }
}

fn lacking(set: &Known<CpuList>, cpu: CpuId) -> Option<&CpuList> {
    set.as_ref().ok().filter(|list| !list.contains(cpu))
}

/// Why a CPU cannot be sampled. Each text says what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableCpu {
    #[error("CPU {cpu} does not exist: this machine has {possible}")]
    NotPossible { cpu: CpuId, possible: CpuList },
    /// There is room for it and it is not plugged in.
    #[error("CPU {cpu} is not present: its place is empty or disabled by firmware")]
    NotPresent { cpu: CpuId },
    /// It is switched off.
    #[error("CPU {cpu} is offline: write 1 to /sys/devices/system/cpu/cpu{cpu}/online to use it")]
    Offline { cpu: CpuId },
    /// The process's control group excludes it.
    #[error(
        "CPU {cpu} is outside this process's cpuset ({cpuset}): start it in a control group \
         (container, slice) that has this CPU"
    )]
    OutsideCpuset { cpu: CpuId, cpuset: CpuList },
    /// The affinity mask that the process was started with excludes it.
    #[error(
        "CPU {cpu} is outside this process's affinity mask ({allowed}): start it without \
         taskset, or with this CPU in its list"
    )]
    OutsideAffinity { cpu: CpuId, allowed: CpuList },
}

impl UnusableCpu {
    /// Why, in a few words without the CPU.
    pub fn shortly(&self) -> String {
        match self {
            UnusableCpu::NotPossible { .. } => String::from("does not exist"),
            UnusableCpu::NotPresent { .. } => String::from("not present"),
            UnusableCpu::Offline { .. } => String::from("offline"),
            UnusableCpu::OutsideCpuset { cpuset, .. } => {
                format!("outside this process's cpuset ({cpuset})")
            }
            UnusableCpu::OutsideAffinity { allowed, .. } => {
                format!("outside this process's affinity mask ({allowed})")
            }
        }
    }
}

/// The control group's CPUs, by the cpuset controller of either version
/// (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpusets.rst).
fn read_cpuset(root: &Root) -> Known<CpuList> {
    const GROUPS: &str = "proc/self/cgroup";
    let text = root.read_text(GROUPS)?;
    let mut nothing = root.malformed(GROUPS, "a control group", &text);
    // Each line is id:controllers:path; version 2 has no controllers.
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (mount, file) = if controllers.is_empty() {
            ("sys/fs/cgroup", "cpuset.cpus.effective")
        } else if controllers
            .split(',')
            .any(|controller| controller == "cpuset")
        {
            ("sys/fs/cgroup/cpuset", "cpuset.effective_cpus")
        } else {
            continue;
        };
        match nearest_cpuset(root, mount, group, file) {
            Err(error) => nothing = error,
            known => return known,
        }
    }
    Err(nothing)
}

/// Reads `file` of the group or of the nearest one above that has it: a group
/// without the controller inherits.
fn nearest_cpuset(root: &Root, mount: &str, group: &str, file: &str) -> Known<CpuList> {
    // A group outside this namespace shows as /../x, which no path here leads to.
    let mut group = if group.split('/').any(|part| part == "..") {
        ""
    } else {
        group
    };
    loop {
        let trimmed = group.trim_end_matches('/');
        match root.read_cpu_list(&format!("{mount}{trimmed}/{file}")) {
            Err(ReadError::Missing { .. }) if !trimmed.is_empty() => {
                group = &trimmed[..trimmed.rfind('/').unwrap_or(0)];
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Known<CpuList> {
        Ok(text.parse().unwrap())
    }

    fn unknown() -> Known<CpuList> {
        Err(ReadError::Missing { path: "/x".into() })
    }

    fn machine() -> (CpuSets, Confinement) {
        let sets = CpuSets {
            possible: list("0-7"),
            present: list("0-6"),
            online: list("0-5"),
            isolated: list(""),
            nohz_full: unknown(),
        };
        (
            sets,
            Confinement {
                allowed: list("0-3"),
                cpuset: list("0-4"),
            },
        )
    }

    #[test]
    fn the_deepest_cause_is_named() {
        let (sets, confinement) = machine();
        let why = |cpu| confinement.why_not(&sets, CpuId(cpu));
        assert!(matches!(why(8), Some(UnusableCpu::NotPossible { .. })));
        assert!(matches!(why(7), Some(UnusableCpu::NotPresent { .. })));
        assert!(matches!(why(6), Some(UnusableCpu::Offline { .. })));
        assert!(matches!(why(5), Some(UnusableCpu::OutsideCpuset { .. })));
        assert_eq!(why(4), None);
        assert_eq!(confinement.usable(&sets), list("0-4"));
    }

    #[test]
    fn the_mask_counts_while_the_cpuset_is_unknown() {
        let (mut sets, mut confinement) = machine();
        confinement.cpuset = unknown();
        sets.isolated = list("4");
        let why = |cpu| confinement.why_not(&sets, CpuId(cpu));
        assert!(matches!(why(5), Some(UnusableCpu::OutsideAffinity { .. })));
        assert_eq!(why(4), None);
        assert_eq!(confinement.usable(&sets), list("0-4"));
    }

    #[test]
    fn a_narrowed_mask_is_told_from_one_that_isolation_made() {
        let (mut sets, mut confinement) = machine();
        let usable: CpuList = "0-4".parse().unwrap();
        let narrowed =
            |sets: &CpuSets, confinement: &Confinement| confinement.narrowed(sets, &usable);
        // taskset -c 0-3 of a cpuset of 0-4.
        assert_eq!(narrowed(&sets, &confinement), list("0-3").ok());
        // isolcpus=4 keeps that out of every mask.
        sets.isolated = list("4");
        assert_eq!(narrowed(&sets, &confinement), None);
        confinement.allowed = list("1,4");
        assert_eq!(narrowed(&sets, &confinement), list("1,4").ok());
        confinement.allowed = list("7");
        assert_eq!(narrowed(&sets, &confinement), None);
        confinement.allowed = unknown();
        assert_eq!(narrowed(&sets, &confinement), None);
    }

    #[test]
    fn unknown_sets_speak_against_nothing() {
        let (mut sets, mut confinement) = machine();
        sets.possible = unknown();
        sets.present = unknown();
        confinement.allowed = unknown();
        confinement.cpuset = unknown();
        assert!(matches!(
            confinement.why_not(&sets, CpuId(9)),
            Some(UnusableCpu::Offline { .. })
        ));
        assert_eq!(confinement.why_not(&sets, CpuId(5)), None);
    }

    #[test]
    fn the_text_names_cpu_and_cause() {
        let (sets, confinement) = machine();
        let text = confinement.why_not(&sets, CpuId(5)).unwrap().to_string();
        assert!(
            text.starts_with("CPU 5 is outside this process's cpuset (0-4)"),
            "{text}"
        );
    }

    fn cpuset_of(files: &[(&str, &str)]) -> Known<CpuList> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        read_cpuset(&Root::at(folder.path()))
    }

    #[test]
    fn a_group_without_the_controller_inherits() {
        let groups = ("proc/self/cgroup", "0::/a/b/c\n");
        let above = ("sys/fs/cgroup/a/cpuset.cpus.effective", "2-3\n");
        assert_eq!(cpuset_of(&[groups, above]), list("2-3"));
    }

    #[test]
    fn version_one_has_a_mount_of_its_own() {
        let groups = ("proc/self/cgroup", "4:memory:/m\n3:cpu,cpuset:/x\n0::/\n");
        let one = ("sys/fs/cgroup/cpuset/x/cpuset.effective_cpus", "1\n");
        assert_eq!(cpuset_of(&[groups, one]), list("1"));
    }

    #[test]
    fn a_group_outside_the_namespace_leads_nowhere_else() {
        let groups = ("proc/self/cgroup", "0::/../../..\n");
        let outside = ("sys/cpuset.cpus.effective", "1\n");
        assert!(matches!(
            cpuset_of(&[groups, outside]),
            Err(ReadError::Missing { .. })
        ));
    }
}
