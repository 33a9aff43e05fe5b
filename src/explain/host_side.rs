//! The host's side: a guest's vCPUs on the time line of their host.

use std::collections::HashSet;
use std::ops::Range;

use crate::model::absence::{Absence, Guest, HostCause, HostReport, HostTotal, SmisUnread, Vcpu};
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Cycles, Nanos};

use super::line::Line;
use super::smis::Smis;

/// A moment in nanoseconds since the host's `tsc.origin`; what lies before has a
/// sign.
pub(super) type Moment = i64;

/// A stretch of time, from and to.
pub(super) type Span = (Moment, Moment);

/// Two years: what is further away, or longer, is no measurement, and sums of a few
/// of these are still moments.
const MOST: i64 = 1 << 56;

/// One guest on one host.
pub(super) struct HostSide<'a> {
    pub report: &'a HostReport,
    pub guest: &'a Guest,
    clock: Clock,
    /// When it was observed.
    pub observed: Span,
    /// How far the records may be from the TSC.
    pub error: i64,
    pub vcpus: Vec<VcpuSide<'a>>,
    /// `None` where no SMI can be counted.
    pub smis: Option<Smis>,
}

/// A vCPU.
pub(super) struct VcpuSide<'a> {
    pub vcpu: &'a Vcpu,
    /// In order of time, none overlaps another.
    pub away: Vec<Away<'a>>,
    pub lost: Vec<Span>,
    /// Absences up to this length may have no record.
    pub unseen: i64,
    /// Those in which the vCPU was halted up to this one, as halted time does not
    /// count in what is listed.
    pub unlisted_halts: i64,
    /// From when each line of the guest's clock holds.
    pub told: Vec<(Moment, Line)>,
    /// The CPUs of the host on which it may run; `None` where nobody told.
    cpus: Option<CpuList>,
}

/// An absence.
pub(super) struct Away<'a> {
    pub start: Moment,
    pub end: Moment,
    pub absence: &'a Absence,
}

