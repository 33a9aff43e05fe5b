//! Every record of the tracepoints, where programs cannot be had.

use std::collections::HashMap;

use super::super::event::{Event, What};
use super::clock::Clock;
use super::points::{Point, Points};
use super::{isa, left, name};
use crate::sys::clock::moment;
use crate::sys::perf_record::RingRecord;
use crate::sys::perf_ring::{PerfRing, Switches};
use crate::units::{CpuId, Cycles, Nanos};

/// Where the thread stands that hits a tracepoint (`common_pid`).
const THREAD_AT: usize = 4;

/// A tracepoint by its number.
#[derive(Clone, Copy)]
enum Meaning {
    Exit,
    Entry,
    ToVmm,
    Switch,
    Waking,
    Migrate,
    Edge(usize),
}

/// What a record may take from the reading of its clock to its end.
const IN_HAND: Nanos = Nanos(1_000_000);

/// Up to when nothing is on its way.
pub(super) fn complete_to(clock: &Clock) -> Cycles {
    clock.raw(moment().raw.saturating_sub(IN_HAND).0)
}

/// The rings of all CPUs.
pub(super) struct Rings {
    points: Points,
    meanings: HashMap<u16, Meaning>,
    rings: Vec<(CpuId, PerfRing)>,
    lost: u64,
}

impl Rings {
    /// # Errors
    /// Which right is missing.
    pub(super) fn open(points: Points, online: &[CpuId], bytes: usize) -> Result<Rings, String> {
        let mut meanings = HashMap::from([
            (points.exit.id, Meaning::Exit),
            (points.entry.id, Meaning::Entry),
            (points.to_vmm.id, Meaning::ToVmm),
            (points.switch.id, Meaning::Switch),
            (points.waking.id, Meaning::Waking),
            (points.migrate.id, Meaning::Migrate),
        ]);
        let edges = points.edges.iter().enumerate();
        meanings.extend(edges.map(|(index, edge)| (edge.id, Meaning::Edge(index))));
        let mut rings = Vec::with_capacity(online.len());
        for &cpu in online {
            let open = || {
                let mut ring = PerfRing::open_for(cpu, bytes, Switches::Left)?;
                for &id in meanings.keys() {
                    ring.join(u64::from(id))?;
                }
                ring.enable()?;
                Ok::<_, std::io::Error>(ring)
            };
            let ring = open().map_err(|error| format!("tracepoints of CPU {cpu}: {error}"))?;
            rings.push((cpu, ring));
        }
        Ok(Rings {
            points,
            meanings,
            rings,
            lost: 0,
        })
    }

    /// Reads all that was recorded.
    pub(super) fn drain(&mut self, clock: &Clock) -> Vec<Event> {
        let mut events = Vec::new();
        let Rings {
            points,
            meanings,
            rings,
            lost,
        } = self;
        for (cpu, ring) in rings.iter_mut() {
            let mut tell = |time: u64, what: What| {
                events.push(Event {
                    at: clock.raw(time),
                    cpu: *cpu,
                    what,
                });
            };
            ring.drain(&mut |record| match record {
                RingRecord::Tracepoint { time, data } => {
                    let fields = Fields(data);
                    let meaning = fields
                        .number(0, 2)
                        .and_then(|id| meanings.get(&(id as u16)));
                    if meaning
                        .and_then(|meaning| fields.tell(*meaning, points, time, &mut tell))
                        .is_none()
                    {
                        *lost += 1;
                        tell(time, What::Lost);
                    }
                }
                RingRecord::Lost { count, time } => {
                    *lost += count;
                    tell(time, What::Lost);
                }
                RingRecord::Switch { .. } => {}
            });
        }
        events
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

/// The fields of a record, as the `format` file lays them out.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The number of `length` bytes at an offset.
    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(self.0.get(at..at.checked_add(length)?)?);
        Some(u64::from_ne_bytes(bytes))
    }

    fn word(&self, point: &Point, field: &str) -> Option<u32> {
        Some(self.number(point.field(field).ok()?, 4)? as u32)
    }

    fn long(&self, point: &Point, field: &str) -> Option<u64> {
        self.number(point.field(field).ok()?, 8)
    }

    fn name(&self, point: &Point, field: &str) -> Option<String> {
        let at = point.field(field).ok()?;
        Some(name(self.0.get(at..at.checked_add(16)?)?))
    }

    fn tell(
        &self,
        meaning: Meaning,
        points: &Points,
        time: u64,
        tell: &mut impl FnMut(u64, What),
    ) -> Option<()> {
        let tid = self.number(THREAD_AT, 4)? as u32;
        let what = match meaning {
            Meaning::Exit => What::Exit {
                tid,
                vcpu: self.word(&points.exit, "vcpu_id"),
                isa: isa(self.word(&points.exit, "isa")?)?,
                code: self.word(&points.exit, "exit_reason")?,
                info1: self.long(&points.exit, "info1")?,
                info2: self.long(&points.exit, "info2")?,
            },
            Meaning::Entry => What::Entry {
                tid,
                vcpu: self.word(&points.entry, "vcpu_id"),
            },
            Meaning::ToVmm => What::ToVmm {
                tid,
                reason: self.word(&points.to_vmm, "reason")?,
            },
            Meaning::Switch => {
                let point = &points.switch;
                What::Switch {
                    from: self.word(point, "prev_pid")?,
                    from_name: self.name(point, "prev_comm")?,
                    from_priority: self.word(point, "prev_prio")? as i32,
                    left: left(self.long(point, "prev_state")?),
                    to: self.word(point, "next_pid")?,
                    to_name: self.name(point, "next_comm")?,
                    to_priority: self.word(point, "next_prio")? as i32,
                }
            }
            Meaning::Waking => What::Waking {
                tid: self.word(&points.waking, "pid")?,
                on: CpuId(self.word(&points.waking, "target_cpu")?),
                by: None,
            },
            Meaning::Migrate => What::Moved {
                tid: self.word(&points.migrate, "pid")?,
                to: CpuId(self.word(&points.migrate, "dest_cpu")?),
            },
            Meaning::Edge(index) => {
                let edge = &points.edges[index];
                let field = match edge.field() {
                    Some((at, length)) => self.number(at, length)?,
                    None => 0,
                };
                points.meaning(edge, field, time, tell);
                return Some(());
            }
        };
        tell(time, what);
        Some(())
    }
}
