//! Whether the guest's gaps lie on absences of a vCPU. A vCPU that is away reads
//! no clock, so each absence lies within a gap, and a gap that the guest's kernel
//! did not make holds at least one.

use super::guest_side::{Below, Placed};
use super::host_side::{HostSide, Span, VcpuSide, shared};
use super::smis::Smis;

/// How far an absence may stand out of its gap, beside the errors of the clocks:
/// what leaving and entering the guest takes outside of the kernel's records.
const WAY: i64 = 10_000;
/// Gaps that are tried: the same is found by more.
const MOST_TRIED: usize = 2_000;

/// What the ends of a gap that fits tell: how long before its first absence it
/// begins, and how long after its last it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub before: i64,
    pub after: i64,
}

/// Gaps held against absences.
#[derive(Clone, Debug, Default)]
pub(super) struct Fit {
    pub tried: u64,
    pub fitting: u64,
    /// Of gaps without a part of the guest's kernel.
    pub ends: Vec<Ends>,
    /// The lengths of gaps that lie on no absence, whatever may have made them.
    pub off: Vec<i64>,
}

impl Fit {
    pub fn add(&mut self, other: &Fit) {
        self.tried += other.tried;
        self.fitting += other.fitting;
        self.ends.extend(&other.ends);
        self.off.extend(&other.off);
    }

    /// At least this share of what was tried, in percent.
    pub fn reaches(&self, percent: u64) -> bool {
        self.fitting * 100 >= self.tried * percent
    }
}

/// How far an absence may stand out of a gap.
pub(super) fn tolerance(error: i64) -> i64 {
    WAY.saturating_add(error)
}

/// The gaps that must lie on an absence: longer than what has no record, in time
/// that was observed and of which no record was lost. They are told by the line
/// that is on trial; one that is off tries about as many.
pub(super) fn triable<'b, 'a>(
    gaps: impl IntoIterator<Item = &'b Below<'a>>,
    vcpu: &VcpuSide<'_>,
    error: i64,
) -> Vec<&'b Below<'a>>
where
    'a: 'b,
{
    let least = vcpu.unseen.saturating_add(tolerance(error));
    let mut long: Vec<&Below<'_>> = gaps.into_iter().filter(|gap| gap.length > least).collect();
    long.sort_by_key(|gap| std::cmp::Reverse(gap.length));
    long.truncate(MOST_TRIED);
    long.sort_by_key(|gap| gap.gap.start_cycles);
    long
}

/// What comes of holding a gap against absences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Fits(Ends),
    /// On no absence that could have made it.
    Off,
    /// The same, but the host counted an SMI about then, which leaves no absence.
    MayBeSmi,
    /// Nobody observed, or records were lost.
    SaysNothing,
}

/// Whether a gap lies on absences.
pub(super) fn lies_on(
    gap: &Below<'_>,
    placed: Placed,
    host: &HostSide<'_>,
    vcpu: &VcpuSide<'_>,
    tolerance: i64,
) -> Outcome {
    let (start, end) = placed.span;
    let wide = (
        start.saturating_sub(tolerance),
        end.saturating_add(tolerance),
    );
    let is_observed = wide.0 >= host.observed.0 && wide.1 <= host.observed.1;
    let is_known = is_observed && vcpu.was_seen(placed.span, tolerance);
    if !is_known || vcpu.lost_in(wide) > 0 {
        return Outcome::SaysNothing;
    }
    let mut covered = 0;
    let mut ends: Option<Span> = None;
    for away in vcpu.within(wide) {
        if away.start >= wide.0 && away.end <= wide.1 {
            let last = ends.map_or(start, |ends| ends.1.max(start));
            let from = match away.absence.is_after_smi() {
                true => away.start.min(last),
                false => away.start,
            };
            covered += away.end - from;
            ends = Some((ends.map_or(from, |ends| ends.0), away.end));
        } else if shared((away.start, away.end), placed.span) > tolerance {
            return Outcome::Off;
        }
    }
    match ends {
        Some(ends) if covered.saturating_mul(2) >= gap.length => Outcome::Fits(Ends {
            before: ends.0.saturating_sub(start),
            after: end.saturating_sub(ends.1),
        }),
        _ if host.smis.as_ref().is_some_and(|smis| smis.may_be_in(wide)) => Outcome::MayBeSmi,
        _ => Outcome::Off,
    }
}

/// Holds gaps against a vCPU by one line.
pub(super) fn by_line(
    gaps: &[&Below<'_>],
    host: &HostSide<'_>,
    vcpu: &VcpuSide<'_>,
    error: i64,
    place: impl Fn(usize, &Below<'_>) -> Option<Placed>,
) -> Fit {
    let mut fit = Fit::default();
    let mut may_be_smis = 0;
    for (index, gap) in gaps.iter().enumerate() {
        let Some(placed) = place(index, gap) else {
            continue;
        };
        match lies_on(gap, placed, host, vcpu, tolerance(error)) {
            Outcome::SaysNothing => continue,
            Outcome::MayBeSmi => {
                may_be_smis += 1;
                fit.off.push(gap.length);
                continue;
            }
            Outcome::Off => fit.off.push(gap.length),
            Outcome::Fits(ends) => {
                fit.fitting += 1;
                fit.ends.extend(gap.is_pure().then_some(ends));
            }
        }
        fit.tried += 1;
    }
    // More than SMIs were counted are none.
    fit.tried += u64::saturating_sub(may_be_smis, host.smis.as_ref().map_or(0, Smis::counted));
    fit
}

/// Moves a place on the host's time line.
pub(super) fn moved(placed: Placed, by: i64) -> Placed {
    let span = |(from, to): Span| (from.saturating_add(by), to.saturating_add(by));
    Placed {
        span: span(placed.span),
        part: placed.part.map(span),
    }
}

/// The middle one.
pub(super) fn median(mut values: Vec<i64>) -> Option<i64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    Some(*values.select_nth_unstable(middle).1)
}