impl<'a> Away<'a> {
    /// Those of a vCPU, in order of time.
    fn all(vcpu: &'a Vcpu, clock: Clock) -> Vec<Away<'a>> {
        let away = vcpu.absences.iter().map(|absence| Away {
            start: clock.moment(absence.start_cycles),
            end: clock.moment(absence.end_cycles),
            absence,
        });
        let mut away: Vec<Away<'a>> = away.collect();
        away.sort_by_key(|one| one.start);
        away
    }

    /// Those that a stretch meets.
    pub fn met(all: &[Away<'a>], span: Span) -> Range<usize> {
        let first = all.partition_point(|one| one.end <= span.0);
        let behind = all.partition_point(|one| one.start < span.1);
        first..behind.max(first)
    }

    pub fn span(&self) -> Span {
        (self.start, self.end)
    }

    /// Whether it looks like an SMI, or comes after one.
    pub fn is_like_smi(&self) -> bool {
        let mut causes = self.absence.parts.iter().map(|part| part.cause);
        self.absence.is_after_smi() || causes.any(|cause| cause == HostCause::HostSmi)
    }

    /// Whether the records of it are complete.
    pub fn is_whole(&self) -> bool {
        !self.absence.incomplete && self.absence.exit.is_some()
    }
}

/// The host's TSC as time.
#[derive(Clone, Copy)]
struct Clock {
    origin: u64,
    hz: f64,
}

impl Clock {
    fn of_tsc(self, tsc: u64) -> Moment {
        self.of_cycles(tsc.wrapping_sub(self.origin) as i64)
    }

    fn of_cycles(self, cycles: i64) -> Moment {
        ((cycles as f64 * 1e9 / self.hz).round() as i64).clamp(-MOST, MOST)
    }

    fn moment(self, cycles: Cycles) -> Moment {
        self.of_cycles(i64::try_from(cycles.0).unwrap_or(i64::MAX))
    }
}

pub(super) fn signed(nanos: Nanos) -> i64 {
    i64::try_from(nanos.0).unwrap_or(MOST).min(MOST)
}

pub(super) fn unsigned(nanos: i64) -> Nanos {
    Nanos(nanos.max(0) as u64)
}

/// The length of what two stretches share.
pub(super) fn shared(a: Span, b: Span) -> i64 {
    (a.1.min(b.1)).saturating_sub(a.0.max(b.0)).max(0)
}

pub(super) fn widened(span: Span, by: i64) -> Span {
    (span.0.saturating_sub(by), span.1.saturating_add(by))
}

impl<'a> HostSide<'a> {
    pub fn new(report: &'a HostReport, guest: &'a Guest) -> HostSide<'a> {
        let clock = Clock {
            origin: report.tsc.origin.parse().unwrap_or(0),
            hz: report.tsc.hz,
        };
        let vcpus = guest.vcpus.iter();
        HostSide {
            report,
            guest,
            clock,
            observed: (
                clock.moment(report.run.start_cycles),
                clock.moment(report.run.end_cycles),
            ),
            error: signed(report.run.clock_error_ns),
            vcpus: (vcpus.map(|vcpu| VcpuSide::new(vcpu, report, clock))).collect(),
            smis: (report.smi_rises.as_ref())
                .map(|rises| Smis::new(rises, |cycles| clock.moment(cycles))),
        }
    }

    /// The moment of a reading of the guest's TSC.
    pub fn moment(&self, line: Line, guest_tsc: u64) -> Moment {
        self.clock.of_tsc(line.to_host(guest_tsc))
    }

    /// Guest cycles in a time of the host's.
    pub fn guest_cycles(&self, line: Line, nanos: i64) -> i64 {
        (nanos as f64 * self.clock.hz / 1e9 * line.ratio()).round() as i64
    }

    /// The vCPU of a CPU of the guest: KVM numbers them as the guest does.
    pub fn vcpu(&self, cpu: CpuId) -> Option<(usize, &VcpuSide<'a>)> {
        let all = self.vcpus.iter().enumerate();
        let mut all = all.filter(|(_, side)| side.vcpu.index == cpu.0);
        let first = all.next()?;
        // Of two machines in one process nothing says which one is meant.
        all.next().is_none().then_some(first)
    }

    /// Whether SMIs were counted up to a moment, on the CPUs that matter.
    pub fn counts_smis(&self, matters: impl Fn(CpuId) -> bool, until: Moment) -> bool {
        let is_unread =
            |one: &SmisUnread| matters(one.cpu) && self.clock.moment(one.from_cycles) <= until;
        self.smis.is_some() && !self.report.smis_unread.iter().any(is_unread)
    }

    /// The absences that may have had an SMI, by vCPU: of all guests, as they share
    /// the host's CPUs.
    pub fn with_smis(&self) -> Vec<Vec<Away<'a>>> {
        let may_have_had =
            |away: &Away<'_>| away.absence.smi_delta != Some(0) || away.is_like_smi();
        let vcpus = self.report.guests.iter().flat_map(|guest| &guest.vcpus);
        let each = vcpus.map(|vcpu| {
            let mut all = Away::all(vcpu, self.clock);
            all.retain(may_have_had);
            all
        });
        each.collect()
    }

    /// Whether the host runs under a hypervisor itself.
    pub fn hypervisor(&self) -> Option<&str> {
        self.report.host.hypervisor.as_deref()
    }
}

/// Stretches of time, those that meet made one.
pub(super) fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    spans.dedup_by(|next, last| {
        let meets = next.0 <= last.1;
        if meets {
            last.1 = last.1.max(next.1);
        }
        meets
    });
    spans
}

/// How long an absence may be that is not listed as the vCPU was halted in it: by
/// the totals, which count all.
fn unlisted_halts(vcpu: &Vcpu) -> i64 {
    let Some(above) = vcpu.listed_above_ns else {
        return 0;
    };
    let halts = || (vcpu.totals.iter()).filter(|total| total.cause == HostCause::VcpuHalted);
    let sum = |all: &mut dyn Iterator<Item = &HostTotal>| {
        all.fold(0, |sum: u64, total| sum.saturating_add(total.absences))
    };
    if sum(&mut vcpu.totals.iter()) < vcpu.absences_seen {
        return i64::MAX;
    }
    let seen = sum(&mut halts());
    let listed = vcpu.absences.iter().map(|absence| {
        let parts = absence.parts.iter();
        let halts = parts.filter(|part| part.cause == HostCause::VcpuHalted);
        halts.map(|part| &part.what).collect::<HashSet<_>>().len() as u64
    });
    if seen <= listed.sum() {
        return 0;
    }
    // One may have been halted in several ways.
    let longest = halts().fold(above, |sum, total| sum.saturating_add(total.longest_ns));
    signed(longest)
}

