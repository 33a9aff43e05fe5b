//! The machine's CPUs, cores and memory nodes.
//!
//! Source: Documentation/ABI/testing/sysfs-devices-system-cpu and
//! Documentation/ABI/stable/sysfs-devices-node.

use std::collections::BTreeMap;

use super::root::{Known, Root};
use crate::model::{CoreKind, CpuPlace};
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

const CPU: &str = "sys/devices/system/cpu";
/// CPUs of isolated partitions of control groups, made at run time
/// (Documentation/admin-guide/cgroup-v2.rst).
pub const ISOLATED_PARTITIONS: &str = "sys/fs/cgroup/cpuset.cpus.isolated";
const NODE: &str = "sys/devices/system/node";

/// The machine's CPUs and nodes.
#[derive(Clone, Debug)]
pub struct Topology {
    pub sets: CpuSets,
    /// Whether cores run several threads.
    pub smt: Known<Smt>,
    /// The memory nodes, lowest number first. `Missing` on a kernel without
    /// NUMA.
    pub nodes: Known<Vec<Node>>,
    /// Where each online CPU stands, as far as the kernel tells.
    places: BTreeMap<CpuId, CpuPlace>,
}

#[derive(Clone, Debug)]
pub struct CpuSets {
    /// CPUs that the kernel made room for at boot.
    pub possible: Known<CpuList>,
    pub present: Known<CpuList>,
    /// CPUs that run tasks.
    pub online: Known<CpuList>,
    /// CPUs without load balancing, by `isolcpus=` or an isolated cpuset
    /// partition.
    pub isolated: Known<CpuList>,
    /// CPUs whose tick stops when a single task runs, by `nohz_full=`.
    /// `Missing` on a kernel built without it.
    pub nohz_full: Known<CpuList>,
}

/// Whether several logical CPUs share a core now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smt {
    /// Some online CPUs share a core.
    Active,
    /// Each online CPU has a core to itself.
    Inactive,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: NodeId,
    /// Its CPUs; none for a node of memory alone.
    pub cpus: CpuList,
}

/// The number of a memory node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl Topology {
    pub(super) fn read(root: &Root) -> Topology {
        let sets = CpuSets::read(root);
        let nodes = read_nodes(root);
        Topology {
            places: places(root, &sets, &nodes),
            sets,
            smt: Smt::read(root),
            nodes,
        }
    }

    /// Where a CPU stands; `None` where nothing is known of it.
    pub fn place_of(&self, cpu: CpuId) -> Option<CpuPlace> {
        self.places.get(&cpu).copied()
    }

    /// The node of a CPU. `None` when the nodes are not known or none of them
    /// has it.
    pub fn node_of(&self, cpu: CpuId) -> Option<NodeId> {
        let nodes = self.nodes.as_ref().ok()?;
        nodes
            .iter()
            .find(|node| node.cpus.contains(cpu))
            .map(|node| node.id)
    }
}

impl CpuSets {
    /// Reads the sets anew, as CPUs come and go.
    pub fn read(root: &Root) -> CpuSets {
        let set = |name: &str| root.read_cpu_list(&format!("{CPU}/{name}"));
        // Partitions are not in the first list on every kernel.
        let by_partition = root.read_cpu_list(ISOLATED_PARTITIONS);
        let isolated = match (set("isolated"), by_partition) {
            (Ok(boot), Ok(partitions)) => Ok(boot.iter().chain(partitions.iter()).collect()),
            (Err(_), Ok(partitions)) if !partitions.is_empty() => Ok(partitions),
            (boot, _) => boot,
        };
        CpuSets {
            possible: set("possible"),
            present: set("present"),
            online: set("online"),
            isolated,
            nohz_full: set("nohz_full"),
        }
    }
}

impl Smt {
    fn read(root: &Root) -> Known<Smt> {
        let file = format!("{CPU}/smt/active");
        match root.read_number::<u8>(&file)? {
            0 => Ok(Smt::Inactive),
            1 => Ok(Smt::Active),
            other => Err(root.malformed(&file, "0 or 1", &other.to_string())),
        }
    }
}

