//! What the host did in the part of each gap that lies below the guest's kernel.
//!
//! A vCPU that is away reads no clock: an absence lies in one gap as a whole. What
//! it has of that gap is counted there and nowhere else, and one that cannot lie
//! in its gap speaks against the clocks.

use std::collections::HashMap;

use crate::model::Confidence;
use crate::model::explained::{ClockJoinSource, ClockStanding, ExplainedPart};

use super::clocks::{Clocks, CpuClock, FEWEST_FOR};
use super::guest_side::{Below, GuestSide, Placed};
use super::host_side::{HostSide, Span, VcpuSide, shared, unsigned, widened};
use super::over::{Laid, Over, WAYS};

/// Absences without a record that may follow one another without the guest's
/// kernel: one instruction can fault for each table and page of its own and of its
/// data, twice for data on the edge of a page (levels of tables: 5).
const UNSEEN_IN_A_ROW: i64 = 24;

/// A gap as far as absences explain it.
pub(super) struct Joined {
    pub parts: Vec<ExplainedPart>,
    /// The same of time that is the guest's kernel's by its account.
    pub os_parts: Vec<ExplainedPart>,
    /// What they leave, in nanoseconds.
    pub rest: i64,
    /// Why nobody can say more of that; what SMIs and the CPU have of it is not
    /// asked yet where that is open.
    pub left: Left,
    /// Where it is on the host's time line.
    pub span: Option<Span>,
    /// What the ways in and out may take of it.
    pub ways: i64,
}

/// What is known of the part of a gap that no absence explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// No more than the ways in and out take.
    Ways,
    /// Nobody observed it, and why.
    NotObserved(String),
    /// The vCPU was in the guest, as far as the records go: an SMI or the CPU.
    Open(Open),
}

/// How far the records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// No absence is in the gap, and what is left is longer than those that have no
    /// record.
    NoAbsence,
    /// Several absences without a record could come to as much.
    MayBeShort,
    /// An absence is in the gap, which explains a part of it.
    BesideAbsence,
}

impl Joined {
    pub fn not_observed(length: i64, why: &str) -> Joined {
        Joined {
            parts: Vec::new(),
            os_parts: Vec::new(),
            rest: length,
            left: Left::NotObserved(why.to_owned()),
            span: None,
            ways: WAYS,
        }
    }
}

/// What the parts of an absence are worth as evidence, by the clocks.
fn base(
    guest: &GuestSide<'_>,
    clocks: &Clocks,
    clock: &CpuClock,
    host: &HostSide<'_>,
) -> Confidence {
    let source = clocks.source.unwrap_or(ClockJoinSource::Given);
    let by_clock = match (source, clock.standing) {
        (_, ClockStanding::Contradicted) => Confidence::None,
        (ClockJoinSource::Kvm, ClockStanding::Verified) => Confidence::Proved,
        // There is little to hold it against; or there is, and does not verify it.
        (ClockJoinSource::Kvm, _) if clock.fit.tried < FEWEST_FOR => Confidence::Strong,
        (ClockJoinSource::Kvm, _) => Confidence::Probable,
        (ClockJoinSource::Recovered | ClockJoinSource::Given, ClockStanding::Verified) => {
            Confidence::Strong
        }
        (ClockJoinSource::Recovered | ClockJoinSource::Given, _) => Confidence::Probable,
    };
    // Whatever lies below a host that is a guest hides in the same time. Tracers of the
    // guest's kernel place gaps to some microseconds.
    match host.hypervisor().is_some() || guest.is_traced() {
        true => by_clock.min(Confidence::Strong),
        false => by_clock,
    }
}

/// Where a gap is by the clock of its CPU.
struct At<'b, 'a> {
    clock: &'b CpuClock,
    vcpu: &'b VcpuSide<'a>,
    placed: Placed,
}

fn at<'b, 'a>(
    gap: &Below<'_>,
    host: &'b HostSide<'a>,
    clocks: &'b Clocks,
) -> Result<At<'b, 'a>, Joined> {
    let not_observed = |why| Joined::not_observed(gap.length, why);
    let Some(clock) = clocks.of(gap.cpu()) else {
        return Err(not_observed(match host.vcpu(gap.cpu()) {
            Some(_) => "the clock of this vCPU is not known",
            None => "the host saw no vCPU of this number",
        }));
    };
    if clock.standing == ClockStanding::Contradicted {
        return Err(not_observed("the clocks of guest and host do not fit"));
    }
    match clock.place(host, gap) {
        Some(placed) if gap_outside(placed.span, host.observed) => Err(Joined {
            span: Some(placed.span),
            ..not_observed("the host did not observe then")
        }),
        Some(placed) => Ok(At {
            clock,
            vcpu: &host.vcpus[clock.vcpu],
            placed,
        }),
        None => Err(not_observed("the guest's clock was set anew about then")),
    }
}

