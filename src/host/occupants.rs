//! Real-time tasks of this machine: who holds a CPU that a sampler of lower
//! priority waits for, and who will.
//!
//! Source: proc(5), /proc/PID/task/TID/stat.

use crate::units::CpuId;
use crate::units::cpulist::CpuList;

use super::root::Root;
use super::text::clean;

/// PF_KTHREAD (include/linux/sched.h).
const KERNEL_THREAD: u64 = 0x0020_0000;
/// The kernel's limit is 15; a made-up tree may hold anything.
const LONGEST_NAME: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealtimeTask {
    pub process: u32,
    pub thread: u32,
    /// The thread's name, safe to show.
    pub name: String,
    /// SCHED_FIFO, SCHED_RR or SCHED_DEADLINE, by number.
    pub policy: i32,
    /// Its priority; above all others under SCHED_DEADLINE.
    pub priority: u8,
    /// Where it runs, or ran last.
    pub cpu: CpuId,
    /// Whether it wants the CPU at this moment.
    pub state: State,
    pub owner: Owner,
}

/// Whether a task wants a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs, or waits for its turn.
    Runnable,
    /// It waits for something else.
    Waiting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The kernel's.
    Kernel,
    /// A process's.
    User,
}

impl std::fmt::Display for RealtimeTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RealtimeTask { name, process, .. } = self;
        let policy = match self.policy {
            libc::SCHED_FIFO => format!("FIFO {}", self.priority),
            libc::SCHED_RR => format!("RR {}", self.priority),
            _ => String::from("DEADLINE"),
        };
        match self.owner {
            Owner::Kernel => write!(f, "the kernel's {name} ({policy})"),
            Owner::User => write!(f, "{name} (process {process}, {policy})"),
        }
    }
}

impl RealtimeTask {
    /// Whether it is a sampler of another run of hwgap, by its thread's name.
    pub fn is_sampler(&self) -> bool {
        self.owner == Owner::User && self.name.starts_with("sampler/")
    }

    /// Whether it has its turn before a thread of this priority, or keeps it.
    fn holds_back(&self, priority: u8) -> bool {
        self.policy == libc::SCHED_DEADLINE || self.priority >= priority
    }
}

/// All real-time tasks at or above this priority but those of process `own`.
pub fn realtime_tasks(root: &Root, priority: u8, own: u32) -> Vec<RealtimeTask> {
    let numbers = |folder: &str| -> Vec<u32> {
        let names = root.list_dir(folder).unwrap_or_default();
        names.iter().filter_map(|name| name.parse().ok()).collect()
    };
    let processes = numbers("proc").into_iter().filter(|pid| *pid != own);
    processes
        .flat_map(|process| {
            let threads = numbers(&format!("proc/{process}/task"));
            threads.into_iter().filter_map(move |thread| {
                let stat = root.read_text(&format!("proc/{process}/task/{thread}/stat"));
                task(process, thread, &stat.ok()?)
            })
        })
        .filter(|task| task.holds_back(priority))
        .collect()
}

/// Who has the CPU, where a real-time task does that a sampler of this priority
/// has to wait for.
pub fn occupant(root: &Root, cpu: CpuId, priority: u8, own: u32) -> Option<RealtimeTask> {
    let tasks = realtime_tasks(root, priority, own).into_iter();
    tasks
        .filter(|task| task.cpu == cpu && task.state == State::Runnable)
        .max_by_key(|task| (task.policy == libc::SCHED_DEADLINE, task.priority))
}

/// The CPUs on which a task may run; empty where that is not known.
pub fn allowed(root: &Root, task: &RealtimeTask) -> CpuList {
    let (process, thread) = (task.process, task.thread);
    let status = root.read_text(&format!("proc/{process}/task/{thread}/status"));
    let status = status.unwrap_or_default();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.and_then(|list| list.trim().parse().ok())
        .unwrap_or_default()
}

/// A task from its `stat`; `None` for one without a real-time policy.
fn task(process: u32, thread: u32, stat: &str) -> Option<RealtimeTask> {
    // The name may hold anything, parentheses and blanks too.
    let (head, tail) = stat.rsplit_once(')')?;
    let name = clean(head.split_once('(')?.1, LONGEST_NAME);
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    // The state is field 3.
    let field = |number: usize| fields.get(number - 3);
    let number = |at: usize| field(at)?.parse::<u64>().ok();
    let policy = i32::try_from(number(41)?).ok()?;
    if !matches!(
        policy,
        libc::SCHED_FIFO | libc::SCHED_RR | libc::SCHED_DEADLINE
    ) {
        return None;
    }
    Some(RealtimeTask {
        process,
        thread,
        name,
        policy,
        priority: u8::try_from(number(40)?).ok()?,
        cpu: CpuId(u32::try_from(number(39)?).ok()?),
        state: match field(3) {
            Some(&"R") => State::Runnable,
            _ => State::Waiting,
        },
        owner: match number(9)? & KERNEL_THREAD {
            0 => Owner::User,
            _ => Owner::Kernel,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(name: &str, state: &str, flags: u64, cpu: u32, priority: u8, policy: i32) -> String {
        let mut fields = vec![String::from("0"); 50];
        fields[0] = state.to_owned();
        fields[9 - 3] = flags.to_string();
        fields[39 - 3] = cpu.to_string();
        fields[40 - 3] = priority.to_string();
        fields[41 - 3] = policy.to_string();
        format!("7 ({name}) {}", fields.join(" "))
    }

    #[test]
    fn the_highest_task_that_wants_the_cpu_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let put = |process: u32, text: String| {
            let place = folder.path().join(format!("proc/{process}/task/{process}"));
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("stat"), text).unwrap();
        };
        put(5, stat("low", "R", 0, 1, 48, libc::SCHED_FIFO));
        put(6, stat("a) S 1 (b", "R", 0, 1, 60, libc::SCHED_FIFO));
        put(7, stat("asleep", "S", 0, 1, 99, libc::SCHED_FIFO));
        put(8, stat("elsewhere", "R", 0, 2, 99, libc::SCHED_RR));
        put(
            9,
            stat("migration/1", "S", KERNEL_THREAD, 1, 99, libc::SCHED_FIFO),
        );
        put(10, stat("ordinary", "R", 0, 1, 0, libc::SCHED_OTHER));
        let root = Root::at(folder.path());
        let found = occupant(&root, CpuId(1), 49, 1).unwrap();
        assert_eq!(found.to_string(), "a) S 1 (b (process 6, FIFO 60)");
        assert_eq!(occupant(&root, CpuId(1), 49, 6), None, "its own");
        assert_eq!(realtime_tasks(&root, 49, 1).len(), 4);
    }
}
