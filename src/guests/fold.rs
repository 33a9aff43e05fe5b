//! From what happened on the host's CPUs to who kept each vCPU out of its guest.
//!
//! Events come in order of time. Those of a CPU tell what runs there: a task and
//! the handlers that interrupt it, the innermost of which takes the time. A vCPU
//! that is out of its guest has a thread that runs, waits for its CPU, or sleeps;
//! between two events the time goes to what its state and its CPU's say.
//!
//! A handler of the host, or another task, on a CPU where a vCPU is in its guest
//! means that the guest was left: before Linux 6.8 or so, KVM for SVM records an
//! exit only when interrupts were on again (`svm_handle_exit`). The record of the
//! exit, which then comes late, adds the reason.

use std::collections::HashMap;
use std::sync::Arc;

use super::event::{Activity, Event, Left, What};
use super::exit_reasons::{Kind, Reason};
use super::kept::{Gone, Kept};
use super::pieces::{Doing, Pieces};
use crate::model::absence::HostSource;
use crate::units::{CpuId, Cycles};

/// Times of loss that are told of a vCPU; later ones widen the last.
const MOST_LOST: usize = 10_000;
/// Names of tasks that are remembered.
const MOST_NAMES: usize = 65_536;

/// The fold of events to absences.
pub struct Fold {
    source: HostSource,
    threshold: Cycles,
    start: Cycles,
    latest: Cycles,
    cpus: HashMap<CpuId, Cpu>,
    vcpus: HashMap<u32, Vcpu>,
    /// The thread of each task that ran in a vCPU's place, by its words.
    tasks: HashMap<Arc<str>, u32>,
}

/// A CPU of the host.
#[derive(Default)]
struct Cpu {
    running: Running,
    /// What interrupts it, the innermost last.
    stack: Vec<Activity>,
    /// vCPUs that wait for it.
    waiting: Vec<u32>,
    last: Cycles,
}

#[derive(Clone, Debug, Default)]
enum Running {
    #[default]
    Unknown,
    Idle,
    Task(u32, Arc<str>),
}

/// What is known of a vCPU's thread.
pub struct Vcpu {
    /// Entries into the guest that were recorded.
    pub entries: u64,
    /// Its absences.
    pub kept: Kept,
    /// When records of it may be missing.
    pub lost: Vec<(Cycles, Cycles)>,
    cpu: CpuId,
    place: Place,
}

enum Place {
    /// Not seen since then.
    Unknown(Cycles),
    InGuest,
    Out(Box<Out>),
}

/// An absence that goes on.
struct Out {
    start: Cycles,
    cpu: CpuId,
    reason: Option<Reason>,
    pieces: Pieces,
    /// Up to when they go.
    told: Cycles,
    thread: Thread,
    /// The latest exit to the VMM.
    vmm: Option<u32>,
    /// What interrupted it when it was switched away: softirqs that are threads.
    stack: Vec<Activity>,
    /// The CPU on which it last was, where it has been sent to another since.
    sent: Option<CpuId>,
    /// Where the pieces begin in which it has waited where it waits.
    ready: usize,
    /// Records may be missing from then on.
    doubt: Option<Cycles>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thread {
    Runs,
    Ready,
    Asleep,
    Stopped,
    /// Records are missing that would tell.
    Unsure,
}

impl Out {
    fn begin(at: Cycles, cpu: CpuId, reason: Option<Reason>) -> Box<Out> {
        Box::new(Out {
            start: at,
            cpu,
            reason,
            pieces: Pieces::default(),
            told: at,
            thread: Thread::Runs,
            vmm: None,
            stack: Vec::new(),
            sent: None,
            ready: 0,
            doubt: None,
        })
    }

