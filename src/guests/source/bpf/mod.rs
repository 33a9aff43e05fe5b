//! Absences by BPF programs, which keep what is below the threshold to themselves.

mod decoder;
mod layout;
mod programs;

use std::collections::HashMap;
use std::ffi::CString;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::super::event::{Event, What};
use super::clock::Clock;
use super::points::{Edge, Point, Points};
use crate::evidence::kernel_trace::formats::{Activity, Meaning};
use crate::sys::bpf::{Area, Outputs, Program, Table};
use crate::sys::clock::monotonic;
use crate::sys::perf_record::RingRecord;
use crate::sys::perf_ring::{PerfRing, Switches};
use crate::units::{CpuId, Cycles, Nanos};

use decoder::Decoder;
use layout::{Kind, LOG_AT, Record, STATE_BYTES, Slot};
use programs::{Course, ExitFields, MoveFields, Parts, SwitchFields};

/// Threads of vCPUs of a host, and of processes above them.
const THREADS: u32 = 16_384;
/// What a hook of a program may take from the reading of the clock to the end of
/// its record.
const IN_HAND: Nanos = Nanos(1_000_000);
/// An absence in course keeps back what came after its begin for no longer.
const HELD_BACK: Nanos = Nanos(1_000_000_000);

/// What a small record means.
enum Small {
    Edge(usize),
    ToVmm,
}

/// The attached programs and their rings.
pub(super) struct Bpf {
    points: Points,
    small: Vec<Small>,
    programs: Vec<Program>,
    attached: Vec<OwnedFd>,
    rings: Vec<(CpuId, PerfRing)>,
    outputs: Outputs,
    smis: Option<Outputs>,
    state: Area,
    missing: Area,
    missing_before: u64,
    threads: Table,
    processes: Option<Table>,
    /// The vCPU's thread that has a CPU, as far as was told.
    current: HashMap<CpuId, u32>,
    lost: u64,
}

/// What was read.
#[derive(Default)]
pub(super) struct Drained {
    pub(super) events: Vec<Event>,
    /// Readings of the SMI count.
    pub(super) smis: Vec<(CpuId, u32, Cycles)>,
}

/// What programs are to look at.
pub(super) struct Order<'a> {
    pub(super) points: Points,
    pub(super) online: &'a [CpuId],
    /// The highest number of a CPU that may come.
    pub(super) highest: CpuId,
    pub(super) ring_bytes: usize,
    pub(super) threshold: Nanos,
    /// Whether all processes are wanted.
    pub(super) all: bool,
    pub(super) smis: Option<Vec<(CpuId, BorrowedFd<'a>)>>,
}

impl Bpf {
    /// # Errors
    /// Why programs cannot be had, for people.
    pub(super) fn attach(order: Order<'_>) -> Result<Bpf, String> {
        let failed = |error: std::io::Error| format!("BPF programs: {error}");
        let count = order.highest.0.saturating_add(1);
        let words = STATE_BYTES as usize / 8 * count as usize;
        let outputs = Outputs::new(count, "hwgap_rings").map_err(failed)?;
        let mut rings = Vec::with_capacity(order.online.len());
        for &cpu in order.online {
            let ring = PerfRing::open_for(cpu, order.ring_bytes, Switches::Left);
            let ring = ring.map_err(|error| format!("perf ring of CPU {cpu}: {error}"))?;
            ring.enable().map_err(failed)?;
            outputs.put(cpu, ring.leader()).map_err(failed)?;
            rings.push((cpu, ring));
        }
        let smis = match order.smis {
            Some(counters) => {
                let events = Outputs::new(count, "hwgap_smis").map_err(failed)?;
                for (cpu, counter) in counters {
                    events.put(cpu, counter).map_err(failed)?;
                }
                Some(events)
            }
            None => None,
        };
        let mut bpf = Bpf {
            points: order.points,
            small: Vec::new(),
            programs: Vec::new(),
            attached: Vec::new(),
            rings,
            state: Area::new(words, "hwgap_cpus").map_err(failed)?,
            missing: Area::new(1, "hwgap_missing").map_err(failed)?,
            missing_before: 0,
            threads: Table::new(THREADS, "hwgap_threads").map_err(failed)?,
            processes: match order.all {
                true => None,
                false => Some(Table::new(THREADS, "hwgap_guests").map_err(failed)?),
            },
            current: HashMap::new(),
            lost: 0,
            outputs,
            smis,
        };
        bpf.attach_all(order.threshold, count as i32)?;
        Ok(bpf)
    }

