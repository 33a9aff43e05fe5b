//! The guest's side: what of its gaps lies below its kernel.

use crate::model::{EngineName, Gap, Report};
use crate::units::{CpuId, Hertz};

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
        let cpus = report.cpus.iter();
        let errors = cpus.filter_map(|cpu| {
            let masked = cpu.masked.map(|masked| masked.clock_error_ns);
            masked.or(cpu.tracer.as_ref().map(|tracer| tracer.resolution_ns))
        });
        GuestSide {
            report,
            origin,
            gaps,
            error: errors.map(signed).max().unwrap_or(0),
        }
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
        self.gaps.iter().filter(move |below| below.cpu() == cpu)
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
