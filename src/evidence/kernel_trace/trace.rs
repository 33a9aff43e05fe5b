//! The rings of all sampled CPUs.

use std::collections::VecDeque;
use std::io;

use crate::evidence::Usual;
use crate::evidence::buffers::Buffers;
use crate::host::root::Root;
use crate::host::tracefs::Tracefs;
use crate::sys::clock::moment;
use crate::sys::perf_ring::PerfRing;
use crate::sys::slow_close::bequeath;
use crate::units::{CpuId, Fill, Nanos};

use super::activity::{ActivityId, ByActivity, Names, SourceTotal};
use super::compare::Context;
use super::costs::{Costs, Way};
use super::fold::{Fold, Segment, Who};
use super::formats::{self, Tracepoint};
use super::kernel_time::{KernelTime, Scope};
use super::measured::Measured;
use super::programs::Programs;
use super::reader::{Event, Reader, What};
use super::within::Within;

/// What could be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceSetup {
    /// Rings with this many tracepoints.
    Tracepoints(usize),
    /// Rings with context switches only, and why no more.
    SwitchesOnly(String),
    /// No rings, and why.
    Nothing(String),
}

struct CpuTrace {
    ring: PerfRing,
    reader: Reader,
    fold: Fold,
    segments: VecDeque<Segment>,
    costs: Costs,
    totals: ByActivity<SourceTotal>,
    within: Within,
    /// Gaps that end before this have lost their segments.
    forgotten: Nanos,
    /// From here on records may be lost without a word of it yet.
    cut_from: Option<Nanos>,
}

/// Whether a gap teaches what the ways into the kernel and back cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// It does: the kernel ran in it, and nothing else that is known.
    Taken,
    /// It does not.
    Left,
}

/// The kernel's account of the sampled CPUs.
pub struct KernelTrace {
    cpus: Vec<CpuTrace>,
    buffers: Buffers,
    scope: Scope,
    /// What all CPUs together have taught, for what one has hardly seen.
    common: Costs,
    names: Names,
    programs: Option<Programs>,
    // The detached tracefs must outlive the opening only, but costs nothing.
    _tracefs: Option<Tracefs>,
}

