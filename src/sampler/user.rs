//! The user-space engine: one pinned thread for each CPU.

mod thread;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::attribution::{Evidence, Footprint, SmiEvidence};
use crate::evidence::SmiSource;
use crate::units::{CpuId, Cycles};

use super::engine::{CpuSetup, Engine, EngineError, LiveStatus, SamplingPlan};
use super::exercise::Exercise;
use super::gap::{CpuTotals, RawGap};
use super::live::KernelReturn;
use super::offsets::{Exchange, MeasuredOffset};
use super::scripted::Script;
use super::worker::Shared;

/// Records that a ring holds: 40 ms of 200,000 gaps a second.
const RING: usize = 8_192;
/// Stack of a sampler thread. It is locked in memory.
const STACK: usize = 256 * 1024;

/// What the threads sample.
#[derive(Clone, Debug)]
pub enum MachineKind {
    /// This machine.
    Live {
        /// For each CPU of the plan, where its SMI count may come from, or why
        /// nowhere.
        smi_sources: Vec<Result<Vec<SmiSource>, String>>,
        /// How this kernel returns to user space.
        kernel_return: KernelReturn,
    },
    /// This machine, with stalls that it raises on itself: a test of the
    /// instrument.
    Exercised {
        /// Where the SMI count of the CPU may come from, or why nowhere.
        smi_sources: Result<Vec<SmiSource>, String>,
        /// How this kernel returns to user space.
        kernel_return: KernelReturn,
        /// The stalls.
        exercise: Exercise,
    },
    /// A script: a test of the program.
    Scripted(Arc<Script>),
}

enum Command {
    Lead(Arc<Exchange>),
    Follow(Arc<Exchange>),
    Sample,
}

enum Report {
    Ready(Box<CpuSetup>),
    Failed(EngineError),
    Exchanged(Option<MeasuredOffset>),
}

struct Worker {
    cpu: CpuId,
    commands: Sender<Command>,
    reports: Receiver<Report>,
    gaps: Consumer<RawGap>,
    shared: Arc<Shared>,
    thread: JoinHandle<Option<CpuTotals>>,
}

/// The engine.
pub struct UserEngine {
    plan: Arc<SamplingPlan>,
    kind: MachineKind,
    workers: Vec<Worker>,
    rings_of_finished: Vec<Consumer<RawGap>>,
}

impl UserEngine {
    /// An engine that has not started.
    pub fn new(plan: SamplingPlan, kind: MachineKind) -> UserEngine {
        let plan = Arc::new(plan);
        UserEngine {
            plan,
            kind,
            workers: Vec::new(),
            rings_of_finished: Vec::new(),
        }
    }

    fn spawn(&self, index: usize, cpu: CpuId) -> Result<Worker, EngineError> {
        let (commands, inbox) = channel();
        let (outbox, reports) = channel();
        let (producer, gaps) = prefaulted_ring();
        let shared = Arc::new(Shared::default());
        let (plan, kind, theirs) = (self.plan.clone(), self.kind.clone(), shared.clone());
        let thread = std::thread::Builder::new()
            .name(format!("sampler/{cpu}"))
            .stack_size(STACK)
            .spawn(move || thread::run(index, cpu, &plan, kind, producer, &theirs, &inbox, &outbox))
            .map_err(|cause| EngineError::Thread { cpu, cause })?;
        Ok(Worker {
            cpu,
            commands,
            reports,
            gaps,
            shared,
            thread,
        })
    }

    /// Compares each CPU's TSC with the first one's, pair by pair.
    fn measure_offsets(&self, setups: &mut [CpuSetup]) {
        let Some((leader, followers)) = self.workers.split_first() else {
            return;
        };
        for (follower, setup) in followers.iter().zip(&mut setups[1..]) {
            let exchange = Arc::new(Exchange::default());
            let sent = leader
                .commands
                .send(Command::Lead(exchange.clone()))
                .is_ok()
                && follower.commands.send(Command::Follow(exchange)).is_ok();
            if !sent {
                continue;
            }
            if let Ok(Report::Exchanged(offset)) = leader.reports.recv() {
                setup.offset = offset;
            }
            // Both are free again before the next pair begins.
            let _ = follower.reports.recv();
        }
    }
}

impl Engine for UserEngine {
    fn start(&mut self) -> Result<Vec<CpuSetup>, EngineError> {
        for (index, &cpu) in self.plan.cpus.clone().iter().enumerate() {
            let worker = self.spawn(index, cpu)?;
            self.workers.push(worker);
        }
        let mut setups = Vec::with_capacity(self.workers.len());
        for worker in &self.workers {
            match worker.reports.recv() {
                Ok(Report::Ready(setup)) => setups.push(*setup),
                Ok(Report::Failed(error)) => return Err(error),
                Ok(Report::Exchanged(_)) | Err(_) => return Err(EngineError::Lost(worker.cpu)),
            }
        }
        if !matches!(self.kind, MachineKind::Scripted(_)) {
            self.measure_offsets(&mut setups);
        }
        Ok(setups)
    }

    fn release(&mut self) {
        for worker in &self.workers {
            // A worker that is gone shows in `finish`.
            let _ = worker.commands.send(Command::Sample);
        }
    }

    fn drain(&mut self, sink: &mut dyn FnMut(usize, RawGap)) {
        let running = self.workers.iter_mut().map(|worker| &mut worker.gaps);
        for (index, ring) in self.rings_of_finished.iter_mut().chain(running).enumerate() {
            // A bound, so that one noisy CPU does not keep the collector from
            // the others.
            for _ in 0..RING {
                let Ok(gap) = ring.pop() else { break };
                sink(index, gap);
            }
        }
    }

    fn status(&self) -> Vec<LiveStatus> {
        self.workers
            .iter()
            .map(|worker| LiveStatus {
                gaps_seen: worker.shared.gaps_seen.load(Ordering::Relaxed),
            })
            .collect()
    }

    fn stop(&self) {
        for worker in &self.workers {
            worker.shared.stop.store(true, Ordering::Relaxed);
        }
    }

    fn is_finished(&self) -> bool {
        self.workers
            .iter()
            .all(|worker| worker.thread.is_finished())
    }

    fn finish(&mut self) -> Result<Vec<CpuTotals>, EngineError> {
        let mut totals = Vec::with_capacity(self.workers.len());
        for worker in self.workers.drain(..) {
            self.rings_of_finished.push(worker.gaps);
            match worker.thread.join() {
                Ok(Some(result)) => totals.push(result),
                Ok(None) | Err(_) => return Err(EngineError::Lost(worker.cpu)),
            }
        }
        Ok(totals)
    }
}

impl Drop for UserEngine {
    fn drop(&mut self) {
        self.stop();
        for worker in self.workers.drain(..) {
            // Without a command to sample, the thread ends.
            drop(worker.commands);
            let _ = worker.thread.join();
        }
    }
}

/// A ring whose pages are all present.
fn prefaulted_ring() -> (Producer<RawGap>, Consumer<RawGap>) {
    let (mut producer, mut consumer) = RingBuffer::new(RING);
    let blank = RawGap {
        start: Cycles(0),
        end: Cycles(0),
        smi_reading: 0,
        evidence: Evidence {
            footprint: Footprint::Unusable,
            smi: SmiEvidence::NotRead,
            involuntary_switches: None,
            page_faults: None,
            run_delay_ns: None,
        },
    };
    while producer.push(blank).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}
