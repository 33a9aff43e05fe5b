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

mod cpu;
mod scheduling;
#[cfg(test)]
mod tests;
mod vcpu;

use std::collections::HashMap;
use std::sync::Arc;

use super::event::{Event, Found, What};
use super::exit_reasons::Reason;
use super::pieces::Doing;
use crate::model::absence::HostSource;
use crate::units::{CpuId, Cycles};

use cpu::{Cpu, Running};
use vcpu::{Out, Place, Thread};

pub use vcpu::Vcpu;

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
                if let Some(out) = self.leave_guest(at, cpu, tid) {
                    out.vmm = Some(reason);
                }
            }
            What::Begin(activity) => {
                self.interrupted(at, cpu);
                self.cpu(cpu).stack.push(activity);
            }
            What::End(activity) => {
                self.advance_all(at, cpu);
                let here = self.cpu(cpu);
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
                if let Running::Unknown = self.cpu(cpu).running {
                    let ran = self.running(from, &from_name, from_priority);
                    self.named(cpu, &ran.doing());
                    self.cpu(cpu).running = ran;
                }
                self.switched_out(at, cpu, from, left);
                let running = self.running(to, &to_name, to_priority);
                self.switched_in(at, cpu, to, running);
            }
            What::Waking { tid, on, by } => {
                let by = by.or_else(|| self.waker(cpu));
                self.waking(at, by, tid, on);
            }
            What::Moved { tid, to } => {
                let out = self.advance(at, tid);
                if out.is_some_and(|out| out.thread == Thread::Ready) {
                    self.waits(tid, to);
                }
            }
            What::Lost => self.lost(at, cpu),
            What::Watched { tid, place } => self.watched(event.at, cpu, tid, place),
        }
        self.cpu(cpu).last = at;
    }

    /// Ends it: what goes on is told up to now.
    pub fn end(&mut self, at: Cycles) {
        let at = at.max(self.latest);
        for tid in self.vcpus.keys().copied().collect::<Vec<_>>() {
            if let Some(out) = self.advance(at, tid) {
                out.incomplete = true;
                self.close(at, tid);
            } else if let Some(vcpu) = self.vcpus.get_mut(&tid)
                && let Place::Unknown(since) = vcpu.place
            {
                vcpu.lose(since, at);
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

    fn cpu(&mut self, cpu: CpuId) -> &mut Cpu {
        self.cpus.entry(cpu).or_default()
    }

    fn vcpu(&mut self, tid: u32, cpu: CpuId) -> &mut Vcpu {
        let new = || Vcpu::new(cpu, self.start);
        self.vcpus.entry(tid).or_insert_with(new)
    }

    fn is_in_guest(&self, tid: u32) -> bool {
        self.vcpus.get(&tid).is_some_and(Vcpu::is_in_guest)
    }

    fn running(&mut self, tid: u32, name: &str, priority: i32) -> Running {
        let running = Running::new(tid, name, priority);
        if let Running::Task(_, words) = &running
            && self.tasks.len() < MOST_NAMES
        {
            self.tasks.insert(words.clone(), tid);
        }
        running
    }

    /// A vCPU's thread runs on this CPU: so the record says.
    fn runs_here(&mut self, at: Cycles, cpu: CpuId, tid: u32) {
        let before = self.vcpu(tid, cpu).cpu;
        if let Some(out) = self.advance(at, tid) {
            out.thread = Thread::Runs;
            out.sent = None;
            self.cpu(before).no_longer_waits(tid);
        }
        self.vcpu(tid, cpu).cpu = cpu;
        if self.cpu(cpu).running.thread() != Some(tid) {
            self.misplaced(at, cpu, tid);
            self.cpu(cpu).running = self.running(tid, "vCPU thread", 120);
        }
        // No handler goes on where KVM or the VMM does.
        self.cpu(cpu).stack.clear();
    }

    /// Brings the absence of a vCPU that is out of its guest up to now.
    fn advance(&mut self, at: Cycles, tid: u32) -> Option<&mut Out> {
        let vcpu = self.vcpus.get_mut(&tid)?;
        let cpu = self.cpus.get(&vcpu.cpu);
        let out = vcpu.out()?;
        out.advance(at, cpu);
        Some(out)
    }

    /// The same of all vCPUs that run or wait on this CPU.
    fn advance_all(&mut self, at: Cycles, cpu: CpuId) {
        for tid in self.cpu(cpu).threads() {
            self.advance(at, tid);
        }
    }

    /// The same of a vCPU that can only be out of its guest now: its absence begins
    /// where none is known.
    fn leave_guest(&mut self, at: Cycles, cpu: CpuId, tid: u32) -> Option<&mut Out> {
        let vcpu = self.vcpus.get_mut(&tid)?;
        if vcpu.thread().is_none() {
            let mut out = Out::begin(at, cpu, None);
            if let Place::Unknown(since) = vcpu.place {
                out.incomplete = true;
                vcpu.lose(since, at);
            }
            vcpu.place = Place::Out(out);
        }
        self.advance(at, tid)
    }

    fn exit(&mut self, at: Cycles, cpu: CpuId, tid: u32, reason: Reason) {
        if let Some(out) = self.vcpu(tid, cpu).out()
            && out.reason.is_some()
        {
            // Its entry is not recorded: it was out up to the last certain moment.
            let certain = out.pieces.certain(out.until);
            out.incomplete = true;
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
        let vcpu = self.vcpu(tid, cpu);
        vcpu.entries += 1;
        // It was out, and nobody knows since when: programs tell of the first entry,
        // too, unless an exit came before it.
        if let Place::Unknown(since) = vcpu.place {
            vcpu.lose(since, at);
        }
        self.close(at, tid);
        self.vcpu(tid, cpu).place = Place::InGuest;
    }

    fn close(&mut self, at: Cycles, tid: u32) {
        let (threshold, vcpus) = (self.threshold, self.vcpus.len());
        if let Some(vcpu) = self.vcpus.get_mut(&tid) {
            vcpu.close(at, threshold, vcpus);
        }
    }

    /// A handler of the host or another task runs: no vCPU is in its guest here.
    fn interrupted(&mut self, at: Cycles, cpu: CpuId) {
        if let Some(tid) = self.cpu(cpu).running.thread()
            && self.is_in_guest(tid)
        {
            self.leave_guest(at, cpu, tid);
        }
        self.advance_all(at, cpu);
    }

    /// What ran on a CPU of which that was not known, up to now.
    fn named(&mut self, cpu: CpuId, ran: &Doing) {
        for waiting in self.cpus.get(&cpu).iter().flat_map(|here| &here.waiting) {
            if let Some(out) = self.vcpus.get_mut(waiting).and_then(Vcpu::out) {
                out.pieces.named(out.ready, ran);
            }
        }
    }

    /// Another task than that which is known to run there leaves a CPU, or enters a
    /// guest on it: if that is a vCPU, records of it are missing.
    fn misplaced(&mut self, at: Cycles, cpu: CpuId, tid: u32) {
        let here = self.cpus.entry(cpu).or_default();
        let other = here.running.thread().filter(|other| *other != tid);
        let Some(vcpu) = other.and_then(|other| self.vcpus.get_mut(&other)) else {
            return;
        };
        here.running = Running::Unknown;
        vcpu.lose(vcpu.unknown_since(here.last), at);
        match &mut vcpu.place {
            Place::Out(out) if out.thread == Thread::Runs => out.doubt(),
            Place::Out(_) => {}
            place => *place = Place::Unknown(at),
        }
    }

    /// A vCPU of which there is no record yet.
    fn watched(&mut self, from: Cycles, cpu: CpuId, tid: u32, found: Found) {
        let at = self.latest;
        let vcpu = self.vcpu(tid, cpu);
        let Place::Unknown(since) = vcpu.place else {
            return;
        };
        vcpu.lose(since, from);
        vcpu.place = match found {
            Found::Unknown => Place::Unknown(since.max(from)),
            Found::InGuest => Place::InGuest,
            Found::Stopped => {
                let mut out = Out::begin(at, cpu, None);
                out.thread = Thread::Stopped;
                out.incomplete = true;
                Place::Out(out)
            }
        };
        if found == Found::InGuest {
            self.runs_here(at, cpu, tid);
        }
    }

    /// Records of a CPU may be missing since the last one.
    fn lost(&mut self, at: Cycles, cpu: CpuId) {
        let here = self.cpus.entry(cpu).or_default();
        let since = here.last.max(self.start);
        let waiting = std::mem::take(&mut here.waiting);
        here.run(Running::Unknown);
        for (tid, vcpu) in &mut self.vcpus {
            let was_here = vcpu.cpu == cpu || waiting.contains(tid);
            if was_here {
                vcpu.lose(vcpu.unknown_since(since), at);
            }
            match &mut vcpu.place {
                Place::Out(out) => {
                    // Who wakes it may have run on the CPU of the loss.
                    let sleeps = matches!(out.thread, Thread::Asleep | Thread::Stopped);
                    if sleeps {
                        out.advance(since, None);
                    }
                    if sleeps || was_here {
                        out.doubt();
                        out.sent = None;
                        out.advance(at, None);
                    }
                }
                place if was_here => *place = Place::Unknown(at),
                _ => {}
            }
        }
    }
}
