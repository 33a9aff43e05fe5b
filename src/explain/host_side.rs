//! The host's side: a guest's vCPUs on the time line of their host.

use std::collections::HashSet;
use std::ops::Range;

use crate::model::absence::{
    Absence, Guest, HostCause, HostReport, HostTotal, Isa, SmisUnread, Vcpu,
};
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
}

/// An absence.
pub(super) struct Away<'a> {
    pub start: Moment,
    pub end: Moment,
    pub absence: &'a Absence,
}

/// SVM's exit code of an SMI that came in the guest (AMD64 manual, volume 2,
/// appendix C).
const SVM_SMI: u32 = 0x62;

impl Away<'_> {
    pub fn span(&self) -> Span {
        (self.start, self.end)
    }

    /// Whether the records of it are complete.
    pub fn is_whole(&self) -> bool {
        !self.absence.incomplete && self.absence.exit.is_some()
    }

    /// Whether an SMI led to it. The host runs on once that is over, so that the
    /// SMI itself lies before the absence.
    pub fn is_after_smi(&self) -> bool {
        let exit = self.absence.exit.as_ref();
        exit.is_some_and(|exit| exit.isa == Isa::Svm && exit.code == SVM_SMI)
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

    /// Whether SMIs were counted up to a moment: on these CPUs, or where none is
    /// known, on all.
    pub fn counts_smis(&self, cpus: &[CpuId], until: Moment) -> bool {
        let is_unread = |one: &SmisUnread| {
            (cpus.is_empty() || cpus.contains(&one.cpu))
                && self.clock.moment(one.from_cycles) <= until
        };
        self.smis.is_some() && !self.report.smis_unread.iter().any(is_unread)
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

impl<'a> VcpuSide<'a> {
    fn new(vcpu: &'a Vcpu, report: &HostReport, clock: Clock) -> VcpuSide<'a> {
        let mut away: Vec<Away<'a>> = (vcpu.absences.iter())
            .map(|absence| Away {
                start: clock.moment(absence.start_cycles),
                end: clock.moment(absence.end_cycles),
                absence,
            })
            .collect();
        away.sort_by_key(|one| one.start);
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
            away,
            // Joined, so that none is counted twice.
            lost: joined(lost.collect()),
            unseen: signed(report.run.threshold_ns.max(listed)),
            unlisted_halts: unlisted_halts(vcpu),
            told,
        }
    }

    /// The absences that a stretch meets.
    pub fn within(&self, span: Span) -> impl Iterator<Item = &Away<'a>> {
        self.away[self.indices(span)].iter()
    }

    pub fn indices(&self, span: Span) -> Range<usize> {
        let first = self.away.partition_point(|one| one.end <= span.0);
        let behind = self.away.partition_point(|one| one.start < span.1);
        first..behind.max(first)
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

    /// The CPUs of the host on which it may have run in a stretch: that on which
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
