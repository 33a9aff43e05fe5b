//! A vCPU: in its guest, out of it, or nobody knows; and its absence while it
//! goes on.

use super::cpu::Cpu;
use crate::guests::event::{Activity, Left};
use crate::guests::exit_reasons::{Kind, Reason};
use crate::guests::kept::{Gone, Kept};
use crate::guests::pieces::{Doing, Pieces};
use crate::units::{CpuId, Cycles};

/// Times of loss that are told of a vCPU; later ones widen the last.
const MOST_LOST: usize = 10_000;

/// What is known of a vCPU's thread.
pub struct Vcpu {
    /// Entries into the guest that were recorded.
    pub entries: u64,
    /// Its absences.
    pub kept: Kept,
    /// When records of it may be missing.
    pub lost: Vec<(Cycles, Cycles)>,
    pub(super) cpu: CpuId,
    pub(super) place: Place,
}

pub(super) enum Place {
    /// Not seen since then.
    Unknown(Cycles),
    InGuest,
    Out(Box<Out>),
}

/// An absence that goes on.
pub(super) struct Out {
    start: Cycles,
    cpu: CpuId,
    pub reason: Option<Reason>,
    pub pieces: Pieces,
    /// Up to when they go.
    pub until: Cycles,
    pub thread: Thread,
    /// The latest exit to the VMM.
    pub vmm: Option<u32>,
    /// What interrupted it when it was switched away: softirqs that are threads.
    pub stack: Vec<Activity>,
    /// The CPU on which it last was, where it has been sent to another since.
    pub sent: Option<CpuId>,
    /// Where the pieces begin in which it has waited where it waits.
    pub ready: usize,
    /// Whether records may be missing.
    pub incomplete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thread {
    Runs,
    Ready,
    Asleep,
    Stopped,
    /// Records are missing that would tell.
    Unsure,
}

impl From<Left> for Thread {
    fn from(left: Left) -> Thread {
        match left {
            Left::Runnable => Thread::Ready,
            Left::Asleep => Thread::Asleep,
            Left::Stopped => Thread::Stopped,
        }
    }
}

impl Out {
    pub fn begin(at: Cycles, cpu: CpuId, reason: Option<Reason>) -> Box<Out> {
        Box::new(Out {
            start: at,
            cpu,
            reason,
            pieces: Pieces::default(),
            until: at,
            thread: Thread::Runs,
            vmm: None,
            stack: Vec::new(),
            sent: None,
            ready: 0,
            incomplete: false,
        })
    }

    /// Gives the time up to now to what was done in it.
    pub fn advance(&mut self, at: Cycles, cpu: Option<&Cpu>) {
        let innermost = cpu.and_then(|cpu| cpu.stack.last());
        let doing = match (self.thread, innermost) {
            (Thread::Runs | Thread::Ready, Some(activity)) => Doing::Interrupted(activity.clone()),
            (Thread::Runs, None) => self.vmm.map_or(Doing::Kvm, Doing::Vmm),
            (Thread::Ready, None) => cpu.map_or(Doing::Unnamed, |cpu| cpu.running.doing()),
            (Thread::Asleep, _) => Doing::Asleep(self.vmm, None),
            (Thread::Stopped, _) => Doing::Stopped,
            (Thread::Unsure, _) => Doing::Unseen,
        };
        self.pieces.add(self.until, at, doing);
        self.until = self.until.max(at);
    }

    /// What its thread did is not known from here on.
    pub fn doubt(&mut self) {
        self.thread = Thread::Unsure;
        self.incomplete = true;
    }
}

impl Vcpu {
    pub(super) fn new(cpu: CpuId, start: Cycles) -> Vcpu {
        Vcpu {
            entries: 0,
            kept: Kept::default(),
            lost: Vec::new(),
            cpu,
            place: Place::Unknown(start),
        }
    }

    pub(super) fn lose(&mut self, from: Cycles, to: Cycles) {
        if to <= from {
            return;
        }
        let full = self.lost.len() >= MOST_LOST;
        match self.lost.last_mut() {
            Some(last) if last.1 >= from || full => last.1 = last.1.max(to),
            _ => self.lost.push((from, to)),
        }
    }

    /// Since when it is not known where it is: a moment, unless it was not before.
    pub(super) fn unknown_since(&self, moment: Cycles) -> Cycles {
        match self.place {
            Place::Unknown(since) => since.min(moment),
            _ => moment,
        }
    }

    pub(super) fn is_in_guest(&self) -> bool {
        matches!(self.place, Place::InGuest)
    }

    /// What its thread does while it is out of its guest.
    pub(super) fn thread(&self) -> Option<Thread> {
        match &self.place {
            Place::Out(out) => Some(out.thread),
            _ => None,
        }
    }

    /// Its absence, where it is out of its guest.
    pub(super) fn out(&mut self) -> Option<&mut Out> {
        match &mut self.place {
            Place::Out(out) => Some(out),
            _ => None,
        }
    }

    /// Ends its absence, one of so many vCPUs': it is counted if it is longer than
    /// the threshold.
    pub(super) fn close(&mut self, at: Cycles, threshold: Cycles, vcpus: usize) {
        let place = std::mem::replace(&mut self.place, Place::Unknown(at));
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
            entered_on: self.cpu,
            reason: out.reason,
            incomplete: out.incomplete,
            parts: out.pieces.parts(out.reason, out.start, at),
        };
        self.kept.take(gone, vcpus);
    }
}