/// Those that its thread is bound to, and those that it was seen on.
fn cpus(vcpu: &Vcpu) -> Option<CpuList> {
    let bound: CpuList = vcpu.affinity.as_ref()?.parse().ok()?;
    let seen = vcpu.absences.iter();
    let seen = seen.flat_map(|absence| [Some(absence.cpu), absence.entered_on]);
    Some(bound.iter().chain(seen.flatten()).collect())
}

impl<'a> VcpuSide<'a> {
    fn new(vcpu: &'a Vcpu, report: &HostReport, clock: Clock) -> VcpuSide<'a> {
        let lost = (vcpu.lost.iter()).map(|lost| {
            (
                clock.moment(lost.start_cycles),
                clock.moment(lost.end_cycles),
            )
        });
        let lines = vcpu.guest_tsc.iter().flatten();
        let mut told: Vec<(Moment, Line)> = lines
            .filter_map(|tsc| Some((clock.moment(tsc.seen_cycles), Line::told(tsc)?)))
            .collect();
        told.sort_by_key(|(from, _)| *from);
        let listed = vcpu.listed_above_ns.unwrap_or(Nanos(0));
        VcpuSide {
            vcpu,
            away: Away::all(vcpu, clock),
            // Joined, so that none is counted twice.
            lost: joined(lost.collect()),
            unseen: signed(report.run.threshold_ns.max(listed)),
            unlisted_halts: unlisted_halts(vcpu),
            told,
            cpus: cpus(vcpu),
        }
    }

    /// The absences that a stretch meets.
    pub fn within(&self, span: Span) -> impl Iterator<Item = &Away<'a>> {
        self.away[self.indices(span)].iter()
    }

    pub fn indices(&self, span: Span) -> Range<usize> {
        Away::met(&self.away, span)
    }

    /// Why there may be absences without a record.
    pub fn too_short(&self) -> String {
        let unseen = crate::text::human::chosen(unsigned(self.unseen));
        format!("the host records absences above {unseen} only")
    }

    pub fn lost_in(&self, span: Span) -> i64 {
        let first = self.lost.partition_point(|lost| lost.1 <= span.0);
        let met = self.lost[first..].iter();
        let met = met.take_while(|lost| lost.0 < span.1);
        met.map(|lost| shared(*lost, span)).sum()
    }

    /// Whether a stretch lies between the first record of it and the last, or so
    /// much about them: it ran on this host meanwhile.
    pub fn was_seen(&self, span: Span, about: i64) -> bool {
        let Some((first, last)) = self.away.first().zip(self.away.last()) else {
            return false;
        };
        span.0 >= first.start.saturating_sub(about) && span.1 <= last.end.saturating_add(about)
    }

    /// Whether it may run on a CPU of the host.
    pub fn may_run_on(&self, cpu: CpuId) -> bool {
        self.cpus.as_ref().is_none_or(|cpus| cpus.contains(cpu))
    }

    /// The CPUs of the host on which it was seen about a stretch: that on which
    /// it was seen before and the one after.
    pub fn cpus_about(&self, span: Span) -> Vec<CpuId> {
        let next = self.away.partition_point(|one| one.end <= span.0);
        let before = next.checked_sub(1).map(|at| self.away[at].absence);
        let before = before.map(|one| one.entered_on.unwrap_or(one.cpu));
        let within = self.within(span).flat_map(|one| {
            let absence = one.absence;
            [Some(absence.cpu), absence.entered_on]
        });
        let after = self.away[next..].iter().find(|one| one.start >= span.1);
        let after = after.map(|one| one.absence.cpu);
        let mut cpus: Vec<CpuId> = (within.flatten()).chain(before).chain(after).collect();
        cpus.sort_unstable();
        cpus.dedup();
        cpus
    }
}
