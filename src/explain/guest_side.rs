//! The guest's side: what of its gaps lies below its kernel.

use std::collections::{HashMap, HashSet};

use crate::model::{Cause, CauseCounts, CpuReport, EngineName, Gap, Report};
use crate::units::{CpuId, Hertz, Nanos};

use super::host_side::{HostSide, Moment, Span, signed};
use super::line::Line;

/// A gap, and what of it is to be explained.
pub(super) struct Below<'a> {
    pub gap: &'a Gap,
    /// On the guest's TSC.
    start: u64,
    end: u64,
    /// The platform's part, where the guest knows its place.
    part: Option<(u64, u64)>,
    /// What lies below the guest's kernel, in nanoseconds.
    pub length: i64,
}

/// The same on the host's time line.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    pub span: Span,
    pub part: Option<Span>,
}

impl<'a> Below<'a> {
    fn new(gap: &'a Gap, origin: u64, hz: Hertz) -> Below<'a> {
        let at = |cycles: u64| origin.wrapping_add(cycles);
        let part = gap.cause.is_mixed().then(|| {
            let from = gap
                .start_cycles
                .0
                .saturating_add(hz.to_cycles(gap.platform_at_ns).0);
            (
                at(from),
                at(from.saturating_add(hz.to_cycles(gap.platform_ns).0)),
            )
        });
        Below {
            gap,
            start: at(gap.start_cycles.0),
            end: at(gap.end_cycles.0),
            part,
            length: signed(gap.platform_ns.saturating_add(gap.unknown_ns)),
        }
    }

    pub fn cpu(&self) -> CpuId {
        self.gap.cpu
    }

    /// Whether its ends are those of an absence: its kernel had no part in it.
    pub fn is_pure(&self) -> bool {
        self.part.is_none() && self.gap.os_ns.0 == 0
    }

    pub fn place(&self, host: &HostSide<'_>, line: Line) -> Placed {
        let at = |tsc| host.moment(line, tsc);
        // By a clock that wraps within a gap, its end would be before its begin.
        let from = at(self.start);
        let span = (from, at(self.end).max(from));
        let within = |tsc| at(tsc).clamp(span.0, span.1);
        let part = (self.part).map(|(from, to)| (within(from), within(to).max(within(from))));
        Placed { span, part }
    }

    /// Its begin by the line, and nothing else.
    pub fn begin(&self, host: &HostSide<'_>, line: Line) -> Moment {
        host.moment(line, self.start)
    }
}

/// The guest's gaps, in order of time.
pub(super) struct GuestSide<'a> {
    pub report: &'a Report,
    /// The TSC at cycle 0 of the report.
    pub origin: u64,
    pub gaps: Vec<Below<'a>>,
    /// Which of them each CPU has.
    of_cpus: HashMap<CpuId, Vec<usize>>,
    /// CPUs that were sampled all the time, and of which each gap with a part below
    /// the kernel is listed with its moment.
    whole: HashSet<CpuId>,
    /// How far a gap's place may be off by the guest's own means.
    pub error: i64,
}

impl<'a> GuestSide<'a> {
    pub fn new(report: &'a Report) -> GuestSide<'a> {
        let origin = report.tsc.origin.parse().unwrap_or(0);
        let hz = Hertz(report.tsc.hz);
        let mut gaps: Vec<Below<'a>> = (report.gaps.iter())
            // A gap with companions stands for several, at moments that are not
            // known.
            .filter(|gap| gap.companions.is_none())
            .map(|gap| Below::new(gap, origin, hz))
            .collect();
        gaps.sort_by_key(|below| (below.gap.start_cycles, below.gap.cpu));
        let mut of_cpus: HashMap<CpuId, Vec<usize>> = HashMap::new();
        for (at, gap) in gaps.iter().enumerate() {
            of_cpus.entry(gap.cpu()).or_default().push(at);
        }
        let cpus = report.cpus.iter();
        let errors = cpus.filter_map(|cpu| {
            let masked = cpu.masked.map(|masked| masked.clock_error_ns);
            masked.or(cpu.tracer.as_ref().map(|tracer| tracer.resolution_ns))
        });
        let mut side = GuestSide {
            report,
            origin,
            gaps,
            of_cpus,
            whole: HashSet::new(),
            error: errors.map(signed).max().unwrap_or(0),
        };
        let whole = report.cpus.iter().filter(|cpu| side.is_whole(cpu));
        side.whole = whole.map(|cpu| cpu.cpu).collect();
        side
    }

    /// Gaps whose moments are not known, and which nothing can explain.
    pub fn without_a_moment(&self) -> u64 {
        let all = self.report.gaps.iter();
        all.filter(|gap| gap.companions.is_some() && gap.platform_ns.0 > 0)
            .count() as u64
    }

    pub fn cpus(&self) -> Vec<CpuId> {
        self.report.cpus.iter().map(|cpu| cpu.cpu).collect()
    }

    pub fn of_cpu(&self, cpu: CpuId) -> impl Iterator<Item = &Below<'a>> {
        let own = self.of_cpus.get(&cpu).into_iter().flatten();
        own.map(|at| &self.gaps[*at])
    }

    /// The run on the host's time line, by the lines of one clock.
    pub fn run(&self, host: &HostSide<'_>, lines: &[(Moment, Line)]) -> Option<Span> {
        let ((_, first), (_, last)) = lines.first().zip(lines.last())?;
        let start = host.moment(*first, self.origin);
        let last_start = host.moment(*last, self.origin).max(start);
        let elapsed = signed(self.report.run.elapsed_ns);
        Some((start, last_start.saturating_add(elapsed)))
    }

    /// Whether nothing below the kernel of a CPU is missing in the list.
    pub fn has_all(&self, cpu: CpuId) -> bool {
        self.whole.contains(&cpu)
    }

    fn is_whole(&self, cpu: &CpuReport) -> bool {
        cpu.paused_ns == Nanos(0)
            && cpu.masked.is_none()
            && cpu.tracer.is_none()
            && cpu.ended_early.is_none()
            && cpu.gaps_dropped == 0
            && self.is_listed(cpu)
    }

    fn is_listed(&self, cpu: &CpuReport) -> bool {
        let below = |counts: &CauseCounts| {
            let each = counts.each().into_iter();
            let below = each.filter(|(cause, _)| *cause != Cause::Os);
            below.fold(0, |sum: u64, (_, count)| sum.saturating_add(count))
        };
        let own = self.of_cpu(cpu.cpu);
        let listed = own.filter(|one| one.gap.cause != Cause::Os).count() as u64;
        listed >= below(&cpu.gaps_by_cause)
    }

    /// Whether a tracer of the kernel's told of the gaps, which has no exact
    /// places.
    pub fn is_traced(&self) -> bool {
        matches!(
            self.report.run.engine,
            EngineName::Hwlat | EngineName::Osnoise
        )
    }
}
