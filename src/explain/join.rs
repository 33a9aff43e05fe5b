//! What the host did in the part of each gap that lies below the guest's kernel.
//!
//! A vCPU that is away reads no clock: an absence lies in one gap as a whole. What
//! it has of that gap is counted there and nowhere else, and one that cannot lie
//! in its gap speaks against the clocks.

use std::collections::HashMap;

use crate::model::Confidence;
use crate::model::absence::{Absence, HostCause, HostPart};
use crate::model::explained::{ClockJoinSource, ClockStanding, ExplainedPart};
use crate::units::Nanos;

use super::clocks::{Clocks, CpuClock, FEWEST_FOR, Place};
use super::fit::tolerance;
use super::guest_side::{Below, Placed};
use super::host_side::{Away, HostSide, Span, VcpuSide, shared, signed, unsigned, widened};

/// What leaving the guest and entering it takes outside of the host's records, at
/// most; a vCPU's way in and out is no one's part.
const WAYS: i64 = 5_000;
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
fn base(clocks: &Clocks, clock: &CpuClock, host: &HostSide<'_>) -> Confidence {
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
    match host.hypervisor() {
        // Whatever lies below it hides in the same time.
        Some(_) => by_clock.min(Confidence::Strong),
        None => by_clock,
    }
}

/// Where a gap is by the clock of its CPU.
struct At<'b, 'a> {
    clock: &'b CpuClock,
    vcpu: &'b VcpuSide<'a>,
    placed: Placed,
    /// By a line that may have been over.
    unsure: bool,
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
        Place::At { placed, .. } if gap_outside(placed.span, host.observed) => Err(Joined {
            span: Some(placed.span),
            ..not_observed("the host did not observe then")
        }),
        Place::At { placed, unsure } => Ok(At {
            clock,
            vcpu: &host.vcpus[clock.vcpu],
            placed,
            unsure,
        }),
        Place::BetweenLines => Err(not_observed("the guest's clock was set anew about then")),
    }
}

/// Lays absences over gaps.
pub(super) fn join(gaps: &[Below<'_>], host: &HostSide<'_>, clocks: &Clocks) -> Vec<Joined> {
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
                one(gap, index, &at, host, clocks, owner)
            }
        })
        .collect()
}

