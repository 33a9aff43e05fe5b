//! One BPF program for each tracepoint, for all CPUs, in the place of one perf
//! event for each tracepoint and CPU: what they record goes into the same rings,
//! with the same clock, in the same order.
//!
//! Each is attached to its tracepoint itself, not to an event of it. Programs of
//! events are kept from running within one another (kernel/trace/bpf_trace.c,
//! `trace_call_bpf`), so that an interrupt that comes while one is at work would
//! leave no record; those of tracepoints only within themselves, and none of these
//! tracepoints is hit within itself. Where interrupts nest deeper than the
//! kernel has room for, the records that are missing are counted.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::bpf::{Area, Asm, Condition, Helper, Outputs, Program, Reg, Width};
use crate::sys::perf_ring::PerfRing;
use crate::units::CpuId;

use super::formats::{Activity, Meaning, Tracepoint};

/// What a program records: the number of its tracepoint, and a field of it.
const NUMBER: i16 = -16;
const FIELD: i16 = -8;
const RECORD: i32 = 16;
/// Where the field is in the record.
const FIELD_AT: usize = 8;
/// BPF_F_CURRENT_CPU: the ring of the CPU on which the program runs.
const THIS_CPU: u64 = 0xffff_ffff;

/// The programs, attached for as long as this lives.
#[derive(Debug)]
pub(super) struct Programs {
    points: Vec<Tracepoint>,
    attached: Vec<OwnedFd>,
    rings: Outputs,
    missing: Area,
    missing_before: u64,
}

impl Programs {
    /// Attaches a program to each of these tracepoints that a program can stand
    /// for. They record nothing yet, as no ring is there.
    ///
    /// # Errors
    /// Why one cannot be: then none is.
    pub(super) fn attach(points: &[Tracepoint], highest: CpuId) -> Result<Programs, String> {
        let failed = |error: std::io::Error| error.to_string();
        let rings = Outputs::new(highest.0.saturating_add(1), "hwgap_rings").map_err(failed)?;
        let missing = Area::new(1, "hwgap_missing").map_err(failed)?;
        let mut programs = Programs {
            points: Vec::new(),
            attached: Vec::new(),
            rings,
            missing,
            missing_before: 0,
        };
        for point in points {
            let Some((meaning, argument)) = by_program(&point.meaning) else {
                continue;
            };
            let code = programs.code(point.id, argument)?;
            let program =
                Program::load(&code, "hwgap_record").map_err(|error| error.to_string())?;
            let name = CString::new(point.name.as_str()).map_err(|error| error.to_string())?;
            let attached = program.attach(&name);
            let attached = attached.map_err(|error| format!("{}: {error}", point.name))?;
            programs.attached.push(attached);
            programs.points.push(Tracepoint {
                meaning,
                ..point.clone()
            });
        }
        Ok(programs)
    }

    /// The tracepoints, with the fields where these programs put them.
    pub(super) fn points(&self) -> &[Tracepoint] {
        &self.points
    }

    /// Whether a tracepoint has a program here.
    pub(super) fn has(&self, point: &Tracepoint) -> bool {
        self.points.iter().any(|own| own.id == point.id)
    }

    /// Records what happens on this CPU into this ring.
    ///
    /// # Errors
    /// Those of bpf(2).
    pub(super) fn fill(&self, cpu: CpuId, ring: &PerfRing) -> std::io::Result<()> {
        self.rings.put(cpu, ring.leader())
    }

    /// How many records are missing since the last call that no ring tells of.
    pub(super) fn newly_missing(&mut self) -> u64 {
        let missing = self.missing.get(0);
        missing.wrapping_sub(std::mem::replace(&mut self.missing_before, missing))
    }

    /// The descriptors that keep the programs attached.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.attached.iter().map(AsFd::as_fd)
    }

    fn code(&self, id: u16, argument: Option<i16>) -> Result<Vec<u64>, String> {
        let mut asm = Asm::default();
        let (context, end) = (Reg::R6, asm.label());
        asm.copy(context, Reg::R1);
        asm.set(Reg::R0, 0);
        if let Some(argument) = argument {
            asm.load(Reg::R0, context, 8 * argument, Width::Double);
        }
        asm.store(Reg::Frame, FIELD, Reg::R0, Width::Double);
        asm.set(Reg::R0, i32::from(id));
        asm.store(Reg::Frame, NUMBER, Reg::R0, Width::Double);
        asm.copy(Reg::R1, context);
        asm.map(Reg::R2, self.rings.array());
        asm.set_wide(Reg::R3, THIS_CPU);
        asm.copy(Reg::R4, Reg::Frame);
        asm.add(Reg::R4, i32::from(NUMBER));
        asm.set(Reg::R5, RECORD);
        asm.call(Helper::PerfEventOutput);
        // A CPU without a ring is none of ours, and a full ring tells of itself.
        for expected in [0, -libc::ENOENT, -libc::E2BIG, -libc::ENOSPC] {
            asm.jump_if_value(Reg::R0, Condition::Equal, expected, end);
        }
        asm.set(Reg::R1, 1);
        asm.address_in_map(Reg::R2, self.missing.map(), 0);
        asm.add_atomically(Reg::R2, 0, Reg::R1, Width::Double);
        asm.place(end);
        asm.set(Reg::R0, 0);
        asm.exit();
        asm.finish().map_err(|error| error.to_string())
    }
}