    /// Gives the time up to now to what was done in it.
    fn tell(&mut self, at: Cycles, cpu: Option<&Cpu>) {
        let innermost = cpu.and_then(|cpu| cpu.stack.last());
        let doing = match (self.thread, innermost) {
            (Thread::Runs | Thread::Ready, Some(activity)) => Doing::Interrupted(activity.clone()),
            (Thread::Runs, None) => self.vmm.map_or(Doing::Kvm, Doing::Vmm),
            (Thread::Ready, None) => match cpu.map(|cpu| &cpu.running) {
                Some(Running::Task(_, name)) => Doing::Task(name.clone()),
                Some(Running::Idle) => Doing::Idle(None),
                Some(Running::Unknown) | None => Doing::Unnamed,
            },
            (Thread::Asleep, _) => Doing::Asleep(self.vmm, None),
            (Thread::Stopped, _) => Doing::Stopped,
            (Thread::Unsure, _) => Doing::Unseen,
        };
        self.pieces.add(self.told, at, doing);
        self.told = self.told.max(at);
    }
}

impl Vcpu {
    fn lose(&mut self, from: Cycles, to: Cycles) {
        if to <= from {
            return;
        }
        let full = self.lost.len() >= MOST_LOST;
        match self.lost.last_mut() {
            Some(last) if last.1 >= from || full => last.1 = last.1.max(to),
            _ => self.lost.push((from, to)),
        }
    }
}

impl Fold {
    /// One that begins now, with what the source keeps.
    pub fn new(source: HostSource, threshold: Cycles, start: Cycles) -> Fold {
        Fold {
            source,
            threshold,
            start,
            latest: start,
            cpus: HashMap::new(),
            vcpus: HashMap::new(),
            tasks: HashMap::new(),
        }
    }

    /// Takes what happened next.
    pub fn take(&mut self, event: Event) {
        let at = event.at.max(self.latest);
        self.latest = at;
        let cpu = event.cpu;
        match event.what {
            What::Exit {
                tid,
                isa,
                code,
                info1,
                info2,
                ..
            } => {
                let reason = Reason {
                    isa,
                    code,
                    info1,
                    info2,
                };
                self.exit(at, cpu, tid, reason);
            }
            What::Entry { tid, .. } => self.entry(at, cpu, tid),
            What::ToVmm { tid, reason } => {
                self.runs_here(at, cpu, tid);
                if let Some(out) = self.out(at, cpu, tid) {
                    out.vmm = Some(reason);
                }
            }
            What::Begin(activity) => {
                self.interrupted(at, cpu);
                self.tell_all(at, cpu);
                self.cpus.entry(cpu).or_default().stack.push(activity);
            }
            What::End(activity) => {
                self.tell_all(at, cpu);
                let here = self.cpus.entry(cpu).or_default();
                let place = here.stack.iter().rposition(|one| *one == activity);
                match (place, &here.running) {
                    (Some(place), _) => here.stack.truncate(place),
                    // The wait began within the handler.
                    (None, Running::Unknown) => self.named(cpu, &Doing::Interrupted(activity)),
                    // Of one whose begin is not known nothing can be said.
                    (None, _) => {}
                }
            }
            What::Switch {
                from,
                from_name,
                from_priority,
                left,
                to,
                to_name,
                to_priority,
            } => {
                self.misplaced(at, cpu, from);
                if let Some(Running::Unknown) | None = self.cpus.get(&cpu).map(|cpu| &cpu.running) {
                    let ran = self.running(from, &from_name, from_priority);
                    let doing = match &ran {
                        Running::Task(_, name) => Doing::Task(name.clone()),
                        _ => Doing::Idle(None),
                    };
                    self.named(cpu, &doing);
                    self.cpus.entry(cpu).or_default().running = ran;
                }
                self.leaves(at, cpu, from, left);
                let running = self.running(to, &to_name, to_priority);
                self.comes(at, cpu, to, running);
            }
            What::Waking { tid, on } => self.waking(at, cpu, tid, on),
            What::Moved { tid, to } => {
                if self
                    .told(at, tid)
                    .is_some_and(|out| out.thread == Thread::Ready)
                {
                    self.waits(tid, to);
                }
            }
            What::Lost => self.lost(at, cpu),
        }
        self.cpus.entry(cpu).or_default().last = at;
    }

    /// Ends it: what goes on is told up to now.
    pub fn end(&mut self, at: Cycles) {
        let at = at.max(self.latest);
        for tid in self.vcpus.keys().copied().collect::<Vec<_>>() {
            if let Some(out) = self.told(at, tid) {
                out.doubt.get_or_insert(at);
                self.close(at, tid);
            }
        }
    }

    /// What is known of each vCPU, by its thread.
    pub fn vcpus(&mut self) -> &mut HashMap<u32, Vcpu> {
        &mut self.vcpus
    }

    /// The thread of a task that ran in a vCPU's place.
    pub fn thread_of(&self, task: &str) -> Option<u32> {
        self.tasks.get(task).copied()
    }

    fn vcpu(&mut self, tid: u32, cpu: CpuId) -> &mut Vcpu {
        let start = self.start;
        self.vcpus.entry(tid).or_insert_with(|| Vcpu {
            entries: 0,
            kept: Kept::default(),
            lost: Vec::new(),
            cpu,
            place: Place::Unknown(start),
        })
    }