    fn attach_all(&mut self, threshold: Nanos, cpus: i32) -> Result<(), String> {
        let parts = Parts {
            state: self.state.map(),
            cpus,
            threads: self.threads.map(),
            processes: self.processes.as_ref().map(Table::map),
            rings: self.outputs.array(),
            smis: self.smis.as_ref().map(Outputs::array),
            missing: self.missing.map(),
            threshold,
        };
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let points = &self.points;
        let mut raw = Vec::new();
        for (number, edge) in points.edges.iter().enumerate() {
            let code = parts.small(number as i32, edge.argument(), course(edge));
            raw.push((edge.name.as_str(), code));
            self.small.push(Small::Edge(number));
        }
        let code = parts.small(self.small.len() as i32, Some(0), Course::Same);
        raw.push((points.to_vmm.name(), code));
        self.small.push(Small::ToVmm);
        raw.push((points.entry.name(), parts.entry()));
        let moved = |kind, point: &Point, cpu: &str| {
            let fields = MoveFields {
                thread: word_at(point, "pid")?,
                cpu: word_at(point, cpu)?,
            };
            parts.moved(kind, fields).map_err(|error| text(&error))
        };
        let events = [
            (
                &points.switch,
                (parts.switch(switch_fields(&points.switch)?)).map_err(|error| text(&error))?,
            ),
            (
                &points.migrate,
                moved(Kind::Moved, &points.migrate, "dest_cpu")?,
            ),
            (
                &points.waking,
                moved(Kind::Waking, &points.waking, "target_cpu")?,
            ),
            (
                &points.exit,
                (parts.exit(exit_fields(&points.exit)?)).map_err(|error| text(&error))?,
            ),
        ];
        // The scheduler's first, and exits after entries: a thread is followed only
        // once all of it is.
        let cpu = self.rings.first().map_or(CpuId(0), |(cpu, _)| *cpu);
        let (exit, scheduler) = events.split_last().expect("the array is not empty");
        for (point, code) in scheduler {
            let program = load(Program::load_for_event, code, point.name())?;
            self.attached.push(attach_event(&program, point, cpu)?);
            self.programs.push(program);
        }
        for (name, code) in raw {
            let program = load(Program::load, &code.map_err(|error| text(&error))?, name)?;
            let c_name = CString::new(name).map_err(|error| text(&error))?;
            let attached = program.attach(&c_name);
            let attached = attached.map_err(|error| format!("{name}: {error}"))?;
            self.attached.push(attached);
            self.programs.push(program);
        }
        let program = load(Program::load_for_event, &exit.1, exit.0.name())?;
        self.attached.push(attach_event(&program, exit.0, cpu)?);
        self.programs.push(program);
        Ok(())
    }

    /// Lets the threads of a process be vCPUs.
    pub(super) fn want_process(&self, pid: u32) {
        // One that is in already is as wanted.
        let _ = self.processes.as_ref().map(|table| table.insert(pid, 1));
    }

    /// Follows a thread from now on.
    pub(super) fn want_thread(&self, tid: u32) {
        let _ = self.threads.insert(tid, 0);
    }

    /// A thread has ended; its number may become another's.
    pub(super) fn forget_thread(&self, tid: u32) {
        let _ = self.threads.remove(tid);
    }

    /// Threads that are in their guests, by what is kept of CPUs. That of one which
    /// streams tells.
    pub(super) fn in_guests(&self) -> Vec<(CpuId, u32)> {
        let words = STATE_BYTES as usize / 8;
        let of = |cpu: CpuId| {
            let get = |slot: Slot| self.state.get(cpu.0 as usize * words + slot.word());
            let away = [Slot::Exit, Slot::Logged, Slot::Streams].map(get);
            (get(Slot::Thread) != 0 && away == [0; 3]).then(|| (cpu, get(Slot::Thread) as u32))
        };
        self.rings.iter().filter_map(|(cpu, _)| of(*cpu)).collect()
    }