/// What a tracepoint means by the record of its program, and which argument of
/// its goes into it; `None` where no program can stand for it: the name of the
/// next task is none of the arguments of `sched_switch`.
fn by_program(meaning: &Meaning) -> Option<(Meaning, Option<i16>)> {
    let (irq, softirq) = (Activity::Irq(FIELD_AT), Activity::Softirq(FIELD_AT));
    let of = |activity: &Activity| match activity {
        Activity::Vector(_) => (activity.clone(), None),
        Activity::Irq(_) => (irq.clone(), Some(0)),
        Activity::Softirq(_) => (softirq.clone(), Some(0)),
    };
    Some(match meaning {
        Meaning::Enter(activity) => {
            let (activity, argument) = of(activity);
            (Meaning::Enter(activity), argument)
        }
        Meaning::Exit(activity) => {
            let (activity, argument) = of(activity);
            (Meaning::Exit(activity), argument)
        }
        Meaning::Nmi { .. } => (Meaning::Nmi { length: FIELD_AT }, Some(1)),
        Meaning::Fault(name) => (Meaning::Fault(name), None),
        Meaning::Switch { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::evidence::kernel_trace::formats;
    use crate::host::root::Root;
    use crate::host::tracefs::Tracefs;
    use crate::sys::perf_record::RingRecord;

    /// Time, number of the tracepoint and field of each record.
    fn records(ring: &mut PerfRing, points: &[Tracepoint]) -> Vec<(u64, u16, u64)> {
        let mut all = Vec::new();
        ring.drain(&mut |record| match record {
            RingRecord::Tracepoint { time, data } => {
                let id = u16::from_ne_bytes([data[0], data[1]]);
                let Some(point) = points.iter().find(|point| point.id == id) else {
                    return;
                };
                let word = |at: usize, length: usize| {
                    let mut bytes = [0; 8];
                    bytes[..length].copy_from_slice(&data[at..at + length]);
                    u64::from_ne_bytes(bytes)
                };
                let field = match &point.meaning {
                    Meaning::Enter(Activity::Irq(at) | Activity::Softirq(at))
                    | Meaning::Exit(Activity::Irq(at) | Activity::Softirq(at)) => word(*at, 4),
                    Meaning::Nmi { length } => word(*length, 8),
                    _ => 0,
                };
                all.push((time, id, field));
            }
            RingRecord::Lost { count, .. } => panic!("{count} records were lost"),
            RingRecord::Switch { .. } => {}
        });
        all
    }

    /// Both ways at the same time, on one CPU: the same records.
    #[test]
    fn programs_record_what_events_do() {
        let cpu = CpuId(0);
        let opened = Tracefs::open(&Root::live()).and_then(|files| {
            formats::find(files.root())
                .map(|points| (files, points))
                .map_err(|error| error.to_string())
        });
        let (_files, points) = match opened {
            Ok(opened) => opened,
            Err(reason) => return println!("skipped: {reason}"),
        };
        let programs = match Programs::attach(&points, cpu) {
            Ok(programs) => programs,
            Err(reason) => return println!("skipped: {reason}"),
        };
        let open = || PerfRing::open(cpu, 1 << 20).unwrap();
        let (mut by_program, mut by_event) = (open(), open());
        let points: Vec<Tracepoint> = (points.into_iter())
            .filter(|point| programs.has(point))
            .collect();
        assert!(points.len() > 10, "{}", points.len());
        for point in &points {
            by_event.join(u64::from(point.id)).unwrap();
        }
        by_event.enable().unwrap();
        by_program.enable().unwrap();
        programs.fill(cpu, &by_program).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(300) {
            std::thread::sleep(Duration::from_micros(100));
        }
        // The events were there earlier, and are read later.
        let program = records(&mut by_program, programs.points());
        let event = records(&mut by_event, &points);
        assert!(program.len() > 20, "{} are too few", program.len());
        let (first, last) = (program[0].0, program[program.len() - 1].0);
        let surely_within = first + 5_000_000..last.saturating_sub(5_000_000);
        for point in &points {
            let of = |all: &[(u64, u16, u64)]| -> Vec<(u64, u64)> {
                let own = all.iter().filter(|(_, id, _)| *id == point.id);
                own.map(|&(time, _, field)| (time, field)).collect()
            };
            let (own, all) = (of(&program), of(&event));
            let within = all.iter().filter(|(time, _)| surely_within.contains(time));
            assert!(
                within.count() <= own.len(),
                "{}: records are missing",
                point.name
            );
            // An interrupt, or a stall of a guest, may come between the two ways of
            // one hit, so that neither the order nor the last one is compared.
            let is_there = |field: u64| all.iter().any(|one| one.1 == field);
            let strange = own.iter().find(|one| !is_there(one.1));
            assert_eq!(strange, None, "{}", point.name);
        }
    }
}
