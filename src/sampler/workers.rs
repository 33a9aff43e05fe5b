//! One thread for each sampled CPU, and how an engine leads them: all report
//! that they are ready, compare their clocks, begin, and hand over gaps.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::evidence::buffers::Buffers;
use crate::files::patient::tell;
use crate::model::{Evidence, Footprint, SmiEvidence};
use crate::privileges::Keep;
use crate::sys::{memory, sched, signals};
use crate::units::{CpuId, Cycles, Fill};
use crate::waits::{self, Patience};

use super::engine::{AT_ONCE, CpuSetup, EngineError, LiveStatus, SoFar};
use super::gap::{CpuTotals, RawGap, TripKind};
use super::machine::Machine;
use super::offsets::{Exchange, MeasuredOffset};
use super::rescue;
use super::shared::Shared;
use super::stop_handle::StopHandle;

/// Stack of a sampler thread. It is locked in memory.
const STACK: usize = 128 * 1024;

/// Whether the clocks of the CPUs are compared before sampling begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offsets {
    /// Pair by pair, against the first CPU's.
    Measure,
    /// Not: they are scripted.
    Skip,
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

/// The threads of an engine; none before [`Workers::start`].
#[derive(Default)]
pub(super) struct Workers {
    workers: Vec<Worker>,
    priority: u8,
    rings_of_finished: Vec<Consumer<RawGap>>,
}

/// A thread's end of its ties to the workers.
pub(super) struct WorkerHandle {
    ring: Producer<RawGap>,
    shared: Arc<Shared>,
    inbox: Receiver<Command>,
    outbox: Sender<Report>,
}

/// What a sampler works with once it may begin.
pub(super) struct GapChannel {
    /// Where gaps go.
    pub(super) ring: Producer<RawGap>,
    /// The stop flag and the live counts.
    pub(super) shared: Arc<Shared>,
}

impl WorkerHandle {
    /// Reports the set-up, compares clocks as told, and returns when sampling
    /// is to begin; `None` where it is not to.
    pub(super) fn wait<M: Machine>(
        self,
        machine: &mut M,
        setup: CpuSetup,
        keep: &Keep,
    ) -> Option<GapChannel> {
        let _ = self.outbox.send(Report::Ready(Box::new(setup)));
        loop {
            // A closed channel is the order to end.
            let offset = match self.inbox.recv().ok()? {
                Command::Lead(exchange) => exchange.lead(machine),
                Command::Follow(exchange) => {
                    exchange.follow(machine);
                    None
                }
                Command::Sample => {
                    keep.apply();
                    return Some(GapChannel {
                        ring: self.ring,
                        shared: self.shared,
                    });
                }
            };
            let _ = self.outbox.send(Report::Exchanged(offset));
        }
    }

    /// Reports that the CPU cannot be sampled; there are no totals then.
    pub(super) fn fail(self, error: EngineError) -> Option<CpuTotals> {
        let _ = self.outbox.send(Report::Failed(error));
        None
    }
}

impl Workers {
    /// Starts a thread for each CPU that runs `body`, and waits until all are
    /// set up. `priority` is what they will ask for.
    ///
    /// # Errors
    /// Where one cannot be; where its CPU is occupied for [`waits::CPU`].
    pub(super) fn start<F>(
        &mut self,
        cpus: &[CpuId],
        priority: u8,
        offsets: Offsets,
        body: F,
    ) -> Result<Vec<CpuSetup>, EngineError>
    where
        F: Fn(usize, CpuId, WorkerHandle) -> Option<CpuTotals> + Clone + Send + 'static,
    {
        self.priority = priority;
        let room = Buffers::of_each(cpus.len()).gaps;
        for (index, &cpu) in cpus.iter().enumerate() {
            self.workers.push(spawn(index, cpu, room, body.clone())?);
        }
        let mut setups = Vec::with_capacity(self.workers.len());
        let mut wait = CpuWait::begin(priority);
        for worker in &self.workers {
            match wait.report(worker)? {
                Some(Report::Ready(setup)) => setups.push(*setup),
                Some(Report::Failed(error)) => return Err(error),
                Some(Report::Exchanged(_)) | None => return Err(EngineError::Lost(worker.cpu)),
            }
        }
        if offsets == Offsets::Measure {
            self.measure_offsets(&mut setups)?;
        }
        Ok(setups)
    }

