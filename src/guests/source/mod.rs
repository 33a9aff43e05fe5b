//! Where the events of vCPUs come from: BPF programs, else tracepoints.

mod bpf;
mod clock;
mod points;
mod rings;
mod roster;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::event::{Event, Found, Left, What};
use super::find::{FoundGuest, Wanted};
use super::smi::SmiWatch;
use crate::evidence::buffers::Buffers;
use crate::host::root::Root;
use crate::host::text::clean;
use crate::host::topology::CpuSets;
use crate::host::tracefs::Tracefs;
use crate::model::absence::{HostSource, Isa, SmiRise, SmisUnread};
use crate::sys::tsc;
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Cycles, Nanos};

use bpf::{Bpf, Order};
use clock::Clock;
use points::Points;
use rings::Rings;
use roster::Roster;

/// How often guests are looked for, and their clocks read.
const LOOK: Duration = Duration::from_secs(1);
/// How often SMI counts are read that programs cannot read: it interrupts each CPU.
const SMIS: Duration = Duration::from_secs(1);
/// The longest name of a task that the kernel tells.
const TASK_NAME: usize = 16;

/// Which source is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// BPF programs where they can be had.
    Best,
    /// Tracepoints, every record of them.
    Tracepoints,
}

/// Why vCPUs cannot be observed.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Whatever is missing, with its remedy.
    #[error("{0}")]
    Missing(String),
}

/// What is known of the source so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which one it is.
    pub source: HostSource,
    /// Why that is not BPF, where it is not.
    pub reason: Option<String>,
    /// Records that the kernel could not keep.
    pub lost_records: u64,
    /// How far the times of events may be from the TSC, at most.
    pub clock_error: Nanos,
    /// The time that the kernel's hooks took, where it counts that.
    pub hooks: Option<Nanos>,
}

enum Engine {
    Bpf(Box<Bpf>),
    Tracepoints(Box<Rings>),
}

/// An open source. The kernel forgets all of it when this is dropped.
pub struct Source {
    engine: Engine,
    reason: Option<String>,
    clock: Clock,
    roster: Roster,
    smis: SmiWatch,
    smis_by_programs: bool,
    /// Events after what is complete, in order of time.
    held: Vec<Event>,
    /// Threads of which some event has told.
    told: HashSet<u32>,
    /// Those that programs had in their guests at the last look at the records.
    in_guests: Vec<(CpuId, u32)>,
    looked: Instant,
    counted: Instant,
    hooks_are_timed: bool,
    // A mount of our own goes with it.
    _tracefs: Tracefs,
}

/// Begins to record absences longer than `threshold`.
///
/// # Errors
/// Where neither source can be had, or there is no KVM, or no such guest.
pub fn open(
    wanted: &Wanted,
    threshold: Nanos,
    choice: Choice,
    root: &Root,
) -> Result<Source, SourceError> {
    let tracefs = Tracefs::open(root)
        .map_err(|why| SourceError::Missing(format!("{why}; hwgap host takes root")))?;
    let points = Points::find(root, tracefs.root()).map_err(|error| {
        SourceError::Missing(format!(
            "the kernel shows no tracepoints of KVM ({error}); as root, on a host with the \
             modules kvm and kvm-intel or kvm-amd loaded, they are there"
        ))
    })?;
    let sets = CpuSets::read(root);
    let online: Vec<CpuId> = match &sets.online {
        Ok(online) => online.iter().collect(),
        Err(error) => return Err(SourceError::Missing(error.to_string())),
    };
    let possible = sets.possible.as_ref().ok().and_then(highest);
    let highest = online.iter().copied().chain(possible).max();
    let roster = Roster::begin(root, wanted)?;
    let smis = SmiWatch::open(root, &online);
    let clock = Clock::begin();
    let ring_bytes = Buffers::of_each(online.len()).records;
    let attach = || {
        let events = smis.events();
        let order = |smis| Order {
            points: points.clone(),
            online: &online,
            highest: highest.unwrap_or(CpuId(0)),
            ring_bytes,
            threshold,
            all: *wanted == Wanted::All,
            smis,
        };
        let has_events = events.is_some();
        match Bpf::attach(order(events)) {
            Ok(bpf) => Ok((bpf, has_events)),
            // Some counters cannot be read from a program.
            Err(_) if has_events => Bpf::attach(order(None)).map(|bpf| (bpf, false)),
            Err(reason) => Err(reason),
        }
    };
    let attached = match choice {
        Choice::Best => attach(),
        Choice::Tracepoints => Err(String::from("tracepoints were asked for")),
    };
    let (engine, smis_by_programs, reason) = match attached {
        Ok((bpf, by_programs)) => (Engine::Bpf(Box::new(bpf)), by_programs, None),
        Err(reason) => {
            let rings = Rings::open(points, &online, ring_bytes).map_err(|error| {
                SourceError::Missing(format!("{reason}; and without BPF: {error}"))
            })?;
            (Engine::Tracepoints(Box::new(rings)), false, Some(reason))
        }
    };
    let timed = root.read_number::<u8>("proc/sys/kernel/bpf_stats_enabled");
    let now = Instant::now();
    let mut source = Source {
        engine,
        reason,
        clock,
        roster,
        smis,
        smis_by_programs,
        held: Vec::new(),
        told: HashSet::new(),
        in_guests: Vec::new(),
        looked: now,
        counted: now,
        hooks_are_timed: timed == Ok(1),
        _tracefs: tracefs,
    };
    source.tell_programs();
    // Before whatever is the begin of the observation.
    source.watch_new(Cycles(0));
    Ok(source)
}

