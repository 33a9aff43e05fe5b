//! Kernel threads that a sampler must not starve.
//!
//! The default priority of the samplers lies below the kernel's interrupt
//! threads (50). Real-time kernels run RCU's callbacks and their timers in
//! threads bound to a CPU at priority 1 (rcuc, ktimers), which a sampler that
//! never pauses would keep from running: RCU stalls after 21 s
//! (Documentation/RCU/stallwarn.rst, "CPU-bound real-time task"). Where every
//! CPU is sampled, the same holds for RCU's grace-period thread. For the run
//! they come before the samplers.

use crate::changes::Schedule;

use super::View;
use super::intent::{Act, Intent};
use super::step::Step;

const STEP: Step = Step::KernelThreads;
/// PF_KTHREAD of include/linux/sched.h: field 9 of stat (proc(5)).
const KERNEL_THREAD: u64 = 0x0020_0000;
const NEEDED: [&str; 6] = [
    "rcuc/",
    "rcub/",
    "rcu_",
    "ktimers/",
    "ktimersd/",
    "ksoftirqd/",
];
/// How the names of interrupt threads begin. They follow their interrupt, which
/// another step moves; one that stays is not put before samplers to which the
/// user gave a priority as high as its own, but named.
const INTERRUPT: &str = "irq/";
/// The highest priority that hwgap gives: 99 is the kernel's own.
const HIGHEST: i32 = 98;

pub(super) fn intents(view: &View<'_>) -> Vec<Intent> {
    let priority = i32::from(view.plan.priority);
    let processes = view.root.list_dir("proc").unwrap_or_default();
    let numbers = processes.iter().filter_map(|name| name.parse().ok());
    let mut all: Vec<Intent> = numbers
        .filter_map(|thread| raise(view, thread, priority))
        .collect();
    if all.is_empty() {
        let reason = "no thread of RCU or of timers would starve on the sampled CPUs";
        all.push(Intent::skip(STEP, "RCU and timer threads", None, reason));
    }
    all
}

fn raise(view: &View<'_>, thread: u32, priority: i32) -> Option<Intent> {
    let stat = view.root.read_text(&format!("proc/{thread}/stat")).ok()?;
    let name = stat.get(stat.find('(')? + 1..stat.rfind(')')?)?;
    let flags = stat.get(stat.rfind(')')? + 1..)?;
    let flags: u64 = flags.split_whitespace().nth(6)?.parse().ok()?;
    let serves_device = name.starts_with(INTERRUPT);
    let is_needed = NEEDED.iter().any(|start| name.starts_with(start));
    if flags & KERNEL_THREAD == 0 || !(serves_device || is_needed) {
        return None;
    }
    let cpus = view.access.affinity(thread).ok()?;
    let old = view.access.schedule(thread).ok()?;
    let elsewhere = !cpus.without(&view.plan.sampled).is_empty();
    let is_realtime = matches!(old.policy, libc::SCHED_FIFO | libc::SCHED_RR);
    // An ordinary softirq thread gets by on what the samplers leave.
    let gets_by = !is_realtime && name.starts_with("ksoftirqd");
    if elsewhere || gets_by || (is_realtime && old.priority > priority) {
        return None;
    }
    let setting = format!("priority of {name}");
    if serves_device {
        let reason = "the samplers' own --priority is not below it, so that its device is not \
                      served on that CPU";
        return Some(Intent::skip(STEP, setting, Some(&old.to_string()), reason));
    }
    if priority >= HIGHEST {
        let reason = "there is no priority left above the samplers'";
        return Some(Intent::skip(STEP, setting, Some(&old.to_string()), reason));
    }
    let new = Schedule {
        policy: libc::SCHED_FIFO,
        priority: priority + 1,
    };
    Some(Intent {
        step: STEP,
        setting,
        act: Act::Raise {
            thread,
            name: name.to_owned(),
            old,
            new,
        },
    })
}
