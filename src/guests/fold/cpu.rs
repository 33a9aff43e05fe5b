//! A CPU of the host: what runs on it, what interrupts that, and who waits for it.

use std::sync::Arc;

use crate::guests::event::Activity;
use crate::guests::pieces::Doing;
use crate::units::Cycles;

/// A CPU of the host.
#[derive(Default)]
pub(super) struct Cpu {
    pub running: Running,
    /// What interrupts it, the innermost last.
    pub stack: Vec<Activity>,
    /// vCPUs that wait for it.
    pub waiting: Vec<u32>,
    /// When its latest record came.
    pub last: Cycles,
}

/// What has a CPU.
#[derive(Clone, Debug, Default)]
pub(super) enum Running {
    #[default]
    Unknown,
    Idle,
    /// The thread, and its words.
    Task(u32, Arc<str>),
}

impl Running {
    /// A task in words: its name, its number, and its priority where that is not
    /// the usual one.
    pub fn new(tid: u32, name: &str, priority: i32) -> Running {
        if tid == 0 {
            return Running::Idle;
        }
        let words = match priority {
            i32::MIN..0 => format!("{name} ({tid}, deadline)"),
            0..100 => format!("{name} ({tid}, real-time {})", 99 - priority),
            120 => format!("{name} ({tid})"),
            _ => format!("{name} ({tid}, nice {})", priority.saturating_sub(120)),
        };
        Running::Task(tid, words.into())
    }

    /// The thread.
    pub fn thread(&self) -> Option<u32> {
        match self {
            Running::Task(tid, _) => Some(*tid),
            _ => None,
        }
    }

    /// What it does to a vCPU that waits for its CPU.
    pub fn doing(&self) -> Doing {
        match self {
            Running::Unknown => Doing::Unnamed,
            Running::Idle => Doing::Idle(None),
            Running::Task(_, name) => Doing::Task(name.clone()),
        }
    }
}

impl Cpu {
    /// Something else has it from now on, and nothing interrupts that.
    pub fn run(&mut self, running: Running) {
        self.running = running;
        self.stack.clear();
    }

    /// The threads that run and wait here.
    pub fn threads(&self) -> Vec<u32> {
        let running = self.running.thread().into_iter();
        running.chain(self.waiting.iter().copied()).collect()
    }

    pub fn no_longer_waits(&mut self, tid: u32) {
        self.waiting.retain(|waiting| *waiting != tid);
    }

    /// Who wakes a thread from here.
    pub fn waker(&self) -> Option<Arc<str>> {
        match (self.stack.last(), &self.running) {
            (Some(Activity::Interrupt(name) | Activity::Softirq(name)), _) => {
                Some(name.as_str().into())
            }
            (None, Running::Task(_, name)) => Some(name.clone()),
            (None, _) => None,
        }
    }
}
