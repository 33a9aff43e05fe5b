//! A clock that changed in mid-run, which nobody told: from then on no gap lies on
//! an absence, and the absences that made these gaps lie in none. This holds where
//! a guest sampled with pauses or lists its longest gaps only, too, where an
//! absence in no gap says nothing by itself.

use crate::explain::fit::{Outcome, lies_on, tolerance, triable};
use crate::explain::guest_side::GuestSide;
use crate::explain::host_side::{HostSide, Moment, Span, VcpuSide, shared};

use super::unseen::{lists_all, speaks};
use super::{CpuClock, FEWEST_FOR};

/// Gaps in succession that lie on no absence, while as many absences as long as
/// most of them lie in no gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::explain) struct Changed {
    pub gaps: u64,
    /// When the first of them began, on the host's time line.
    pub from: Moment,
}

/// A gap that must lie on an absence.
struct Tried {
    span: Span,
    length: i64,
    fits: bool,
}

/// The longest such succession; fewer than [`FEWEST_FOR`] count only where they are
/// all gaps that there were.
pub(super) fn changed(
    clock: &CpuClock,
    guest: &GuestSide<'_>,
    host: &HostSide<'_>,
    vcpu: &VcpuSide<'_>,
    error: i64,
) -> Option<Changed> {
    let placed = (triable(guest.of_cpu(clock.cpu), vcpu, error).into_iter())
        .filter_map(|gap| Some((gap, clock.place(host, gap)?)));
    let tried: Vec<Tried> = placed
        .filter_map(|(gap, placed)| {
            let outcome = lies_on(gap, placed, host, vcpu, tolerance(error));
            (outcome != Outcome::SaysNothing).then_some(Tried {
                span: placed.span,
                length: gap.length,
                fits: matches!(outcome, Outcome::Fits(_)),
            })
        })
        .collect();
    let mut before = Moment::MIN;
    let mut longest: Option<(Moment, &[Tried])> = None;
    for stretch in tried.chunk_by(|one, next| one.fits == next.fits) {
        let end = stretch.last()?.span.1;
        match longest {
            _ if stretch[0].fits => before = end,
            Some((_, other)) if other.len() >= stretch.len() => {}
            _ => longest = Some((before, stretch)),
        }
    }
    let (from, stretch) = longest?;
    let mut cpus = guest.report.cpus.iter();
    let is_all =
        stretch.len() == tried.len() && cpus.any(|cpu| cpu.cpu == clock.cpu && lists_all(cpu));
    if (stretch.len() as u64) < FEWEST_FOR && !is_all {
        return None;
    }
    let first = stretch.first()?.span.0;
    let after = tried.iter().find(|one| one.fits && one.span.0 > first);
    let within = (from, after.map_or(Moment::MAX, |after| after.span.0));
    let paired = pairs(clock, guest, host, vcpu, error, (within, stretch));
    (2 * paired >= stretch.len()).then_some(Changed {
        gaps: stretch.len() as u64,
        from: first,
    })
}

/// How many of the gaps have an absence of their length, each another one, among
/// those of that time which lie in no gap.
fn pairs(
    clock: &CpuClock,
    guest: &GuestSide<'_>,
    host: &HostSide<'_>,
    vcpu: &VcpuSide<'_>,
    error: i64,
    (within, stretch): (Span, &[Tried]),
) -> usize {
    let mut taken: Vec<Span> = (guest.of_cpu(clock.cpu))
        .filter_map(|gap| Some(clock.place(host, gap)?.span))
        .collect();
    taken.sort_unstable();
    let is_free = |away: Span| {
        let next = taken.partition_point(|gap| gap.1 <= away.0);
        taken.get(next).is_none_or(|gap| shared(*gap, away) == 0)
    };
    let mut free: Vec<i64> = (vcpu.within(within))
        .filter(|away| speaks(away) && is_free(away.span()))
        .map(|away| away.end - away.start)
        .collect();
    free.sort_unstable();
    let mut lengths: Vec<i64> = stretch.iter().map(|one| one.length).collect();
    lengths.sort_unstable();
    let mut free = free.into_iter().peekable();
    let mut is_paired = |gap: &i64| {
        let apart = tolerance(error).saturating_add(gap / 10);
        while free.next_if(|away| *away < gap - apart).is_some() {}
        free.next_if(|away| *away <= gap.saturating_add(apart))
            .is_some()
    };
    lengths.iter().filter(|gap| is_paired(gap)).count()
}
