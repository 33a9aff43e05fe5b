//! The tracepoints of KVM, the scheduler and interrupts, and where their fields lie.

use std::collections::HashMap;

use super::super::event::{Activity, What};
use crate::evidence::kernel_trace::formats::{self, Activity as Traced, Meaning, softirq_name};
use crate::host::irqs;
use crate::host::root::{Known, ReadError, Root};

/// A tracepoint with its number and the offsets of its fields.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Below `events`.
    pub(super) event: &'static str,
    pub(super) id: u16,
    fields: HashMap<String, usize>,
}

impl Point {
    pub(super) fn find(tracefs: &Root, event: &'static str) -> Known<Point> {
        let (id, fields) = formats::describe(tracefs, event)?;
        Ok(Point { event, id, fields })
    }

    /// Its name for the kernel.
    pub(super) fn name(&self) -> &'static str {
        self.event.rsplit('/').next().unwrap_or(self.event)
    }

    pub(super) fn field(&self, name: &str) -> Known<usize> {
        self.fields
            .get(name)
            .copied()
            .ok_or_else(|| ReadError::Missing {
                path: format!("field {name} of {}", self.event),
            })
    }
}

/// An interrupt's begin or end.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) id: u16,
    pub(super) name: String,
    pub(super) meaning: Meaning,
}

/// All that is listened to.
#[derive(Clone, Debug)]
pub(super) struct Points {
    pub(super) exit: Point,
    pub(super) entry: Point,
    pub(super) to_vmm: Point,
    pub(super) switch: Point,
    pub(super) waking: Point,
    pub(super) migrate: Point,
    pub(super) edges: Vec<Edge>,
    irqs: HashMap<u32, String>,
}

impl Points {
    /// # Errors
    /// Where one is missing: without the kvm module, KVM's are.
    pub(super) fn find(root: &Root, tracefs: &Root) -> Known<Points> {
        let find = |event| Point::find(tracefs, event);
        let wanted = |meaning: &Meaning| {
            matches!(
                meaning,
                Meaning::Enter(_) | Meaning::Exit(_) | Meaning::Nmi { .. }
            )
        };
        let edges = (formats::find(tracefs)?.into_iter())
            .filter(|point| wanted(&point.meaning))
            .map(|point| Edge {
                id: point.id,
                name: point.name,
                meaning: point.meaning,
            });
        Ok(Points {
            exit: find("kvm/kvm_exit")?,
            entry: find("kvm/kvm_entry")?,
            to_vmm: find("kvm/kvm_userspace_exit")?,
            switch: find("sched/sched_switch")?,
            waking: find("sched/sched_waking")?,
            migrate: find("sched/sched_migrate_task")?,
            edges: edges.collect(),
            irqs: (irqs::read(root).unwrap_or_default().into_iter())
                .map(|irq| (irq.number, irq.to_string()))
                .collect(),
        })
    }

    /// What an edge at this time means, with its field: once or, for an NMI, which
    /// is told of at its end, twice.
    pub(super) fn meaning(
        &self,
        edge: &Edge,
        field: u64,
        time: u64,
        mut tell: impl FnMut(u64, What),
    ) {
        match &edge.meaning {
            Meaning::Enter(activity) => tell(time, What::Begin(self.name(activity, field))),
            Meaning::Exit(activity) => tell(time, What::End(self.name(activity, field))),
            Meaning::Nmi { .. } => {
                let nmi = || Activity::Interrupt(String::from("nmi"));
                tell(time.saturating_sub(field), What::Begin(nmi()));
                tell(time, What::End(nmi()));
            }
            Meaning::Fault(_) | Meaning::Switch { .. } => {}
        }
    }

    fn name(&self, activity: &Traced, field: u64) -> Activity {
        match activity {
            Traced::Vector(name) => Activity::Interrupt(name.clone()),
            Traced::Irq(_) => {
                let number = field as u32;
                let name = self.irqs.get(&number).cloned();
                let name = name.unwrap_or_else(|| number.to_string());
                Activity::Interrupt(format!("irq/{name}"))
            }
            Traced::Softirq(_) => Activity::Softirq(softirq_name(field as u32).to_owned()),
        }
    }
}

impl Edge {
    /// Which argument of its tracepoint the field is.
    pub(super) fn argument(&self) -> Option<i16> {
        match &self.meaning {
            Meaning::Enter(Traced::Irq(_) | Traced::Softirq(_))
            | Meaning::Exit(Traced::Irq(_) | Traced::Softirq(_)) => Some(0),
            Meaning::Nmi { .. } => Some(1),
            _ => None,
        }
    }

    /// Where the field is in its record, and how long.
    pub(super) fn field(&self) -> Option<(usize, usize)> {
        match &self.meaning {
            Meaning::Enter(Traced::Irq(at) | Traced::Softirq(at))
            | Meaning::Exit(Traced::Irq(at) | Traced::Softirq(at)) => Some((*at, 4)),
            Meaning::Nmi { length } => Some((*length, 8)),
            _ => None,
        }
    }
}