    /// Lets all threads begin.
    pub(super) fn release(&mut self) {
        for worker in &self.workers {
            // A worker that is gone shows in `finish`.
            let _ = worker.commands.send(Command::Sample);
        }
    }

    /// Compares each CPU's TSC with the first one's, pair by pair.
    fn measure_offsets(&self, setups: &mut [CpuSetup]) -> Result<(), EngineError> {
        let Some((leader, followers)) = self.workers.split_first() else {
            return Ok(());
        };
        let mut wait = CpuWait::begin(self.priority);
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
            if let Some(Report::Exchanged(offset)) = wait.report(leader)? {
                setup.offset = offset;
            }
            // Both are free again before the next pair begins.
            wait.report(follower)?;
        }
        Ok(())
    }

    /// How many gaps are in the fullest ring.
    pub(super) fn waiting(&self) -> usize {
        let running = self.workers.iter().map(|worker| &worker.gaps);
        let rings = self.rings_of_finished.iter().chain(running);
        rings.map(Consumer::slots).max().unwrap_or(0)
    }

    /// Hands over what is in the rings, of each at most [`AT_ONCE`], and says how
    /// full the fullest one was.
    pub(super) fn drain(&mut self, sink: &mut dyn FnMut(usize, RawGap)) -> Fill {
        let mut fill = Fill(0.0);
        let running = self.workers.iter_mut().map(|worker| &mut worker.gaps);
        for (index, ring) in self.rings_of_finished.iter_mut().chain(running).enumerate() {
            let waiting = ring.slots();
            fill = fill.max(Fill::of(waiting, ring.buffer().capacity()));
            // No more than there were, so that one noisy CPU does not keep the
            // collector from the others.
            for _ in 0..waiting.min(AT_ONCE) {
                let Ok(gap) = ring.pop() else { break };
                sink(index, gap);
            }
        }
        fill
    }

    /// The latest counts.
    pub(super) fn status(&self) -> Vec<LiveStatus> {
        self.workers
            .iter()
            .map(|worker| LiveStatus {
                ended: worker.thread.is_finished(),
                ..worker.shared.status()
            })
            .collect()
    }

    /// Asks all threads for their totals so far.
    pub(super) fn want_totals(&self) {
        for worker in &self.workers {
            worker.shared.want();
        }
    }

    /// The totals of the thread with this index.
    pub(super) fn totals_so_far(&self, index: usize) -> SoFar {
        let Some(worker) = self.workers.get(index) else {
            return SoFar::Pending;
        };
        // One that has ended has published its last and hears no more.
        let fresh = !worker.shared.is_wanted() || worker.thread.is_finished();
        match (worker.shared.published(), fresh) {
            (Some(totals), true) => SoFar::Fresh(Box::new(totals)),
            _ => SoFar::Pending,
        }
    }

    /// Asks all threads to end soon.
    pub(super) fn stop(&self) {
        for worker in &self.workers {
            worker.shared.stop();
        }
    }

    /// Ends those that wait for an occupied CPU, on another one.
    pub(super) fn rescue(&self) {
        let stuck = self
            .workers
            .iter()
            .filter(|worker| !worker.thread.is_finished());
        for worker in stuck {
            worker.shared.stop_starved();
            worker.free();
        }
    }

    /// What asks them without this workers.
    pub(super) fn stop_handle(&self) -> StopHandle {
        StopHandle::of(self.workers.iter().map(|worker| worker.shared.clone()))
    }

    /// Whether all threads have ended.
    pub(super) fn is_finished(&self) -> bool {
        self.workers
            .iter()
            .all(|worker| worker.thread.is_finished())
    }

    /// Waits for all threads.
    ///
    /// # Errors
    /// Where one does not end within [`waits::CPU`], or has died.
    pub(super) fn finish(&mut self) -> Result<Vec<CpuTotals>, EngineError> {
        let patience = Patience::begin(waits::CPU);
        while let Some(stuck) = self.workers.iter().find(|one| !one.thread.is_finished()) {
            if patience.is_over() {
                return Err(EngineError::Occupied {
                    cpu: stuck.cpu,
                    by: rescue::what_occupies(stuck.cpu, self.priority),
                    seconds: waits::CPU.as_secs(),
                });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
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

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop();
        let patience = Patience::begin(waits::SAMPLER_END);
        // Without a command to sample, a thread ends.
        let ending: Vec<Ending> = self.workers.drain(..).map(Worker::leave).collect();
        let all_ended = || ending.iter().all(|one| one.thread.is_finished());
        while !all_ended() && !patience.is_over() {
            std::thread::sleep(Duration::from_millis(1));
        }
        // On an occupied CPU it cannot even end.
        for one in ending.iter().filter(|one| !one.thread.is_finished()) {
            if let Some(thread) = one.shared.thread() {
                // What cannot be freed is left behind, and waited for no more.
                let _ = rescue::free(thread, one.cpu);
            }
        }
        let patience = Patience::begin(waits::SAMPLER_END);
        while !all_ended() && !patience.is_over() {
            std::thread::sleep(Duration::from_millis(1));
        }
        for one in ending.into_iter().filter(|one| one.thread.is_finished()) {
            let _ = one.thread.join();
        }
    }
}

/// A thread that was told to end.
struct Ending {
    cpu: CpuId,
    shared: Arc<Shared>,
    thread: JoinHandle<Option<CpuTotals>>,
}

impl Worker {
    fn leave(self) -> Ending {
        drop(self.commands);
        Ending {
            cpu: self.cpu,
            shared: self.shared,
            thread: self.thread,
        }
    }

    fn free(&self) {
        if let Some(thread) = self.shared.thread() {
            // Asked again at the next look.
            let _ = rescue::free(thread, self.cpu);
        }
    }
}

/// A wait for threads that may not get their CPU.
struct CpuWait {
    patience: Patience,
    priority: u8,
    is_told: bool,
}

impl CpuWait {
    fn begin(priority: u8) -> CpuWait {
        CpuWait {
            patience: Patience::begin(waits::CPU),
            priority,
            is_told: false,
        }
    }

    /// The next report of a thread; `None` where it has died.
    fn report(&mut self, worker: &Worker) -> Result<Option<Report>, EngineError> {
        loop {
            match worker.reports.recv_timeout(waits::TICK) {
                Ok(report) => return Ok(Some(report)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if signals::is_end_asked() {
                return Err(EngineError::Interrupted);
            }
            let cpu = worker.cpu;
            let by = || rescue::what_occupies(cpu, self.priority);
            if self.patience.is_over() {
                let seconds = self.patience.elapsed().as_secs();
                return Err(EngineError::Occupied {
                    cpu,
                    by: by(),
                    seconds,
                });
            }
            if !self.is_told && self.patience.elapsed() >= waits::SILENCE {
                let (waited, most) = (self.patience.elapsed().as_secs_f64(), waits::CPU.as_secs());
                tell(&format!(
                    "hwgap: waiting for CPU {cpu} for {waited:.1} s: {}; given up after {most} s\n",
                    by()
                ));
                self.is_told = true;
            }
        }
    }
}

fn spawn<F>(index: usize, cpu: CpuId, room: usize, body: F) -> Result<Worker, EngineError>
where
    F: Fn(usize, CpuId, WorkerHandle) -> Option<CpuTotals> + Send + 'static,
{
    let (commands, inbox) = channel();
    let (outbox, reports) = channel();
    let (ring, gaps) = prefaulted_ring(room);
    let shared = Arc::new(Shared::new());
    let worker_handle = WorkerHandle {
        ring,
        shared: shared.clone(),
        inbox,
        outbox,
    };
    let named = shared.clone();
    let thread = std::thread::Builder::new()
        .name(format!("sampler/{cpu}"))
        .stack_size(STACK)
        .spawn(move || {
            signals::block_all();
            named.note_thread(sched::thread_id());
            memory::prefault_stack();
            body(index, cpu, worker_handle)
        })
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

/// A ring for so many gaps whose pages are all present.
fn prefaulted_ring(room: usize) -> (Producer<RawGap>, Consumer<RawGap>) {
    let (mut producer, mut consumer) = RingBuffer::new(room);
    let blank = RawGap {
        kind: TripKind::Gap,
        start: Cycles(0),
        end: Cycles(0),
        smi_reading: 0,
        own: Cycles(0),
        companions: 0,
        evidence: Evidence::new(Footprint::Unusable, SmiEvidence::NotRead),
    };
    while producer.push(blank).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}
