//! The guests of this host, and the threads that are their vCPUs.

use crate::model::absence::{GuestFoundBy, GuestTsc};
use crate::units::Nanos;

/// Which guests are to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of the host.
    All,
    /// The one whose VMM is this process.
    Pid(u32),
    /// Those of this name: QEMU's `-name`, or that of the VMM's process.
    Name(String),
}

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundGuest {
    /// The process of its VMM.
    pub pid: u32,
    /// QEMU's `-name`, or the name of the process.
    pub name: String,
    /// The VMM's program.
    pub vmm: Option<String>,
    /// How it was found.
    pub found_by: GuestFoundBy,
    /// Its vCPUs whose thread is known, by index.
    pub vcpus: Vec<FoundVcpu>,
}

/// A vCPU and its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVcpu {
    /// Its number for KVM.
    pub index: u32,
    /// Its thread.
    pub tid: u32,
    /// The thread's name.
    pub thread: Option<String>,
    /// Where it may run, as a list such as `2-3`.
    pub affinity: Option<String>,
    /// Its policy and priority, such as `SCHED_FIFO 1`.
    pub scheduling: Option<String>,
    /// How long it was ready and did not run since it was found.
    pub waited: Option<Nanos>,
    /// The guest's TSC by the host's, or why it is not known. `seen_cycles` are the
    /// host's TSC itself, not yet since an origin.
    pub tsc: Result<Vec<GuestTsc>, String>,
}
