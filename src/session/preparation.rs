//! What this process does to itself before it measures. All of it ends with
//! the process, however that ends: nothing of the host is changed for good.

use std::fs::File;
use std::io::Write;

use crate::host::Host;
use crate::host::permissions::{Capability, UserNamespace};
use crate::host::root::Root;
use crate::sys::memory::{LockLimit, Locked, lock_all};
use crate::sys::sched;
use crate::units::cpulist::CpuList;

/// How the process could prepare itself.
#[derive(Clone, Debug)]
pub struct Preparation {
    /// Whether memory is locked, or why not.
    pub memory: Result<Locked, String>,
    /// Whether /dev/cpu_dma_latency is held at 0, or why not.
    pub dma_latency: Result<(), String>,
}

/// What is held for the length of a run.
pub struct Prepared {
    /// What could be had.
    pub facts: Preparation,
    /// While it is open, the kernel avoids idle states that take longer to
    /// leave than 0 us (Documentation/power/pm_qos_interface.rst).
    _dma_latency: Option<File>,
}

/// Moves the calling thread to the CPUs that are not sampled (to none where the
/// list is empty), locks memory and holds off
/// deep idle states; each as far as this process may.
pub fn prepare(housekeeping: &CpuList, host: &Host, root: &Root) -> Prepared {
    if !housekeeping.is_empty() {
        // Not fatal: the collector is then one more ordinary task, and the
        // samplers say when it displaced them.
        let _ = sched::set_affinity(housekeeping);
    }
    let permissions = &host.permissions;
    let own_namespace = matches!(permissions.user_namespace, Ok(UserNamespace::Own));
    let lifted = !own_namespace
        && permissions
            .capabilities
            .as_ref()
            .is_ok_and(|capabilities| capabilities.grants(Capability::IpcLock));
    let limit = if lifted {
        LockLimit::Lifted
    } else {
        LockLimit::InForce
    };
    let dma_latency = hold_dma_latency(root);
    Prepared {
        facts: Preparation {
            memory: lock_all(limit).map_err(|error| error.to_string()),
            dma_latency: dma_latency
                .as_ref()
                .map(|_| ())
                .map_err(ToString::to_string),
        },
        _dma_latency: dma_latency.ok(),
    }
}

fn hold_dma_latency(root: &Root) -> std::io::Result<File> {
    let mut file = File::options()
        .write(true)
        .open(root.path("dev/cpu_dma_latency"))?;
    file.write_all(&0i32.to_ne_bytes())?;
    Ok(file)
}