/// Lays absences over gaps.
pub(super) fn join(guest: &GuestSide<'_>, host: &HostSide<'_>, clocks: &Clocks) -> Vec<Joined> {
    let gaps = &guest.gaps;
    let places: Vec<_> = gaps.iter().map(|gap| at(gap, host, clocks)).collect();
    // Of each absence of each vCPU: the gap that has most of it.
    let mut owners: HashMap<(usize, usize), (i64, usize)> = HashMap::new();
    for (gap, at) in places.iter().enumerate() {
        let Ok(at) = at else { continue };
        for index in at.vcpu.indices(widened(at.placed.span, WAYS / 2)) {
            let met = shared(at.vcpu.away[index].span(), at.placed.span);
            let owner = owners.entry((at.clock.vcpu, index)).or_insert((met, gap));
            if met > owner.0 {
                *owner = (met, gap);
            }
        }
    }
    (gaps.iter().zip(places).enumerate())
        .map(|(index, (gap, at))| match at {
            Err(joined) => joined,
            Ok(at) => {
                let owner = |away| owners.get(&(at.clock.vcpu, away)).map(|(_, gap)| *gap);
                let base = base(guest, clocks, at.clock, host);
                one(gap, index, &at, clocks.error, base, owner)
            }
        })
        .collect()
}

fn one(
    gap: &Below<'_>,
    number: usize,
    at: &At<'_, '_>,
    error: i64,
    base: Confidence,
    owner: impl Fn(usize) -> Option<usize>,
) -> Joined {
    let (vcpu, span) = (at.vcpu, at.placed.span);
    let found = Over {
        gap,
        placed: at.placed,
        slack: (WAYS / 2).saturating_add(error),
        error,
        base,
    };
    let wide = widened(span, found.slack);
    let mut own = Vec::new();
    let mut beside = false;
    for index in vcpu.indices(wide) {
        let away = &vcpu.away[index];
        if found.fits(away) {
            match owner(index) {
                Some(owner) if owner == number => own.push(away),
                Some(_) => {}
                None => beside = true,
            }
        } else if away.is_whole() && shared(away.span(), span) > found.slack {
            let why = "an absence about then is no part of the gap: the clocks do not fit there";
            return Joined {
                span: Some(span),
                ..Joined::not_observed(gap.length, why)
            };
        }
    }
    let Laid {
        parts,
        os_parts,
        explained,
    } = found.parts(&own);
    let rest = (gap.length - explained).max(0);
    let ways = WAYS.max(gap.length / 20);
    let joined = |left| Joined {
        parts,
        os_parts,
        rest,
        left,
        span: Some(span),
        ways,
    };
    let not_observed = |why: &str| Left::NotObserved(why.to_owned());
    if explained >= rest && explained > 0 && rest <= ways {
        return joined(Left::Ways);
    }
    if vcpu.lost_in(wide) > 0 || vcpu.within(wide).any(|away| away.absence.incomplete) {
        return joined(not_observed("records of the host were lost"));
    }
    if error >= gap.length || beside {
        let error = crate::text::human::length(unsigned(error));
        return joined(not_observed(&format!(
            "the clocks are known to {error} only"
        )));
    }
    if rest <= vcpu.unlisted_halts {
        let why = "the host does not list all absences in which the vCPU was halted";
        return joined(not_observed(why));
    }
    if explained > 0 || vcpu.within(span).next().is_some() {
        return joined(Left::Open(Open::BesideAbsence));
    }
    if rest <= vcpu.unseen.saturating_add(ways) {
        return joined(Left::NotObserved(vcpu.too_short()));
    }
    let in_a_row = vcpu.unseen.saturating_mul(UNSEEN_IN_A_ROW);
    let may_be_short = !gap.is_pure() || rest <= in_a_row.saturating_add(ways);
    joined(Left::Open(match may_be_short {
        true => Open::MayBeShort,
        false => Open::NoAbsence,
    }))
}

fn gap_outside(span: Span, observed: Span) -> bool {
    span.0 < observed.0 || span.1 > observed.1
}
