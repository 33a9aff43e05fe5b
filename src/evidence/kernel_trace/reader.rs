//! From the records of a ring to events with a meaning.

use crate::host::text::clean;
use crate::sys::perf_record::{Direction, RingRecord};
use crate::units::Nanos;

use super::activity::{ActivityId, ActivityKind, Names};
use super::formats::{Activity, Meaning, Tracepoint, softirq_name};

/// Longest task name kept; the kernel's own limit is 15.
const LONGEST_NAME: usize = 16;

/// Something that the kernel did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// When, on CLOCK_MONOTONIC_RAW.
    pub(super) time: Nanos,
    pub(super) what: What,
}

/// What it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Began something.
    Enter(ActivityId),
    /// Ended it.
    Exit(ActivityId),
    /// Ended something that took this long.
    Done(ActivityId, Nanos),
    /// Began something whose end is not recorded.
    Mark(ActivityId),
    /// Went to the sampler.
    ToSampler,
    /// Went to another task.
    ToTask(ActivityId),
    /// Lost records.
    Lost(u64),
}

/// Reads one CPU's records.
#[derive(Debug)]
pub(super) struct Reader {
    /// By number: the place of its meaning, from 1 on.
    places: Vec<u8>,
    meanings: Vec<Meaning>,
    /// Of each meaning that has one name, the number of that, once it was seen.
    numbers: Vec<Option<ActivityId>>,
    /// Whether switches have a tracepoint, which names the task.
    switch_is_traced: bool,
    sampler: u32,
}

impl Reader {
    /// A reader for these tracepoints; `sampler` is the sampler's thread.
    pub(super) fn new(tracepoints: &[Tracepoint], sampler: u32) -> Reader {
        let meanings: Vec<Meaning> = (tracepoints.iter())
            .map(|point| point.meaning.clone())
            .collect();
        let mut places = Vec::new();
        for (place, point) in (1..).zip(tracepoints) {
            let number = usize::from(point.id);
            places.resize(places.len().max(number + 1), 0);
            places[number] = place;
        }
        let is_switch = |meaning: &Meaning| matches!(meaning, Meaning::Switch { .. });
        Reader {
            places,
            numbers: vec![None; meanings.len()],
            switch_is_traced: meanings.iter().any(is_switch),
            meanings,
            sampler,
        }
    }

    /// The meaning of a record; `None` where it has none.
    pub(super) fn read(&mut self, record: RingRecord<'_>, names: &mut Names) -> Option<Event> {
        let (time, what) = match record {
            RingRecord::Tracepoint { time, data } => (time, self.tracepoint(data, names)?),
            RingRecord::Lost { count, time } => (time, What::Lost(count)),
            // Both halves of a switch are recorded: the task that leaves is
            // told of before, the one that arrives after.
            RingRecord::Switch {
                time,
                direction: Direction::In,
                task,
            } => (time, self.arrival(task, None, names)?),
            RingRecord::Switch { .. } => return None,
        };
        Some(Event {
            time: Nanos(time),
            what,
        })
    }

    fn tracepoint(&mut self, data: &[u8], names: &mut Names) -> Option<What> {
        let id = u16::from_ne_bytes(data.get(..2)?.try_into().ok()?);
        let place = self.places.get(usize::from(id))?;
        let found = usize::from(*place).checked_sub(1)?;
        let known = &mut self.numbers[found];
        Some(match &self.meanings[found] {
            Meaning::Enter(activity) => What::Enter(number_of(activity, known, data, names)?),
            Meaning::Exit(activity) => What::Exit(number_of(activity, known, data, names)?),
            Meaning::Nmi { length } => {
                let length = i64::from_ne_bytes(data.get(*length..length + 8)?.try_into().ok()?);
                let nmi = names.number("nmi", ActivityKind::Interrupt);
                What::Done(nmi, Nanos(length.max(0).unsigned_abs()))
            }
            Meaning::Fault(name) => What::Mark(names.number(name, ActivityKind::Fault)),
            Meaning::Switch { name, task } => {
                let comm = data.get(*name..name + LONGEST_NAME)?;
                let end = comm
                    .iter()
                    .position(|&byte| byte == 0)
                    .unwrap_or(comm.len());
                let comm = String::from_utf8_lossy(&comm[..end]);
                self.arrival(number(data, *task)?, Some(&comm), names)?
            }
        })
    }

    /// The arrival of a task. By the switch record alone its name is not
    /// known; where the tracepoint is there too, it has told it already.
    fn arrival(&self, task: u32, comm: Option<&str>, names: &mut Names) -> Option<What> {
        if task == self.sampler {
            return Some(What::ToSampler);
        }
        let name = match comm {
            Some(comm) => clean(comm, LONGEST_NAME),
            None if self.switch_is_traced => return None,
            None => format!("task {task}"),
        };
        Some(What::ToTask(names.number(&name, ActivityKind::Task)))
    }
}

/// The number of an activity's name. One that is the same each time is looked up
/// once only: there are thousands of records a second.
fn number_of(
    activity: &Activity,
    known: &mut Option<ActivityId>,
    data: &[u8],
    names: &mut Names,
) -> Option<ActivityId> {
    let name = match activity {
        Activity::Vector(name) => {
            let number = || names.number(name, ActivityKind::Interrupt);
            return Some(*known.get_or_insert_with(number));
        }
        Activity::Irq(offset) => format!("irq/{}", number(data, *offset)?),
        Activity::Softirq(offset) => format!("softirq/{}", softirq_name(number(data, *offset)?)),
    };
    Some(names.number(&name, ActivityKind::Interrupt))
}

fn number(data: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(
        data.get(offset..offset + 4)?.try_into().ok()?,
    ))
}