impl Source {
    /// What has happened since the last call, in order of time, up to what is
    /// complete. To be called about every 50 ms.
    pub fn poll(&mut self) -> Vec<Event> {
        let complete = self.take();
        let after = self.held.partition_point(|event| event.at <= complete);
        let rest = self.held.split_off(after);
        std::mem::replace(&mut self.held, rest)
    }

    /// The same, with all that is left: the observation ends.
    pub fn finish(&mut self) -> Vec<Event> {
        self.take();
        self.look();
        self.smis.read();
        std::mem::take(&mut self.held)
    }

    /// The guests that are known by now: also those that were found since it
    /// began. Their TSC and waiting times are those of the latest look, at most a
    /// second ago or that of [`Source::finish`].
    pub fn guests(&self) -> &[FoundGuest] {
        self.roster.guests()
    }

    /// When the SMI count of a CPU rose, in cycles of the host's TSC itself; or why
    /// it cannot be read.
    ///
    /// # Errors
    /// The reason.
    pub fn smi_rises(&self) -> Result<&[SmiRise], &str> {
        self.smis.rises()
    }

    /// CPUs whose count cannot be read any more, from when on, as above.
    pub fn smis_unread(&self) -> &[SmisUnread] {
        self.smis.unread()
    }

    /// What is known of the source so far.
    pub fn standing(&self) -> Standing {
        let (monotonic, raw) = self.clock.errors();
        match &self.engine {
            Engine::Bpf(bpf) => Standing {
                source: HostSource::Bpf,
                reason: None,
                lost_records: bpf.lost(),
                clock_error: monotonic,
                hooks: bpf.run_time().filter(|_| self.hooks_are_timed),
            },
            Engine::Tracepoints(rings) => Standing {
                source: HostSource::Tracepoints,
                reason: self.reason.clone(),
                lost_records: rings.lost(),
                clock_error: raw,
                hooks: None,
            },
        }
    }