    /// A vCPU's thread runs on this CPU: so the record says.
    fn runs_here(&mut self, at: Cycles, cpu: CpuId, tid: u32) {
        let before = self.vcpu(tid, cpu).cpu;
        if let Some(out) = self.told(at, tid) {
            out.thread = Thread::Runs;
            out.sent = None;
            self.no_longer_waits(before, tid);
        }
        self.vcpu(tid, cpu).cpu = cpu;
        let running = self.cpus.get(&cpu).map(|here| &here.running);
        if !matches!(running, Some(Running::Task(running, _)) if *running == tid) {
            self.misplaced(at, cpu, tid);
            let running = self.running(tid, "vCPU thread", 120);
            self.comes_to(cpu, running);
        }
        // No handler goes on where KVM or the VMM does.
        self.cpus.entry(cpu).or_default().stack.clear();
    }

    fn comes_to(&mut self, cpu: CpuId, running: Running) {
        let here = self.cpus.entry(cpu).or_default();
        here.running = running;
        here.stack.clear();
    }

    fn no_longer_waits(&mut self, cpu: CpuId, tid: u32) {
        if let Some(cpu) = self.cpus.get_mut(&cpu) {
            cpu.waiting.retain(|waiting| *waiting != tid);
        }
    }

    /// The absence of a vCPU that is out of its guest, told up to now.
    fn told(&mut self, at: Cycles, tid: u32) -> Option<&mut Out> {
        let vcpu = self.vcpus.get_mut(&tid)?;
        let Place::Out(out) = &mut vcpu.place else {
            return None;
        };
        out.tell(at, self.cpus.get(&vcpu.cpu));
        Some(out)
    }

    /// The absence of a vCPU that can only be out of its guest now, told up to
    /// now; it begins where none is known.
    fn out(&mut self, at: Cycles, cpu: CpuId, tid: u32) -> Option<&mut Out> {
        let vcpu = self.vcpus.get_mut(&tid)?;
        if !matches!(vcpu.place, Place::Out(_)) {
            let mut out = Out::begin(at, cpu, None);
            if let Place::Unknown(since) = vcpu.place {
                out.doubt = Some(at);
                if self.source == HostSource::Tracepoints {
                    vcpu.lose(since, at);
                }
            }
            vcpu.place = Place::Out(out);
        }
        self.told(at, tid)
    }

    fn exit(&mut self, at: Cycles, cpu: CpuId, tid: u32, reason: Reason) {
        if let Place::Out(out) = &mut self.vcpu(tid, cpu).place
            && out.reason.is_some()
        {
            // Its entry is not recorded: it was out up to the last certain moment.
            let certain = out.pieces.certain(out.told);
            out.doubt = Some(certain);
            self.close(certain, tid);
            self.vcpu(tid, cpu).lose(certain, at);
        }
        self.runs_here(at, cpu, tid);
        match &mut self.vcpu(tid, cpu).place {
            Place::Out(out) => out.reason = Some(reason),
            place => *place = Place::Out(Out::begin(at, cpu, Some(reason))),
        }
    }

    fn entry(&mut self, at: Cycles, cpu: CpuId, tid: u32) {
        self.runs_here(at, cpu, tid);
        let all = self.source == HostSource::Tracepoints;
        let vcpu = self.vcpu(tid, cpu);
        vcpu.entries += 1;
        match vcpu.place {
            // Nothing was seen of it until now, though all would have been.
            Place::Unknown(since) if all => vcpu.lose(since, at),
            Place::Unknown(_) | Place::InGuest => {}
            Place::Out(_) => self.close(at, tid),
        }
        self.vcpu(tid, cpu).place = Place::InGuest;
    }

    /// Ends an absence that is told up to then.
    fn close(&mut self, at: Cycles, tid: u32) {
        let (threshold, vcpus) = (self.threshold, self.vcpus.len());
        let Some(vcpu) = self.vcpus.get_mut(&tid) else {
            return;
        };
        let place = std::mem::replace(&mut vcpu.place, Place::Unknown(at));
        let Place::Out(out) = place else {
            return;
        };
        // An SMI's record comes at its end: its length is in none.
        let is_smi = out.reason.is_some_and(|reason| reason.kind() == Kind::Smi);
        if at.saturating_sub(out.start) <= threshold && !is_smi {
            return;
        }
        let gone = Gone {
            start: out.start,
            end: at,
            cpu: out.cpu,
            entered_on: vcpu.cpu,
            reason: out.reason,
            incomplete: out.doubt.is_some(),
            parts: out.pieces.parts(out.reason, out.start, at),
        };
        vcpu.kept.take(gone, vcpus);
    }