fn one(
    gap: &Below<'_>,
    number: usize,
    at: &At<'_, '_>,
    host: &HostSide<'_>,
    clocks: &Clocks,
    owner: impl Fn(usize) -> Option<usize>,
) -> Joined {
    let (vcpu, span, error) = (at.vcpu, at.placed.span, clocks.error);
    let found = Over {
        gap,
        placed: at.placed,
        slack: (WAYS / 2).saturating_add(error),
        error,
        base: base(clocks, at.clock, host),
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
    if at.unsure {
        return joined(not_observed("the guest's clock was set anew about then"));
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

/// A gap that is laid over absences.
struct Over<'b, 'a> {
    gap: &'b Below<'a>,
    placed: Placed,
    /// How far an absence may stand out of it.
    slack: i64,
    /// How far its place may be off.
    error: i64,
    base: Confidence,
}

/// What absences have of a gap.
struct Laid {
    parts: Vec<ExplainedPart>,
    os_parts: Vec<ExplainedPart>,
    explained: i64,
}

/// A part of an absence in a gap.
struct Piece<'b> {
    absence: usize,
    cause: HostCause,
    what: &'b str,
    span: Span,
    confidence: Confidence,
    /// What of it explains what lies below the guest's kernel.
    counted: i64,
}

impl Over<'_, '_> {
    /// The platform's part comes first, where the guest knows its place; absences
    /// in the time that the guest gives to its own kernel are in that time already,
    /// unless all of what they took can be what is missing.
    fn parts(&self, own: &[&Away<'_>]) -> Laid {
        let whole = widened(self.placed.span, self.slack);
        let place = match self.placed.part {
            Some(part) => widened(part, self.slack),
            None => whole,
        };
        let mut left = self.gap.length;
        let mut of_part = match self.placed.part {
            Some(_) => signed(self.gap.gap.platform_ns).min(left),
            None => left,
        };
        let mut pieces = self.pieces(own);
        for piece in &mut pieces {
            piece.counted = shared(piece.span, place).min(of_part);
            of_part -= piece.counted;
            left -= piece.counted;
        }
        if self.placed.part.is_some() {
            self.count_beside(&mut pieces, whole, place, left);
        }
        let (mut parts, mut os_parts) = (Sums::default(), Sums::default());
        let mut os_left = signed(self.gap.gap.os_ns);
        for piece in &pieces {
            parts.add(piece, piece.counted);
            let rest = shared(piece.span, self.placed.span) - piece.counted;
            let of_os = rest.clamp(0, os_left.max(0));
            os_parts.add(piece, of_os);
            os_left -= of_os;
        }
        let explained = pieces.iter().map(|piece| piece.counted).sum();
        Laid {
            parts: parts.parts,
            os_parts: os_parts.sorted(),
            explained,
        }
    }

    /// Whole absences beside the place of the platform's part that fit into what
    /// is left.
    fn count_beside(&self, pieces: &mut [Piece<'_>], whole: Span, place: Span, mut left: i64) {
        for of_one in pieces.chunk_by_mut(|a, b| a.absence == b.absence) {
            let beside =
                |piece: &Piece<'_>| (shared(piece.span, whole) - shared(piece.span, place)).max(0);
            let sum: i64 = of_one.iter().map(beside).sum();
            if sum == 0 || sum > left {
                continue;
            }
            left -= sum;
            for piece in of_one {
                piece.counted += beside(piece);
                piece.confidence = piece.confidence.min(Confidence::Probable);
            }
        }
    }

    /// The parts of the gap's absences, in order of time. An SMI lies before the
    /// absence that it led to; nobody recorded how long before, so that it is not
    /// surer than one that the host found.
    fn pieces<'b>(&self, own: &[&Away<'b>]) -> Vec<Piece<'b>> {
        let mut pieces = Vec::new();
        let mut last = self.placed.span.0;
        for (index, away) in own.iter().enumerate() {
            let confidence = self.confidence(away);
            if away.absence.is_after_smi() && away.start > last {
                pieces.push(Piece {
                    absence: index,
                    cause: HostCause::HostSmi,
                    what: "",
                    span: (last, away.start),
                    confidence: confidence.min(Confidence::Probable),
                    counted: 0,
                });
            }
            pieces.extend(spans(away).map(|(part, span)| Piece {
                absence: index,
                cause: part.cause,
                what: &part.what,
                span,
                confidence: of_part(part.cause, away.absence, confidence),
                counted: 0,
            }));
            last = last.max(away.end);
        }
        pieces
    }

    /// Whether an absence can lie in the gap, to the error of the clocks. Lengths
    /// do not depend on that.
    fn fits(&self, away: &Away<'_>) -> bool {
        let wide = widened(self.placed.span, tolerance(self.error));
        let longest = self.placed.span.1.saturating_sub(self.placed.span.0);
        let is_longer = away.end - away.start > longest.saturating_add(WAYS / 2 + longest / 1_000);
        away.start >= wide.0 && away.end <= wide.1 && !is_longer
    }

    /// How sure the parts of an absence are.
    fn confidence(&self, away: &Away<'_>) -> Confidence {
        let wide = widened(self.placed.span, self.slack);
        let stands_out = away.start < wide.0 || away.end > wide.1;
        // Wherever the clocks put it within their error.
        let meets = away.end.saturating_sub(self.error) > self.placed.span.0
            && away.start.saturating_add(self.error) < self.placed.span.1;
        match away.is_whole() && meets && !stands_out {
            true => self.base,
            false => self.base.min(Confidence::Probable),
        }
    }
}

/// What a cause in an absence is worth.
fn of_part(cause: HostCause, absence: &Absence, confidence: Confidence) -> Confidence {
    match (cause, absence.smi_delta) {
        (HostCause::NotObserved, _) => Confidence::None,
        (HostCause::HostSmi, Some(1..)) => confidence,
        // Its count may be another stall's.
        (HostCause::HostSmi, _) => confidence.min(Confidence::Probable),
        _ => confidence,
    }
}

/// The parts of an absence with their places.
fn spans<'b>(away: &Away<'b>) -> impl Iterator<Item = (&'b HostPart, Span)> + use<'b> {
    let (start, end) = (away.start, away.end);
    away.absence.parts.iter().map(move |part| {
        let at = |nanos: Nanos| start.saturating_add(signed(nanos)).min(end);
        let to = at(part.at_ns.saturating_add(part.length_ns));
        (part, (at(part.at_ns), to))
    })
}

/// Parts of one cause and name, added up.
#[derive(Default)]
struct Sums<'b> {
    parts: Vec<ExplainedPart>,
    places: HashMap<(HostCause, &'b str), usize>,
}

impl<'b> Sums<'b> {
    fn add(&mut self, piece: &Piece<'b>, took: i64) {
        if took <= 0 {
            return;
        }
        let place = self.places.entry((piece.cause, piece.what));
        let place = *place.or_insert(self.parts.len());
        match self.parts.get_mut(place) {
            Some(sum) => {
                sum.length_ns = sum.length_ns.saturating_add(unsigned(took));
                sum.confidence = sum.confidence.min(piece.confidence);
            }
            None => self.parts.push(ExplainedPart {
                cause: piece.cause,
                what: piece.what.to_owned(),
                length_ns: unsigned(took),
                confidence: piece.confidence,
            }),
        }
    }

    /// The largest first.
    fn sorted(mut self) -> Vec<ExplainedPart> {
        (self.parts).sort_by_key(|part| std::cmp::Reverse(part.length_ns));
        self.parts
    }
}
