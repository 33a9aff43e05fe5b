//! Stalls that other threads raise on the sampled CPU.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::Signal;

use crate::sampler::RaisedSpan;
use crate::sys::{sched, signals, tsc};
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Cycles};

/// Time that a competing task sleeps between two stalls.
const REST: Duration = Duration::from_millis(10);
/// Time before the first: the sampler calibrates meanwhile.
const BEFORE_FIRST: Duration = Duration::from_millis(150);

/// A task of higher priority on the sampled CPU that spins for a known time,
/// again and again until the sampling is over: how long the sampler takes to
/// set itself up is not known beforehand.
pub struct CompetingTask {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<RaisedSpan>, String>>,
}

impl CompetingTask {
    /// Starts the task, with stalls of `length` each.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(cpu: CpuId, priority: u8, length: Cycles) -> std::io::Result<CompetingTask> {
        let stop = Arc::new(AtomicBool::new(false));
        let must_stop = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name(format!("competitor/{cpu}"))
            .spawn(move || compete(cpu, priority, length, &must_stop))?;
        Ok(CompetingTask { stop, thread })
    }

    /// Ends it, and says when it had the CPU.
    ///
    /// # Errors
    /// Why it could not compete.
    pub fn finish(self) -> Result<Vec<RaisedSpan>, String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .unwrap_or_else(|_| Err(String::from("the competing task died")))
    }
}

fn compete(
    cpu: CpuId,
    priority: u8,
    length: Cycles,
    must_stop: &AtomicBool,
) -> Result<Vec<RaisedSpan>, String> {
    signals::block_all();
    let only: CpuList = [cpu].into_iter().collect();
    sched::set_affinity(&only).map_err(|error| format!("pinning failed: {error}"))?;
    sched::set_fifo(priority)
        .map_err(|error| format!("needs real-time priority (CAP_SYS_NICE): {error}"))?;
    std::thread::sleep(BEFORE_FIRST);
    let mut spans = Vec::new();
    while !must_stop.load(Ordering::Relaxed) {
        std::thread::sleep(REST);
        let start = tsc::read();
        while tsc::read().wrapping_sub(start) < length.0 {}
        spans.push(RaisedSpan {
            start: Cycles(start),
            end: Cycles(tsc::read()),
        });
    }
    Ok(spans)
}

/// A thread elsewhere that sends signals to a thread which has them blocked,
/// as fast as it can: none may reach the sampler, and none may look like the
/// platform.
pub struct SignalStorm {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl SignalStorm {
    /// Starts a thread that has the signals blocked on the sampled CPU, and
    /// another that sends them.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(cpu: CpuId) -> std::io::Result<SignalStorm> {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let target_stop = Arc::clone(&stop);
        // Before the target has blocked them, a signal would end the process.
        let blocked = Arc::new(Barrier::new(2));
        let target_blocked = Arc::clone(&blocked);
        let target = std::thread::Builder::new()
            .name(format!("target/{cpu}"))
            .spawn(move || {
                signals::block_all();
                target_blocked.wait();
                let only: CpuList = [cpu].into_iter().collect();
                // Unpinned, it is a target all the same.
                let _ = sched::set_affinity(&only);
                while !target_stop.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            })?;
        let id = std::os::unix::thread::JoinHandleExt::as_pthread_t(&target);
        let (sender_stop, sender_sent) = (Arc::clone(&stop), Arc::clone(&sent));
        let sender = std::thread::Builder::new()
            .name(String::from("storm"))
            .spawn(move || {
                signals::block_all();
                blocked.wait();
                while !sender_stop.load(Ordering::Relaxed) {
                    if pthread_kill(id, Signal::SIGUSR1).is_ok() {
                        sender_sent.fetch_add(1, Ordering::Relaxed);
                    }
                    std::thread::yield_now();
                }
            })?;
        // The sender ends before its target, whose number it uses.
        Ok(SignalStorm {
            stop,
            sent,
            threads: vec![sender, target],
        })
    }

    pub fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let _ = thread.join();
        }
        self.sent.load(Ordering::Relaxed)
    }
}