    /// All that this CPU keeps waiting, and who runs there, told up to now.
    fn tell_all(&mut self, at: Cycles, cpu: CpuId) {
        let Some(here) = self.cpus.get(&cpu) else {
            return;
        };
        let running = match here.running {
            Running::Task(tid, _) => Some(tid),
            _ => None,
        };
        let waiting = here.waiting.clone();
        for tid in running.into_iter().chain(waiting) {
            self.told(at, tid);
        }
    }

    /// A handler of the host runs: no vCPU is in its guest here.
    fn interrupted(&mut self, at: Cycles, cpu: CpuId) {
        let Some(Running::Task(tid, _)) = self.cpus.get(&cpu).map(|here| &here.running) else {
            return;
        };
        let tid = *tid;
        if self.is_in_guest(tid) {
            self.out(at, cpu, tid);
        }
    }

    fn is_in_guest(&self, tid: u32) -> bool {
        (self.vcpus.get(&tid)).is_some_and(|vcpu| matches!(vcpu.place, Place::InGuest))
    }

    /// What ran on a CPU of which that was not known, up to what is told.
    fn named(&mut self, cpu: CpuId, ran: &Doing) {
        for waiting in self.cpus.get(&cpu).iter().flat_map(|here| &here.waiting) {
            if let Some(Place::Out(out)) = self.vcpus.get_mut(waiting).map(|vcpu| &mut vcpu.place) {
                out.pieces.named(out.ready, ran);
            }
        }
    }

    /// Another task than that which is known to run there leaves a CPU, or enters a
    /// guest on it: if that is a vCPU, records of it are missing.
    fn misplaced(&mut self, at: Cycles, cpu: CpuId, tid: u32) {
        let Some(here) = self.cpus.get_mut(&cpu) else {
            return;
        };
        let Running::Task(other, _) = here.running else {
            return;
        };
        let since = here.last;
        let Some(vcpu) = self.vcpus.get_mut(&other).filter(|_| other != tid) else {
            return;
        };
        here.running = Running::Unknown;
        vcpu.lose(since, at);
        match &mut vcpu.place {
            Place::Out(out) if out.thread == Thread::Runs => {
                out.thread = Thread::Unsure;
                out.doubt.get_or_insert(out.told);
            }
            Place::Out(_) => {}
            place => *place = Place::Unknown(at),
        }
    }

    /// A task leaves its CPU.
    fn leaves(&mut self, at: Cycles, cpu: CpuId, tid: u32, left: Left) {
        self.interrupted(at, cpu);
        self.tell_all(at, cpu);
        if !self.vcpus.contains_key(&tid) {
            return;
        }
        let stack = std::mem::take(&mut self.cpus.entry(cpu).or_default().stack);
        self.runs_here(at, cpu, tid);
        let Some(out) = self.out(at, cpu, tid) else {
            return;
        };
        out.stack = stack;
        out.thread = match left {
            Left::Runnable => Thread::Ready,
            Left::Asleep => Thread::Asleep,
            Left::Stopped => Thread::Stopped,
        };
        if left == Left::Runnable {
            self.waits(tid, cpu);
        }
    }

    /// A task comes to a CPU.
    fn comes(&mut self, at: Cycles, cpu: CpuId, tid: u32, running: Running) {
        if !self.vcpus.contains_key(&tid) {
            return self.comes_to(cpu, running);
        }
        let missed = self.is_in_guest(tid);
        let Some(out) = self.out(at, cpu, tid) else {
            return;
        };
        if missed {
            out.doubt = Some(at);
        }
        let stack = std::mem::take(&mut out.stack);
        if self.vcpu(tid, cpu).cpu != cpu {
            // Nothing has told that it was moved.
            self.waits(tid, cpu);
        }
        self.no_longer_waits(cpu, tid);
        if let Some(out) = self.told(at, tid) {
            out.thread = Thread::Runs;
            if let Some(from) = out.sent.take() {
                out.pieces.moved(out.ready, from, cpu);
            }
        }
        self.comes_to(cpu, running);
        self.cpus.entry(cpu).or_default().stack = stack;
    }

