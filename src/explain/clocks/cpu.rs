//! The clock of one CPU of the guest: where a gap is by it, and what the gaps say
//! of it.

use crate::explain::fit::{Ends, Fit, by_line, median, tolerance, triable};
use crate::explain::guest_side::{Below, GuestSide, Placed};
use crate::explain::host_side::{HostSide, Moment, VcpuSide};
use crate::explain::line::Line;
use crate::model::explained::ClockStanding;
use crate::units::CpuId;

use super::changed::Changed;
use super::unseen::Seen;
use super::{Chance, FEWEST_FOR};

/// So many gaps that do not fit contradict a line.
const FEWEST_AGAINST: u64 = 3;
/// So many absences that lie in no gap do.
const FEWEST_MISSED: usize = 2;
/// By how much ends of absences may stand out of their gaps in the middle, beside
/// the error: more is a clock that is shifted.
const STANDING_OUT: i64 = 2_000;
/// How long before a new line was first seen it may hold already.
const UNSURE_BEFORE: i64 = 1_000_000_000;

/// The clock of a CPU.
pub(in crate::explain) struct CpuClock {
    pub cpu: CpuId,
    /// Its place among the host's vCPUs.
    pub vcpu: usize,
    /// From when each line holds.
    pub lines: Vec<(Moment, Line)>,
    pub standing: ClockStanding,
    pub fit: Fit,
    /// The other way round.
    pub seen: Seen,
    pub changed: Option<Changed>,
}

impl CpuClock {
    /// Where a gap is on the host's time line; `None` where the guest's clock was set
    /// anew about then, and either line may be the right one.
    pub fn place(&self, host: &HostSide<'_>, gap: &Below<'_>) -> Option<Placed> {
        let mut found = None;
        for (index, (from, line)) in self.lines.iter().enumerate() {
            let from = if index == 0 { Moment::MIN } else { *from };
            let next = self.lines.get(index + 1).map(|(from, _)| *from);
            let begin = gap.begin(host, *line);
            if begin < from || next.is_some_and(|next| begin >= next) {
                continue;
            }
            let is_unsure = next.is_some_and(|next| begin >= next.saturating_sub(UNSURE_BEFORE));
            if found.is_some() || is_unsure {
                return None;
            }
            found = Some(*line);
        }
        found.map(|line| gap.place(host, line))
    }

    /// Whether it is known which line holds at a moment of the host's.
    pub(super) fn is_sure_at(&self, moment: Moment) -> bool {
        let next = self.lines.iter().skip(1).find(|(from, _)| moment < *from);
        next.is_none_or(|(from, _)| moment < from.saturating_sub(UNSURE_BEFORE))
    }

    /// Its gaps held against the absences of a vCPU.
    pub(super) fn fit_on(
        &self,
        guest: &GuestSide<'_>,
        host: &HostSide<'_>,
        vcpu: &VcpuSide<'_>,
        error: i64,
    ) -> Fit {
        let gaps = triable(guest.of_cpu(self.cpu), vcpu, error);
        let place = |_, gap: &Below<'_>| self.place(host, gap);
        by_line(&gaps, host, vcpu, error, place)
    }
}

/// What the data say of a line.
pub(super) fn standing(clock: &CpuClock, error: i64, chance: Chance) -> ClockStanding {
    let CpuClock { fit, seen, .. } = clock;
    let is_seen = seen.tried >= FEWEST_FOR && !seen.misses(2);
    // SMIs and the CPU can make most of the gaps, and leave no absence.
    let some_fit = fit.fitting >= FEWEST_FOR && chance == Chance::Beaten;
    let most_off = fit.tried >= FEWEST_AGAINST && !fit.reaches(50) && !is_seen && !some_fit;
    let missed = seen.missed.len() >= FEWEST_MISSED && seen.misses(5);
    let is_changed = clock.changed.is_some();
    if is_changed
        || most_off
        || missed
        || has_a_pair(fit, seen, error)
        || is_shifted(&fit.ends, error)
    {
        return ClockStanding::Contradicted;
    }
    match fit.fitting >= FEWEST_FOR && (fit.reaches(70) || is_seen) {
        true => ClockStanding::Verified,
        false => ClockStanding::Unverified,
    }
}

/// Whether a gap that lies on no absence and an absence that lies in no gap are as
/// long as each other: by the right line they would be one. So the few that come at
/// no pace tell, where everything else recurs and fits by several lines.
fn has_a_pair(fit: &Fit, seen: &Seen, error: i64) -> bool {
    let is_as_long =
        |gap: i64, away: i64| (gap - away).abs() <= tolerance(error).saturating_add(away / 10);
    (seen.missed.iter()).any(|away| fit.off.iter().any(|gap| is_as_long(*gap, *away)))
}

/// Whether absences stand out of their gaps on one side, as they do where the
/// clock is a little off.
fn is_shifted(ends: &[Ends], error: i64) -> bool {
    if (ends.len() as u64) < FEWEST_FOR {
        return false;
    }
    let least = -(error + STANDING_OUT);
    let side = |of: fn(&Ends) -> i64| median(ends.iter().map(of).collect());
    [side(|ends| ends.before), side(|ends| ends.after)]
        .into_iter()
        .flatten()
        .any(|middle| middle < least)
}
