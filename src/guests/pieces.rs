//! An absence while it goes on, piece by piece, and who took each.

use std::collections::HashMap;
use std::sync::Arc;

use super::event::Activity;
use super::exit_reasons::{Kind, Reason, TO_VMM_HALT, TO_VMM_SIGNAL, to_vmm};
use crate::model::absence::HostCause;
use crate::units::{CpuId, Cycles};

/// Pieces of an absence that are told in order of time; those after them are
/// told as sums.
const MOST_PIECES: usize = 255;

/// What a vCPU's thread did, or what was done in its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Doing {
    /// It ran in KVM.
    Kvm,
    /// It ran in the VMM, after an exit to it for this reason.
    Vmm(u32),
    /// It was interrupted, or what ran in its place was.
    Interrupted(Activity),
    /// It was ready, and this task ran.
    Task(Arc<str>),
    /// It was ready, and something ran that is not named yet.
    Unnamed,
    /// It was ready, and nothing ran but what brought it from a CPU to another.
    Idle(Option<(CpuId, CpuId)>),
    /// It slept: in the VMM after such an exit, or in the kernel; and who woke it.
    Asleep(Option<u32>, Option<Arc<str>>),
    /// It was stopped.
    Stopped,
    /// Nobody knows.
    Unseen,
}

/// What happened in an absence, in order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces {
    /// Begin and kind; each lasts up to the next.
    list: Vec<(Cycles, Doing)>,
    /// Lengths of those that have no place in it.
    sums: HashMap<Doing, Cycles>,
}

/// A piece of an absence, attributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From the begin of the absence.
    pub at: Cycles,
    /// Its length.
    pub length: Cycles,
    /// Who took it.
    pub cause: HostCause,
    /// Which one.
    pub what: Arc<str>,
    /// Whether it was KVM's handling of the exit, by whatever name.
    pub is_rest: bool,
}

impl Pieces {
    /// What was done from one moment to another.
    pub(super) fn add(&mut self, from: Cycles, to: Cycles, doing: Doing) {
        if to <= from {
            return;
        }
        match self.list.last() {
            Some((_, last)) if self.sums.is_empty() && *last == doing => {}
            _ if self.list.len() < MOST_PIECES => self.list.push((from, doing)),
            _ => {
                let sum = self.sums.entry(doing).or_default();
                *sum = sum.saturating_add(to.since(from));
            }
        }
    }

    /// How many there are: a place to go back to.
    pub(super) fn place(&self) -> usize {
        self.list.len()
    }

    /// Who ran where it has waited from a place on is known now.
    pub(super) fn named(&mut self, place: usize, ran: &Doing) {
        for (_, doing) in self.list.iter_mut().skip(place) {
            if *doing == Doing::Unnamed {
                *doing = ran.clone();
            }
        }
    }

    /// It went to another CPU, and from a place on the kernel's thread for that, or
    /// nothing, ran in its place.
    pub(super) fn moved(&mut self, place: usize, from: CpuId, to: CpuId) {
        for (_, doing) in self.list.iter_mut().skip(place) {
            let mover = match &*doing {
                Doing::Task(name) => name.starts_with("migration/"),
                other => *other == Doing::Idle(None),
            };
            if mover {
                *doing = Doing::Idle(Some((from, to)));
            }
        }
    }

    /// Takes away what nobody knows at its end: the moment up to which it is known.
    pub(super) fn certain(&mut self, end: Cycles) -> Cycles {
        match self.list.pop_if(|(_, doing)| *doing == Doing::Unseen) {
            Some((at, _)) if self.sums.is_empty() => at,
            Some(piece) => {
                self.list.push(piece);
                end
            }
            None => end,
        }
    }

    /// Says who woke it from the sleep that has just been added.
    pub(super) fn woken(&mut self, waker: Option<Arc<str>>) {
        if let Some((_, Doing::Asleep(_, by))) = self.list.last_mut() {
            *by = waker;
        }
    }

    /// The parts of an absence from its begin to its end.
    pub(super) fn parts(&self, reason: Option<Reason>, start: Cycles, end: Cycles) -> Vec<Part> {
        let mut sums: Vec<(&Doing, Cycles)> = self.sums.iter().map(|(d, c)| (d, *c)).collect();
        sums.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
        let listed_end = sums
            .iter()
            .fold(end, |end, (_, sum)| end.saturating_sub(*sum));
        let ends = self.list.iter().skip(1).map(|(at, _)| *at);
        let listed = (self.list.iter())
            .zip(ends.chain([listed_end]))
            .map(|((at, doing), end)| (doing, end.saturating_sub(*at)));
        let of = Causes::new(reason, &self.list);
        let mut parts: Vec<Part> = Vec::new();
        let mut at = Cycles(0);
        let mut slept = false;
        for (doing, length) in listed.chain(sums) {
            slept |= matches!(doing, Doing::Asleep(..));
            let (cause, what) = of.cause(doing, slept);
            let is_rest = matches!(doing, Doing::Kvm);
            match parts.last_mut() {
                Some(last) if (last.cause, &last.what, last.is_rest) == (cause, &what, is_rest) => {
                    last.length = last.length.saturating_add(length);
                }
                _ => parts.push(Part {
                    at,
                    length,
                    cause,
                    what,
                    is_rest,
                }),
            }
            at = at.saturating_add(length);
        }
        debug_assert_eq!(at, end.since(start));
        parts
    }
}