    /// Takes in what the kernel has recorded. Up to when it is complete.
    fn take(&mut self) -> Cycles {
        if self.looked.elapsed() >= LOOK {
            self.look();
        }
        if !self.smis_by_programs && self.counted.elapsed() >= SMIS {
            self.counted = Instant::now();
            self.smis.read();
        }
        self.clock.tick();
        let mut in_guests = Vec::new();
        let (mut events, complete) = match &mut self.engine {
            Engine::Bpf(bpf) => {
                in_guests = bpf.in_guests();
                let complete = self.clock.monotonic(bpf.complete_to().0);
                let drained = bpf.drain(&self.clock);
                for (cpu, count, at) in drained.smis {
                    self.smis.note(cpu, count, at);
                }
                (drained.events, complete)
            }
            Engine::Tracepoints(rings) => {
                let complete = rings::complete_to(&self.clock);
                (rings.drain(&self.clock), complete)
            }
        };
        for event in &events {
            if let What::Exit { tid, vcpu, .. } | What::Entry { tid, vcpu } = event.what {
                self.roster.learn(tid, vcpu);
                self.watch_new(event.at);
            }
            self.told.extend(threads(&event.what));
        }
        self.follow_silent(in_guests);
        // Tracepoints tell of every thread.
        events.retain(|event| match event.what {
            What::Exit { tid, .. }
            | What::Entry { tid, .. }
            | What::ToVmm { tid, .. }
            | What::Waking { tid, .. }
            | What::Moved { tid, .. } => self.roster.has(tid),
            _ => true,
        });
        self.held.append(&mut events);
        // Stable: of one time, the order of the kernel's.
        self.held.sort_by_key(|event| event.at);
        complete
    }

    fn look(&mut self) {
        self.looked = Instant::now();
        let ended = self.roster.look();
        if let Engine::Bpf(bpf) = &self.engine {
            for tid in ended {
                bpf.forget_thread(tid);
            }
        }
        self.tell_programs();
        self.watch_new(Cycles(tsc::read()));
    }

    /// Says of threads that are new from when on they are watched.
    fn watch_new(&mut self, at: Cycles) {
        for (tid, cpu, is_stopped) in self.roster.take_new() {
            let place = match is_stopped {
                true => Found::Stopped,
                false => Found::Unknown,
            };
            let what = What::Watched { tid, place };
            self.held.push(Event { at, cpu, what });
        }
    }

    /// A vCPU that is in its guest, of which nothing was told: the first that programs
    /// saw of it was an exit, and each absence since was short. Had it entered after
    /// they began, they would have told of that. Twice, as a program may be at work.
    fn follow_silent(&mut self, now: Vec<(CpuId, u32)>) {
        let before = std::mem::replace(&mut self.in_guests, now);
        let lost = matches!(&self.engine, Engine::Bpf(bpf) if bpf.lost() > 0);
        for &(cpu, tid) in &self.in_guests {
            let is_silent = before.contains(&(cpu, tid)) && !self.told.contains(&tid) && !lost;
            if is_silent && self.roster.has(tid) {
                self.told.insert(tid);
                let place = Found::InGuest;
                self.held.push(Event {
                    at: Cycles(0),
                    cpu,
                    what: What::Watched { tid, place },
                });
            }
        }
    }

    fn tell_programs(&self) {
        if let Engine::Bpf(bpf) = &self.engine {
            for pid in self.roster.processes() {
                bpf.want_process(pid);
            }
            for tid in self.roster.threads() {
                bpf.want_thread(tid);
            }
        }
    }
}

/// The threads that a record is about.
fn threads(what: &What) -> Vec<u32> {
    match what {
        What::Exit { tid, .. }
        | What::Entry { tid, .. }
        | What::ToVmm { tid, .. }
        | What::Waking { tid, .. }
        | What::Moved { tid, .. } => vec![*tid],
        What::Switch { from, to, .. } => vec![*from, *to],
        _ => Vec::new(),
    }
}

fn highest(list: &CpuList) -> Option<CpuId> {
    list.iter().max()
}

/// KVM_ISA_VMX and KVM_ISA_SVM (arch/x86/kvm/trace.h).
fn isa(number: u32) -> Option<Isa> {
    match number {
        1 => Some(Isa::Vmx),
        2 => Some(Isa::Svm),
        _ => None,
    }
}

/// How a task leaves, by `prev_state`: the lowest eight bits tell why it does not
/// run on (TASK_REPORT in include/linux/sched.h).
fn left(state: u64) -> Left {
    match state & 0xff {
        0 => Left::Runnable,
        bits if bits & 0xc != 0 => Left::Stopped,
        _ => Left::Asleep,
    }
}

fn name(comm: &[u8]) -> String {
    let end = comm.iter().position(|&byte| byte == 0);
    let comm = &comm[..end.unwrap_or(comm.len())];
    clean(&String::from_utf8_lossy(comm), TASK_NAME)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