    /// A vCPU's thread, told up to now, waits to run on a CPU from now on.
    fn waits(&mut self, tid: u32, on: CpuId) {
        let Some(vcpu) = self.vcpus.get_mut(&tid) else {
            return;
        };
        let before = std::mem::replace(&mut vcpu.cpu, on);
        let Place::Out(out) = &mut vcpu.place else {
            return;
        };
        if before != on {
            out.pieces.moved(out.ready, before, on);
            out.sent.get_or_insert(before);
        }
        out.ready = out.pieces.place();
        self.no_longer_waits(before, tid);
        let vcpus = &self.vcpus;
        let here = self.cpus.entry(on).or_default();
        // BPF programs tell of a CPU only what a vCPU that runs or waits there needs:
        // before that, nothing is known of who runs.
        let is_told = match here.running {
            Running::Task(running, _) if running == tid => true,
            Running::Task(running, _) => (vcpus.get(&running)).is_some_and(
                |vcpu| matches!(&vcpu.place, Place::Out(out) if out.thread == Thread::Runs),
            ),
            _ => false,
        };
        if self.source == HostSource::Bpf && here.waiting.is_empty() && !is_told {
            here.running = Running::Unknown;
            here.stack.clear();
        }
        here.waiting.push(tid);
    }

    fn waking(&mut self, at: Cycles, by: CpuId, tid: u32, on: CpuId) {
        let waker = self.waker(by);
        let Some(out) = self.told(at, tid) else {
            return;
        };
        if matches!(
            out.thread,
            Thread::Asleep | Thread::Stopped | Thread::Unsure
        ) {
            out.pieces.woken(waker);
            out.thread = Thread::Ready;
            out.ready = out.pieces.place();
            self.waits(tid, on);
        }
    }

    /// Who wakes a vCPU: what runs on the waker's CPU, where that is known.
    fn waker(&self, on: CpuId) -> Option<Arc<str>> {
        let here = self.cpus.get(&on)?;
        // BPF programs tell nothing of a CPU while a vCPU sleeps.
        if self.source == HostSource::Bpf {
            return None;
        }
        match (here.stack.last(), &here.running) {
            (Some(Activity::Interrupt(name) | Activity::Softirq(name)), _) => {
                Some(name.as_str().into())
            }
            (None, Running::Task(_, name)) if !name.is_empty() => Some(name.clone()),
            _ => None,
        }
    }

    /// Records of a CPU may be missing since the last one.
    fn lost(&mut self, at: Cycles, cpu: CpuId) {
        let here = self.cpus.entry(cpu).or_default();
        let since = here.last.max(self.start);
        let waiting = std::mem::take(&mut here.waiting);
        here.running = Running::Unknown;
        here.stack.clear();
        for (tid, vcpu) in &mut self.vcpus {
            let was_here = vcpu.cpu == cpu || waiting.contains(tid);
            match &mut vcpu.place {
                Place::InGuest if was_here => {
                    vcpu.lose(since, at);
                    vcpu.place = Place::Unknown(at);
                }
                Place::Unknown(unknown) if was_here => {
                    *unknown = at;
                    vcpu.lose(since, at);
                }
                Place::Out(out) => {
                    // Who wakes it may have run on the CPU of the loss.
                    let sleeps = matches!(out.thread, Thread::Asleep | Thread::Stopped);
                    if sleeps {
                        out.tell(since, None);
                    }
                    if sleeps || was_here {
                        out.thread = Thread::Unsure;
                        out.sent = None;
                        out.doubt.get_or_insert(out.told);
                        out.tell(at, None);
                    }
                    if was_here {
                        vcpu.lose(since, at);
                    }
                }
                _ => {}
            }
        }
    }

    /// A task in words: its name, its number, and its priority where that is not
    /// the usual one.
    fn running(&mut self, tid: u32, name: &str, priority: i32) -> Running {
        if tid == 0 {
            return Running::Idle;
        }
        let text: Arc<str> = match priority {
            i32::MIN..0 => format!("{name} ({tid}, deadline)"),
            0..100 => format!("{name} ({tid}, real-time {})", 99 - priority),
            120 => format!("{name} ({tid})"),
            _ => format!("{name} ({tid}, nice {})", priority.saturating_sub(120)),
        }
        .into();
        if self.tasks.len() < MOST_NAMES {
            self.tasks.insert(text.clone(), tid);
        }
        Running::Task(tid, text)
    }
}