    /// Up to when no CPU has anything in hand or in its log.
    pub(super) fn complete_to(&self) -> Nanos {
        let now = monotonic();
        let mut complete = now.saturating_sub(IN_HAND).0;
        let words = STATE_BYTES as usize / 8;
        for (cpu, _) in &self.rings {
            let at = cpu.0 as usize * words;
            let get = |slot: Slot| self.state.get(at + slot.word());
            if get(Slot::Thread) == 0 || get(Slot::Streams) != 0 {
                continue;
            }
            if get(Slot::Exit) != 0 {
                complete = complete.min(get(Slot::Exit));
            }
            if get(Slot::Logged) != 0 {
                let first = self.state.get(at + LOG_AT as usize / 8 + 1);
                complete = complete.min(first);
            }
        }
        Nanos(complete).max(now.saturating_sub(HELD_BACK))
    }

    /// Reads all that was put out.
    pub(super) fn drain(&mut self, clock: &Clock) -> Drained {
        let mut drained = Drained::default();
        let missing = self.missing.get(0);
        let newly = missing.wrapping_sub(std::mem::replace(&mut self.missing_before, missing));
        self.lost += newly;
        let Bpf {
            rings,
            points,
            small,
            current,
            lost,
            ..
        } = self;
        for (cpu, ring) in rings.iter_mut() {
            let mut decoder = Decoder {
                cpu: *cpu,
                points,
                small,
                clock,
                thread: current.entry(*cpu).or_default(),
                drained: &mut drained,
            };
            ring.drain(&mut |record| match record {
                // A record that cannot be read is as good as lost.
                RingRecord::Tracepoint { time, data } => {
                    if decoder.read(&Record(data)).is_none() {
                        *lost += 1;
                        decoder.tell_at(clock.raw(time), What::Lost);
                    }
                }
                RingRecord::Lost { count, time } => {
                    *lost += count;
                    decoder.tell_at(clock.raw(time), What::Lost);
                }
                RingRecord::Switch { .. } => {}
            });
            // On which CPU, nobody knows.
            if newly > 0 {
                let now = clock.monotonic(monotonic().0);
                decoder.tell_at(now, What::Lost);
            }
        }
        drained
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// How long the programs have run.
    pub(super) fn run_time(&self) -> Option<Nanos> {
        let times = self.programs.iter().map(|program| program.run_time().ok());
        times.sum::<Option<u64>>().map(Nanos)
    }
}

/// What an edge changes of what a CPU is in the course of.
fn course(edge: &Edge) -> Course {
    let slot = |activity: &Activity| match activity {
        Activity::Vector(_) | Activity::Irq(_) => Slot::Interrupt,
        Activity::Softirq(_) => Slot::Softirq,
    };
    match &edge.meaning {
        Meaning::Enter(activity) => Course::Begins(slot(activity)),
        Meaning::Exit(activity) => Course::Ends(slot(activity)),
        _ => Course::Same,
    }
}

fn load(
    load: fn(&[u64], &str) -> Result<Program, crate::sys::bpf::LoadError>,
    code: &[u64],
    name: &str,
) -> Result<Program, String> {
    load(code, "hwgap_host").map_err(|error| format!("BPF program of {name}: {error}"))
}

fn attach_event(program: &Program, point: &Point, cpu: CpuId) -> Result<OwnedFd, String> {
    let attached = program.attach_to_event(u64::from(point.id), cpu);
    attached.map_err(|error| format!("BPF program of {}: {error}", point.name()))
}

/// An offset where programs may load 4 bytes.
fn word_at(point: &Point, field: &str) -> Result<i16, String> {
    at(point, field, 4)
}

fn at(point: &Point, field: &str, align: usize) -> Result<i16, String> {
    let offset = point.field(field).map_err(|error| error.to_string())?;
    match i16::try_from(offset) {
        Ok(at) if offset >= 8 && offset.is_multiple_of(align) => Ok(at),
        _ => Err(format!("{}: {field} lies at {offset}", point.name())),
    }
}

fn exit_fields(point: &Point) -> Result<ExitFields, String> {
    Ok(ExitFields {
        code: word_at(point, "exit_reason")?,
        isa: word_at(point, "isa")?,
        info1: at(point, "info1", 8)?,
        info2: at(point, "info2", 8)?,
        vcpu: word_at(point, "vcpu_id").ok(),
    })
}

fn switch_fields(point: &Point) -> Result<SwitchFields, String> {
    let both = |first, second| Ok::<_, String>([word_at(point, first)?, word_at(point, second)?]);
    Ok(SwitchFields {
        state: at(point, "prev_state", 8)?,
        threads: both("prev_pid", "next_pid")?,
        priorities: both("prev_prio", "next_prio")?,
        names: both("prev_comm", "next_comm")?,
    })
}
