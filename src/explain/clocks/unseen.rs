//! The other way round: whether long absences lie within gaps. A vCPU that is away
//! reads no clock, so that a guest's CPU that samples has a gap for each. One that
//! has none speaks against the clock more than a gap without an absence does, which
//! an SMI or the CPU may have made.

use crate::explain::fit::tolerance;
use crate::explain::guest_side::GuestSide;
use crate::explain::host_side::{Away, HostSide, Moment, Span, VcpuSide, signed};
use crate::model::CpuReport;
use crate::model::absence::HostCause;
use crate::units::Nanos;

use super::CpuClock;

/// A CPU may begin so much of the run later than it, or end before it: one part in
/// so many.
const EDGE: i64 = 20;

/// Absences held against gaps.
#[derive(Clone, Debug, Default)]
pub(in crate::explain) struct Seen {
    pub tried: u64,
    /// The lengths of those that lie in no gap.
    pub missed: Vec<i64>,
}

impl Seen {
    /// At least this share of what was tried lies in no gap, in percent.
    pub fn misses(&self, percent: u64) -> bool {
        self.missed.len() as u64 * 100 >= self.tried * percent
    }
}

/// Holds the absences of a vCPU against the gaps of a CPU of the guest, where all
/// of its time was sampled and all long gaps are listed.
pub(super) fn seen(
    clock: &CpuClock,
    guest: &GuestSide<'_>,
    host: &HostSide<'_>,
    vcpu: &VcpuSide<'_>,
    error: i64,
) -> Seen {
    let tolerance = tolerance(error);
    let mut all = guest.report.cpus.iter();
    let cpu = all.find(|cpu| cpu.cpu == clock.cpu);
    let Some(least) = cpu.and_then(|cpu| threshold(cpu, guest)) else {
        return Seen::default();
    };
    let least = least.saturating_add(2 * tolerance);
    let mut gaps: Vec<Span> = (guest.of_cpu(clock.cpu))
        .filter_map(|gap| clock.place(host, gap))
        .map(|placed| placed.span)
        .collect();
    gaps.sort_unstable();
    let Some(sampled) = sampled(clock, guest, host, &gaps) else {
        return Seen::default();
    };
    let last_end = gaps.iter().scan(Moment::MIN, |last, gap| {
        *last = (*last).max(gap.1);
        Some(*last)
    });
    let last_end: Vec<Moment> = last_end.collect();
    let mut seen = Seen::default();
    for away in vcpu.within(sampled) {
        let span = (away.start, away.end);
        let is_tried = away.end - away.start > least
            && span.0 >= sampled.0
            && span.1 <= sampled.1
            && clock.is_sure_at(span.0)
            && speaks(away)
            && vcpu.lost_in((span.0 - tolerance, span.1 + tolerance)) == 0;
        if !is_tried {
            continue;
        }
        seen.tried += 1;
        let begun = gaps.partition_point(|gap| gap.0 <= span.0.saturating_add(tolerance));
        let ends = begun.checked_sub(1).map(|last| last_end[last]);
        if ends.is_none_or(|end| end.saturating_add(tolerance) < span.1) {
            seen.missed.push(span.1 - span.0);
        }
    }
    seen
}

/// When the CPU sampled for certain: between its gaps, and but for the begin and the
/// end of the run where it has none.
fn sampled(
    clock: &CpuClock,
    guest: &GuestSide<'_>,
    host: &HostSide<'_>,
    gaps: &[Span],
) -> Option<Span> {
    let elapsed = signed(guest.report.run.elapsed_ns);
    let ((_, first), (_, last)) = clock.lines.first().zip(clock.lines.last())?;
    let begun = host.moment(*first, guest.origin);
    let ended = host.moment(*last, guest.origin).saturating_add(elapsed);
    let edge = elapsed / EDGE;
    let (from, to) = (begun.saturating_add(edge), ended.saturating_sub(edge));
    Some(match gaps.first().zip(gaps.last()) {
        Some((first, last)) => (from.min(first.1), to.max(last.0)),
        None => (from, to),
    })
}

/// The threshold of a CPU that sampled all of its time and lists all its gaps; `None`
/// of another: a gap that is not listed may be as long as any, most of it the guest's
/// kernel's, and hold an absence.
fn threshold(cpu: &CpuReport, guest: &GuestSide<'_>) -> Option<i64> {
    let run = &guest.report.run;
    let is_whole = cpu.paused_ns == Nanos(0)
        && cpu.masked.is_none()
        && cpu.tracer.is_none()
        && cpu.ended_early.is_none()
        && cpu.gaps_dropped == 0
        && lists_all(cpu)
        && signed(cpu.elapsed_ns) >= signed(run.elapsed_ns) / EDGE * (EDGE - 1);
    (is_whole && !guest.is_traced()).then(|| signed(run.threshold_ns))
}

/// Whether each gap of a CPU is in the guest's report.
pub(super) fn lists_all(cpu: &CpuReport) -> bool {
    cpu.gaps_recorded >= cpu.gaps_seen
}

/// Whether a guest that samples must have noticed it: one that halts does not.
pub(super) fn speaks(away: &Away<'_>) -> bool {
    let is_halt = |cause| cause == HostCause::VcpuHalted;
    let absence = away.absence;
    !absence.incomplete && !absence.parts.iter().any(|part| is_halt(part.cause))
}