fn read_nodes(root: &Root) -> Known<Vec<Node>> {
    let mut nodes = Vec::new();
    for name in root.list_dir(NODE)? {
        let Some(id) = name
            .strip_prefix("node")
            .and_then(|number| number.parse().ok())
        else {
            continue;
        };
        let cpus = root.read_cpu_list(&format!("{NODE}/{name}/cpulist"))?;
        nodes.push(Node {
            id: NodeId(id),
            cpus,
        });
    }
    nodes.sort_by_key(|node| node.id);
    Ok(nodes)
}

/// The PMUs of hybrid CPUs list the CPUs of each kind of core
/// (arch/x86/events/intel/core.c, `intel_hybrid_pmu_type_map`).
const KINDS: [(&str, CoreKind); 2] = [
    ("cpu_core", CoreKind::Performance),
    ("cpu_atom", CoreKind::Efficient),
];

fn places(root: &Root, sets: &CpuSets, nodes: &Known<Vec<Node>>) -> BTreeMap<CpuId, CpuPlace> {
    let kinds = KINDS.map(|(name, kind)| {
        let cpus = root.read_cpu_list(&format!("sys/devices/{name}/cpus"));
        (cpus.unwrap_or_default(), kind)
    });
    let node_of = |cpu| {
        let nodes = nodes.iter().flatten();
        let mut own = nodes.filter(|node| node.cpus.contains(cpu));
        own.next().map(|node| node.id.0)
    };
    let of = |cpu: CpuId| {
        // Virtual machines and broken firmware have -1 there.
        let number = |name: &str| {
            let file = format!("{CPU}/cpu{cpu}/topology/{name}");
            let number = root.read_number::<i64>(&file).ok()?;
            u32::try_from(number).ok()
        };
        CpuPlace {
            package: number("physical_package_id"),
            core: number("core_id"),
            node: node_of(cpu),
            kind: (kinds.iter())
                .find(|(cpus, _)| cpus.contains(cpu))
                .map(|&(_, kind)| kind),
        }
    };
    let online = sets.online.iter().flat_map(CpuList::iter);
    online
        .map(|cpu| (cpu, of(cpu)))
        .filter(|(_, place)| *place != CpuPlace::default())
        .collect()
}

/// The CPUs that share a core with `cpu`, itself included.
///
/// # Errors
/// `Missing` for a CPU that is offline: its topology is not shown.
pub fn core_siblings(root: &Root, cpu: CpuId) -> Known<CpuList> {
    root.read_cpu_list(&format!("{CPU}/cpu{cpu}/topology/thread_siblings_list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_has_its_package_its_core_its_node_and_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            (format!("{CPU}/online"), "0-3"),
            (format!("{CPU}/cpu0/topology/physical_package_id"), "0"),
            (format!("{CPU}/cpu0/topology/core_id"), "4"),
            (format!("{CPU}/cpu2/topology/physical_package_id"), "1"),
            (format!("{CPU}/cpu2/topology/core_id"), "-1"),
            (format!("{NODE}/node1/cpulist"), "2-3"),
            (String::from("sys/devices/cpu_core/cpus"), "0-1"),
            (String::from("sys/devices/cpu_atom/cpus"), "2"),
        ];
        for (name, text) in &files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{text}\n")).unwrap();
        }
        let topology = Topology::read(&Root::at(folder.path()));
        let place = |cpu| topology.place_of(CpuId(cpu));
        assert_eq!(
            place(0),
            Some(CpuPlace {
                package: Some(0),
                core: Some(4),
                node: None,
                kind: Some(CoreKind::Performance),
            })
        );
        assert_eq!(
            place(2),
            Some(CpuPlace {
                package: Some(1),
                core: None,
                node: Some(1),
                kind: Some(CoreKind::Efficient),
            })
        );
        assert_eq!(place(3).and_then(|place| place.node), Some(1));
        assert_eq!(place(4), None);
    }
}
