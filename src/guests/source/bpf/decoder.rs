//! From the records of a CPU to events.

use std::sync::Arc;

use super::layout::{self, ENTRY_BYTES, Kind, LOG_AT, Record, Slot};
use super::{Drained, Small};
use crate::guests::event::{Event, What};
use crate::guests::source::clock::Clock;
use crate::guests::source::points::Points;
use crate::guests::source::{isa, left, name};
use crate::units::{CpuId, Cycles};

/// The records of one CPU.
pub(super) struct Decoder<'a> {
    pub(super) cpu: CpuId,
    pub(super) points: &'a Points,
    pub(super) small: &'a [Small],
    pub(super) clock: &'a Clock,
    pub(super) thread: &'a mut u32,
    pub(super) drained: &'a mut Drained,
}

impl Decoder<'_> {
    /// `None` for a record that is not of the programs' making.
    pub(super) fn read(&mut self, record: &Record<'_>) -> Option<()> {
        let kind = record.word(0)? as i32;
        let value = record.word(4)?;
        let is = |one: Kind| kind == one as i32;
        if is(Kind::Absence) {
            return self.absence(record);
        }
        let time = record.long(8)?;
        if is(Kind::Switch) {
            *self.thread = record.word(40)?;
            let what = What::Switch {
                from: record.word(16)?,
                from_name: name(record.0.get(24..40)?),
                from_priority: record.word(20)? as i32,
                left: left(u64::from(value)),
                to: record.word(40)?,
                to_name: name(record.0.get(48..64)?),
                to_priority: record.word(44)? as i32,
            };
            self.tell(time, what);
        } else if is(Kind::Waking) {
            let what = What::Waking {
                tid: value,
                on: CpuId(record.word(16)?),
                by: Some(self.waker(record)?),
            };
            self.tell(time, what);
        } else if is(Kind::Moved) {
            let to = CpuId(record.word(16)?);
            self.tell(time, What::Moved { tid: value, to });
        } else if is(Kind::Entry) {
            *self.thread = value;
            let what = What::Entry {
                tid: value,
                vcpu: None,
            };
            self.tell(time, what);
        } else if is(Kind::Smis) {
            let at = self.clock.monotonic(time);
            self.drained.smis.push((self.cpu, value, at));
        } else {
            self.small(kind, value, time)?;
        }
        Some(())
    }

    fn absence(&mut self, record: &Record<'_>) -> Option<()> {
        let tid = record.slot(Slot::Thread)? as u32;
        *self.thread = tid;
        let exit = record.slot(Slot::Exit)?;
        if exit != 0 {
            let what = What::Exit {
                tid,
                vcpu: Some(record.word(Slot::Vcpu as usize)?),
                isa: isa(record.word(Slot::Isa as usize)?)?,
                code: record.word(Slot::Code as usize)?,
                info1: record.slot(Slot::Info1)?,
                info2: record.slot(Slot::Info2)?,
            };
            self.tell(exit, what);
        }
        let logged = (record.slot(Slot::Logged)? as usize).min(layout::LOG_ENTRIES as usize);
        for index in 0..logged {
            let at = LOG_AT as usize + index * ENTRY_BYTES as usize;
            let kind = record.word(at)? as i32;
            self.small(kind, record.word(at + 4)?, record.long(at + 8)?)?;
        }
        let entry = record.slot(Slot::Entry)?;
        if entry != 0 {
            self.tell(entry, What::Entry { tid, vcpu: None });
        }
        Some(())
    }

    fn small(&mut self, kind: i32, value: u32, time: u64) -> Option<()> {
        match self.small.get(usize::try_from(kind).ok()?)? {
            Small::Edge(number) => {
                let (points, edge) = (self.points, &self.points.edges[*number]);
                points.meaning(edge, u64::from(value), time, |time, what| {
                    self.tell(time, what)
                });
            }
            Small::ToVmm => {
                let tid = *self.thread;
                self.tell(time, What::ToVmm { tid, reason: value });
            }
        }
        Some(())
    }

    /// Who wakes: the handler or softirq that its CPU is in, else the thread.
    fn waker(&self, record: &Record<'_>) -> Option<Arc<str>> {
        let Some((number, argument)) = layout::in_course(record.long(24)?) else {
            return Some(name(record.0.get(32..48)?).into());
        };
        let edge = self.points.edges.get(number)?;
        let mut by = None;
        (self.points).meaning(edge, u64::from(argument), 0, |_, what| {
            by = what.begins().map(Arc::from);
        });
        by
    }

    fn tell(&mut self, time: u64, what: What) {
        self.tell_at(self.clock.monotonic(time), what);
    }

    pub(super) fn tell_at(&mut self, at: Cycles, what: What) {
        self.drained.events.push(Event {
            at,
            cpu: self.cpu,
            what,
        });
    }
}
