//! The machine's CPUs, cores and memory nodes.
//!
//! Source: Documentation/ABI/testing/sysfs-devices-system-cpu and
//! Documentation/ABI/stable/sysfs-devices-node.

use super::root::{Known, Root};
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
    /// Sets of CPUs by state.
    pub sets: CpuSets,
    /// Whether cores run several threads.
    pub smt: Known<Smt>,
    /// The memory nodes, lowest number first. `Missing` on a kernel without
    /// NUMA.
    pub nodes: Known<Vec<Node>>,
}

/// Sets of CPUs by state.
#[derive(Clone, Debug)]
pub struct CpuSets {
    /// CPUs that the kernel made room for at boot.
    pub possible: Known<CpuList>,
    /// CPUs that are plugged in.
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

/// A memory node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub id: NodeId,
    /// Its CPUs; none for a node of memory alone.
    pub cpus: CpuList,
}

/// The number of a memory node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl Topology {
    pub(super) fn read(root: &Root) -> Topology {
        Topology {
            sets: CpuSets::read(root),
            smt: Smt::read(root),
            nodes: read_nodes(root),
        }
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

/// The CPUs that share a core with `cpu`, itself included.
///
/// # Errors
/// `Missing` for a CPU that is offline: its topology is not shown.
pub fn core_siblings(root: &Root, cpu: CpuId) -> Known<CpuList> {
    root.read_cpu_list(&format!("{CPU}/cpu{cpu}/topology/thread_siblings_list"))
}
