//! What the kernel records of vCPUs and of what runs in their place.

use std::sync::Arc;

use crate::model::absence::Isa;
use crate::units::{CpuId, Cycles};

/// Something that happened on a CPU of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, by the host's TSC.
    pub at: Cycles,
    /// On which CPU.
    pub cpu: CpuId,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A vCPU's thread left the guest (kvm:kvm_exit).
    Exit {
        tid: u32,
        vcpu: Option<u32>,
        isa: Isa,
        code: u32,
        info1: u64,
        info2: u64,
    },
    /// It enters the guest (kvm:kvm_entry).
    Entry { tid: u32, vcpu: Option<u32> },
    /// KVM goes back to the VMM in user space (kvm:kvm_userspace_exit), with the
    /// number of KVM_EXIT_*; what follows, up to the entry, is the VMM's but for
    /// what interrupts it.
    ToVmm { tid: u32, reason: u32 },
    /// An interrupt handler, an NMI or a softirq begins.
    Begin(Activity),
    /// It ends.
    End(Activity),
    /// The CPU goes from a task to another.
    Switch {
        from: u32,
        /// Who had the CPU: while a vCPU waits that was not ready before, this is
        /// all that tells who ran.
        from_name: String,
        from_priority: i32,
        /// How it left, by its state: which bits of `prev_state` are set.
        left: Left,
        to: u32,
        to_name: String,
        /// The kernel's number: below 100 real-time, 120 a normal task's.
        to_priority: i32,
    },
    /// A vCPU's thread is woken; the event's CPU is the waker's.
    Waking {
        tid: u32,
        /// Where it then waits to run, unless [`What::Moved`] says otherwise.
        on: CpuId,
        /// By whom, where the event itself tells.
        by: Option<Arc<str>>,
    },
    /// A vCPU's thread that waits to run is moved to another CPU's queue.
    Moved { tid: u32, to: CpuId },
    /// Records of this CPU may be missing from the event before it up to here.
    Lost,
    /// A vCPU's thread is watched from here on, and this is known of it without any
    /// record.
    Watched { tid: u32, place: Found },
}

/// Where a vCPU is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// In its guest, or out of it.
    Unknown,
    /// Its thread is stopped.
    Stopped,
    /// Programs have followed it through exits that were too short to be told.
    InGuest,
}

impl What {
    /// The name of what begins.
    pub fn begins(&self) -> Option<&str> {
        match self {
            Self::Begin(Activity::Interrupt(name) | Activity::Softirq(name)) => Some(name),
            _ => None,
        }
    }
}

/// How a task left its CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It would have run on: it was preempted, or let others go first.
    Runnable,
    /// It waits for something.
    Asleep,
    /// By a signal or a tracer (`__TASK_STOPPED` 4, `__TASK_TRACED` 8).
    Stopped,
}

/// What interrupts a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Activity {
    /// A vector or a device's interrupt, by name.
    Interrupt(String),
    /// A softirq, by name.
    Softirq(String),
}
