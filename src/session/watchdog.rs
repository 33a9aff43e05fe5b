//! The watchdog of a run: ends the samplers when the collector has stopped
//! breathing. They run at real-time priority, and without anybody who takes
//! their results they would hold their CPUs for nothing; on a host whose
//! throttling was lifted, for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle, park_timeout};
use std::time::Duration;

use crate::files::patient::tell;
use crate::privileges::Keep;
use crate::sampler::StopHandle;
use crate::sys::{sched, signals};

/// Looks without a breath that are one too many.
const LOOKS: u32 = 5;
/// Time between two looks. That clock stands still while the machine sleeps
/// (CLOCK_MONOTONIC), so that waking up is no stall.
const BETWEEN: Duration = Duration::from_secs(2);

/// Its stack, all of which is locked in memory.
const STACK: usize = 128 * 1024;

/// What the collector and its watchdog share.
#[derive(Debug, Default)]
struct Signs {
    breaths: AtomicU64,
    is_over: AtomicBool,
}

/// The watchdog. It ends with the collector.
#[derive(Debug)]
pub(super) struct Watchdog {
    signs: Arc<Signs>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Watches over the calling thread, on the same CPUs and above its
    /// priority, with no more rights than are to be kept.
    pub(super) fn begin(stop_handle: StopHandle, keep: Option<Keep>) -> Watchdog {
        Watchdog::with(move || stop_handle.pull(), keep, BETWEEN)
    }

    fn with(
        end: impl FnOnce() + Send + 'static,
        keep: Option<Keep>,
        between: Duration,
    ) -> Watchdog {
        let signs = Arc::new(Signs::default());
        let watched = signs.clone();
        let thread = Builder::new()
            .name(String::from("watchdog"))
            .stack_size(STACK)
            .spawn(move || {
                rise();
                // Rights belong to threads, and the priority was the last
                // thing that took any.
                if let Some(keep) = keep {
                    keep.apply();
                }
                watch(&watched, end, between);
            });
        Watchdog {
            signs,
            // Without it, the run is what it would be otherwise.
            thread: thread.ok(),
        }
    }

    /// The collector lives.
    pub(super) fn breathe(&self) {
        self.signs.breaths.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.signs.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}

/// How long nothing has moved.
#[derive(Debug, Default)]
struct Patience {
    seen: u64,
    without: u32,
}

impl Patience {
    /// Whether this look is one too many.
    fn is_lost(&mut self, breaths: u64) -> bool {
        self.without = match breaths == self.seen {
            true => self.without + 1,
            false => 0,
        };
        self.seen = breaths;
        self.without >= LOOKS
    }
}

/// Takes a place above the collector.
fn rise() {
    signals::block_all();
    // A collector that runs above the samplers must not keep this from running
    // when it spins.
    if let Ok((libc::SCHED_FIFO, priority @ 1..=97)) = sched::scheduler_of(sched::thread_id()) {
        let _ = sched::set_scheduler_of(sched::thread_id(), libc::SCHED_FIFO, priority + 1);
    }
}

fn watch(signs: &Signs, end: impl FnOnce(), between: Duration) {
    let mut patience = Patience::default();
    while !signs.is_over.load(Ordering::Relaxed) {
        park_timeout(between);
        let is_lost = patience.is_lost(signs.breaths.load(Ordering::Relaxed));
        if is_lost && !signs.is_over.load(Ordering::Relaxed) {
            end();
            tell(&format!(
                "hwgap: the collector has not moved for {} s; the samplers were ended\n",
                (between * LOOKS).as_secs()
            ));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn each_breath_makes_up_for_all_looks_before() {
        let mut patience = Patience::default();
        for breaths in 1..100u64 {
            for _ in 0..LOOKS {
                assert!(!patience.is_lost(breaths));
            }
        }
        assert!(patience.is_lost(99));
    }

    #[test]
    fn a_collector_that_stands_still_ends_the_samplers() {
        let (sender, receiver) = channel();
        let _watchdog = Watchdog::with(
            move || sender.send(()).unwrap(),
            None,
            Duration::from_millis(1),
        );
        receiver.recv().unwrap();
    }

    #[test]
    fn it_goes_with_the_collector() {
        let (sender, receiver) = channel::<()>();
        drop(Watchdog::with(
            move || drop(sender),
            None,
            Duration::from_secs(3_600),
        ));
        assert!(receiver.recv().is_err());
    }
}
