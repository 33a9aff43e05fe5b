//! How a vCPU's thread leaves its CPU, is woken, waits, and comes to a CPU.

use std::sync::Arc;

use super::Fold;
use super::cpu::Running;
use super::vcpu::{Thread, Vcpu};
use crate::guests::event::Left;
use crate::model::absence::HostSource;
use crate::units::{CpuId, Cycles};

impl Fold {
    /// A task leaves its CPU.
    pub(super) fn switched_out(&mut self, at: Cycles, cpu: CpuId, tid: u32, left: Left) {
        self.interrupted(at, cpu);
        if !self.vcpus.contains_key(&tid) {
            return;
        }
        let stack = std::mem::take(&mut self.cpu(cpu).stack);
        self.runs_here(at, cpu, tid);
        let Some(out) = self.leave_guest(at, cpu, tid) else {
            return;
        };
        out.stack = stack;
        out.thread = left.into();
        if left == Left::Runnable {
            self.waits(tid, cpu);
        }
    }

    /// A task comes to a CPU.
    pub(super) fn switched_in(&mut self, at: Cycles, cpu: CpuId, tid: u32, running: Running) {
        let missed = self.is_in_guest(tid);
        let Some(out) = self.leave_guest(at, cpu, tid) else {
            return self.cpu(cpu).run(running);
        };
        out.incomplete |= missed;
        let stack = std::mem::take(&mut out.stack);
        if self.vcpu(tid, cpu).cpu != cpu {
            // Nothing has told that it was moved.
            self.waits(tid, cpu);
        }
        self.cpu(cpu).no_longer_waits(tid);
        if let Some(out) = self.advance(at, tid) {
            out.thread = Thread::Runs;
            if let Some(from) = out.sent.take() {
                out.pieces.moved(out.ready, from, cpu);
            }
        }
        let here = self.cpu(cpu);
        (here.running, here.stack) = (running, stack);
    }

    /// A vCPU's thread whose absence goes up to now waits for a CPU from now on.
    pub(super) fn waits(&mut self, tid: u32, on: CpuId) {
        let Some(vcpu) = self.vcpus.get_mut(&tid) else {
            return;
        };
        let before = std::mem::replace(&mut vcpu.cpu, on);
        let Some(out) = vcpu.out() else {
            return;
        };
        if before != on {
            out.pieces.moved(out.ready, before, on);
            out.sent.get_or_insert(before);
        }
        out.ready = out.pieces.place();
        self.cpu(before).no_longer_waits(tid);
        let here = self.cpus.entry(on).or_default();
        // BPF programs tell of a CPU only what a vCPU that runs or waits there needs:
        // before that, nothing is known of who runs.
        let is_told = here.running.thread().is_some_and(|running| {
            let runs = |vcpu: &Vcpu| vcpu.thread() == Some(Thread::Runs);
            running == tid || self.vcpus.get(&running).is_some_and(runs)
        });
        if self.source == HostSource::Bpf && here.waiting.is_empty() && !is_told {
            here.run(Running::Unknown);
        }
        here.waiting.push(tid);
    }

    /// Who wakes a thread from a CPU, by what is known of that.
    pub(super) fn waker(&mut self, cpu: CpuId) -> Option<Arc<str>> {
        match self.source {
            HostSource::Tracepoints => self.cpu(cpu).waker(),
            // BPF programs tell nothing of a CPU while a vCPU sleeps.
            _ => None,
        }
    }

    /// A vCPU's thread is woken.
    pub(super) fn waking(&mut self, at: Cycles, waker: Option<Arc<str>>, tid: u32, on: CpuId) {
        let Some(out) = self.advance(at, tid) else {
            return;
        };
        if !matches!(out.thread, Thread::Runs | Thread::Ready) {
            out.pieces.woken(waker);
            out.thread = Thread::Ready;
            out.ready = out.pieces.place();
            self.waits(tid, on);
        }
    }
}