impl KernelTrace {
    /// Opens a ring for each CPU, whose sampler is the thread beside it.
    pub fn open(cpus: &[(CpuId, u32)], root: &Root) -> (Option<KernelTrace>, TraceSetup) {
        let (mount, tracepoints) = tracepoints(root);
        let (points, mut shortage) = match tracepoints {
            Ok(points) => (points, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        let highest = cpus.iter().map(|&(cpu, _)| cpu).max().unwrap_or(CpuId(0));
        // Without them, each CPU has an event of each tracepoint.
        let programs = Programs::attach(&points, highest).ok();
        let mut traces = Vec::with_capacity(cpus.len());
        let buffers = Buffers::of_each(cpus.len());
        for &(cpu, thread) in cpus {
            match open_cpu(cpu, thread, (&points, programs.as_ref()), buffers.records) {
                Ok((trace, None)) => traces.push(trace),
                Ok((trace, Some(reason))) => {
                    shortage.get_or_insert(reason);
                    traces.push(trace);
                }
                Err(error) => {
                    let reason = format!("perf ring of CPU {cpu}: {}", explain(&error));
                    return (None, TraceSetup::Nothing(reason));
                }
            }
        }
        let setup = match shortage {
            None => TraceSetup::Tracepoints(points.len()),
            Some(reason) => TraceSetup::SwitchesOnly(reason),
        };
        (
            Some(KernelTrace {
                cpus: traces,
                buffers,
                scope: match setup {
                    TraceSetup::Tracepoints(_) => Scope::Tracepoints,
                    TraceSetup::SwitchesOnly(_) | TraceSetup::Nothing(_) => Scope::Switches,
                },
                common: Costs::default(),
                names: Names::new(),
                programs,
                _tracefs: mount,
            }),
            setup,
        )
    }

    /// Forgets what was recorded while the samplers were set up.
    pub fn begin(&mut self) {
        self.poll();
        for trace in &mut self.cpus {
            trace.segments.clear();
        }
    }

    /// Whether the first sample of some CPU is still waited for.
    pub fn awaits_samples(&self) -> bool {
        !self.cpus.iter().all(|trace| trace.within.has_begun())
    }

    /// The first sample of the CPU with this index was taken then: nothing that
    /// came before counts.
    pub fn begins(&mut self, index: usize, first: Nanos) {
        self.cpus[index].within.begin(first);
    }

    /// Reads all that the kernel has written so far, and says how full the
    /// fullest ring was.
    pub fn poll(&mut self) -> Fill {
        let mut fullest = Fill(0.0);
        let names = &mut self.names;
        let most = self.buffers.segments;
        let missing = self.programs.as_mut().map_or(0, Programs::newly_missing);
        for trace in &mut self.cpus {
            let CpuTrace {
                ring,
                reader,
                fold,
                segments,
                within,
                ..
            } = trace;
            let before = segments.len();
            let fill = ring.drain(&mut |record| {
                if let Some(event) = reader.read(record, names) {
                    if let What::Lost(count) = event.what {
                        within.lose(event.time, count);
                    }
                    fold.take(event, segments);
                }
            });
            trace.cut_from = ring.was_full().then(|| fold.latest());
            // On which CPU, nobody knows.
            if missing > 0 {
                let now = moment().raw;
                within.lose(now, missing);
                let what = What::Lost(missing);
                fold.take(Event { time: now, what }, segments);
            }
            // What comes in at once must not push out what gaps still need.
            let new = Fill::of(segments.len() - before, most);
            fullest = fullest.max(fill).max(new);
            while trace.segments.len() > most {
                trace.forget_first();
            }
            // A full ring holds more of them than are kept.
            trace.segments.shrink_to(most);
        }
        fullest
    }

    /// The names in accounts.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What was recorded of a gap on the CPU with this index. Gaps of a CPU must
    /// come in order, each after a [`KernelTrace::poll`] that came after it.
    pub fn measure(&mut self, index: usize, start: Nanos, end: Nanos, lesson: Lesson) -> Measured {
        let trace = &mut self.cpus[index];
        while trace
            .segments
            .front()
            .is_some_and(|first| first.end < start)
        {
            trace.finish_first();
        }
        let lost = Segment {
            start,
            end,
            who: Who::Lost,
        };
        let is_cut = trace.cut_from.is_some_and(|from| end > from);
        let forgotten = (start < trace.forgotten || is_cut).then_some(&lost);
        let within = trace
            .segments
            .iter()
            .take_while(|segment| segment.start < end);
        let measured = Measured::of(within.chain(forgotten), start, end, &self.names);
        if lesson == Lesson::Taken {
            measured.teach(&mut trace.costs, &self.names);
            measured.teach(&mut self.common, &self.names);
        }
        measured
    }

    /// Holds it against what is known of the CPU's costs by now. `own` is the
    /// sampler's own work in the gap, about.
    pub fn kernel_time(&self, index: usize, measured: &Measured, own: Nanos) -> KernelTime {
        let context = Context {
            costs: &self.cpus[index].costs,
            common: &self.common,
            scope: self.scope,
            own,
        };
        measured.against(context)
    }

    /// What the ways into the kernel and back cost at most on the CPU with this
    /// index, as far as its gaps tell.
    pub fn ways(&self, index: usize) -> Vec<(Way, Usual)> {
        let costs = &self.cpus[index].costs;
        let all = [Way::In, Way::Between, Way::Out, Way::Untraced];
        let known = all.map(|way| costs.way(way).map(|usual| (way, usual)));
        known.into_iter().flatten().collect()
    }

    /// Closes the rings and leaves the names in accounts.
    pub fn into_names(mut self) -> Names {
        std::mem::replace(&mut self.names, Names::new())
    }

    /// All that each source took of a CPU up to the moment at which sampling
    /// ended, the largest first; and how many records were lost.
    pub fn totals(&mut self, index: usize, ended: Nanos) -> (Vec<(ActivityId, SourceTotal)>, u64) {
        let trace = &mut self.cpus[index];
        while let Some(first) = trace.segments.front_mut()
            && first.start < ended
        {
            first.end = first.end.min(ended);
            trace.finish_first();
        }
        self.totals_so_far(index)
    }

    /// The same in mid-run, without what gaps to come may still ask for.
    pub fn totals_so_far(&self, index: usize) -> (Vec<(ActivityId, SourceTotal)>, u64) {
        let trace = &self.cpus[index];
        let mut totals: Vec<_> = (trace.totals.iter())
            .filter(|(_, total)| total.count > 0)
            .map(|(id, &total)| (id, total))
            .collect();
        totals.sort_by_key(|&(id, total)| (std::cmp::Reverse(total.total), id));
        (totals, trace.within.lost())
    }
}

/// Nothing has to wait for the kernel to close the rings: a child does, or, where
/// none can be had, a thread for as long as this process lives.
impl Drop for KernelTrace {
    fn drop(&mut self) {
        let rings = self.cpus.iter().map(|trace| &trace.ring);
        let programs = self.programs.iter().flat_map(Programs::descriptors);
        let descriptors: Vec<_> = rings
            .flat_map(PerfRing::descriptors)
            .chain(programs)
            .collect();
        let heir = bequeath(&descriptors);
        let held = (std::mem::take(&mut self.cpus), self.programs.take());
        let _ = std::thread::Builder::new().spawn(move || {
            drop(held);
            // Only then, or this process would be the last to close some.
            drop(heir);
        });
    }
}

impl CpuTrace {
    fn finish_first(&mut self) {
        if let Some(segment) = self.segments.pop_front()
            && let Who::Named(id) | Who::Mark(id) = segment.who
        {
            let length = segment.end.saturating_sub(segment.start);
            if let Some(counted) = self.within.length(&segment) {
                self.totals.entry(id).add(counted);
            }
            // Most activities are in no recorded gap, and teach what is usual.
            if length > Nanos(0) {
                self.costs.learn_handler(id, length);
            }
        }
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.segments.front() {
            self.forgotten = first.end;
        }
        self.finish_first();
    }
}

/// Finds the tracepoints. The tracing files are returned too, as a mount of our
/// own goes with them.
fn tracepoints(root: &Root) -> (Option<Tracefs>, Result<Vec<Tracepoint>, String>) {
    match Tracefs::open(root) {
        Ok(files) => {
            let found = formats::find(files.root()).map_err(|error| error.to_string());
            (Some(files), found)
        }
        Err(reason) => (None, Err(reason)),
    }
}

/// Opens a CPU's ring for these tracepoints, some of which may have programs.
/// Where tracepoints are refused, context switches remain.
fn open_cpu(
    cpu: CpuId,
    thread: u32,
    (points, programs): (&[Tracepoint], Option<&Programs>),
    room: usize,
) -> io::Result<(CpuTrace, Option<String>)> {
    let mut ring = PerfRing::open(cpu, room)?;
    let mut shortage = None;
    let mut joined = Vec::with_capacity(points.len());
    if let Some(programs) = programs {
        joined.extend_from_slice(programs.points());
    }
    let has_program = |point: &Tracepoint| programs.is_some_and(|own| own.has(point));
    for point in points.iter().filter(|point| !has_program(point)) {
        match ring.join(u64::from(point.id)) {
            Ok(()) => joined.push(point.clone()),
            // Some kernels list tracepoints that perf refuses; an entry whose
            // exit is refused would swallow what follows.
            Err(error) => {
                shortage = Some(format!("tracepoint {}: {}", point.id, explain(&error)));
                break;
            }
        }
    }
    if shortage.is_some() {
        ring = PerfRing::open(cpu, room)?;
        joined.clear();
    }
    ring.enable()?;
    if let Some(programs) = programs.filter(|_| shortage.is_none()) {
        programs.fill(cpu, &ring)?;
    }
    let trace = CpuTrace {
        ring,
        reader: Reader::new(&joined, thread),
        fold: Fold::default(),
        segments: VecDeque::new(),
        costs: Costs::default(),
        totals: ByActivity::default(),
        within: Within::default(),
        forgotten: Nanos(0),
        cut_from: None,
    };
    Ok((trace, shortage))
}

fn explain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => {
            String::from("not allowed; needs CAP_PERFMON or kernel.perf_event_paranoid at -1")
        }
        Some(libc::EMFILE | libc::ENFILE) => String::from(
            "too many open files; raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd)",
        ),
        _ => error.to_string(),
    }
}