/// What decides who took a piece.
struct Causes {
    reason: Option<Reason>,
    /// The handler for which the guest was left.
    handler: Option<String>,
    sleeps: bool,
}

impl Causes {
    fn new(reason: Option<Reason>, pieces: &[(Cycles, Doing)]) -> Causes {
        let handler = pieces.iter().find_map(|(_, doing)| match doing {
            Doing::Interrupted(Activity::Interrupt(name)) => Some(name.clone()),
            _ => None,
        });
        Causes {
            reason,
            handler: handler.filter(|_| reason.is_some_and(|it| it.kind() == Kind::Interrupt)),
            sleeps: (pieces.iter()).any(|(_, doing)| matches!(doing, Doing::Asleep(..))),
        }
    }

    /// Of a piece, before or after the vCPU slept.
    fn cause(&self, doing: &Doing, slept: bool) -> (HostCause, Arc<str>) {
        let kind = self.reason.map(Reason::kind);
        match doing {
            Doing::Kvm => match (kind, &self.handler) {
                (Some(Kind::Smi), _) => (HostCause::HostSmi, "".into()),
                (_, Some(handler)) => (HostCause::HostInterrupt, handler.as_str().into()),
                // KVM polls before it sleeps (halt_poll_ns).
                (Some(Kind::Halt), _) if !slept && self.sleeps => {
                    (HostCause::VcpuHalted, "polled before it slept".into())
                }
                (Some(Kind::Halt), _) if !slept => (HostCause::VcpuHalted, "polled".into()),
                _ => (HostCause::VmExit, self.exit()),
            },
            Doing::Vmm(number) => (HostCause::Vmm, self.device(*number).into()),
            Doing::Interrupted(Activity::Interrupt(name)) => {
                (HostCause::HostInterrupt, name.as_str().into())
            }
            Doing::Interrupted(Activity::Softirq(name)) => {
                (HostCause::HostSoftirq, name.as_str().into())
            }
            Doing::Task(name) => (HostCause::HostTask, name.clone()),
            Doing::Idle(way) => (
                HostCause::VcpuMigrated,
                match way {
                    Some((from, to)) => format!("CPU {from} to CPU {to}").into(),
                    None => "ready, and its CPU was idle".into(),
                },
            ),
            Doing::Asleep(vmm, by) => self.asleep(kind, *vmm, by.as_deref()),
            Doing::Stopped => (HostCause::VcpuStopped, "by a signal or a tracer".into()),
            Doing::Unnamed | Doing::Unseen => (HostCause::NotObserved, "".into()),
        }
    }

    fn asleep(
        &self,
        kind: Option<Kind>,
        vmm: Option<u32>,
        by: Option<&str>,
    ) -> (HostCause, Arc<str>) {
        match (vmm, kind) {
            (Some(TO_VMM_HALT), _) | (None, Some(Kind::Halt)) => {
                let what = by.map_or(String::from("hlt"), |by| format!("hlt, woken by {by}"));
                (HostCause::VcpuHalted, what.into())
            }
            (Some(TO_VMM_SIGNAL), _) => (
                HostCause::VcpuStopped,
                "asleep in the VMM after a signal".into(),
            ),
            (Some(number), _) => (
                HostCause::Vmm,
                format!("{}, asleep", self.device(number)).into(),
            ),
            (None, _) => {
                let after = match self.reason {
                    Some(reason) => format!(" after {}", reason.name()),
                    None => String::new(),
                };
                (
                    HostCause::VcpuStopped,
                    format!("asleep in the kernel{after}").into(),
                )
            }
        }
    }

    /// The exit, with its port: addresses are too many to be summed up by.
    fn exit(&self) -> Arc<str> {
        let Some(reason) = self.reason else {
            return "".into();
        };
        match reason.port() {
            Some(port) => format!("{}, {port}", reason.name()).into(),
            None => reason.name().into(),
        }
    }

    /// What the VMM is asked for, with the port or the address.
    fn device(&self, number: u32) -> String {
        let name = to_vmm(number);
        let about = match &*name {
            "io" | "mmio" => self.reason.and_then(Reason::about),
            _ => None,
        };
        match about {
            Some(about) => format!("{name}, {about}"),
            None => name.into_owned(),
        }
    }
}
