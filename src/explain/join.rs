//! One gap: what the host did in the part of it that lies below the guest's
//! kernel.

use crate::model::Confidence;
use crate::model::absence::{Absence, HostCause, HostPart};
use crate::model::explained::{ClockJoinSource, ClockStanding, ExplainedPart};
use crate::units::Nanos;

use super::clocks::{Clocks, CpuClock, FEWEST_FOR, Place};
use super::fit::tolerance;
use super::guest_side::{Below, Placed};
use super::host_side::{Away, HostSide, Span, VcpuSide, shared, signed, unsigned};

/// What leaving the guest and entering it takes outside of the host's records, at
/// most; a vCPU's way in and out is no one's part.
const WAYS: i64 = 5_000;

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
    /// No absence is in the gap, and what is left is longer than one that has no
    /// record.
    NoAbsence,
    /// Several absences without a record, between which the guest's kernel ran,
    /// could come to as much.
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

/// Lays absences over a gap.
pub(super) fn join(gap: &Below<'_>, host: &HostSide<'_>, clocks: &Clocks) -> Joined {
    let Some(clock) = clocks.of(gap.cpu()) else {
        return Joined::not_observed(gap.length, "the host saw no vCPU of this number");
    };
    if clock.standing == ClockStanding::Contradicted {
        return Joined::not_observed(gap.length, "the clocks of guest and host do not fit");
    }
    let (placed, unsure) = match clock.place(host, gap) {
        Place::At { placed, unsure } => (placed, unsure),
        Place::BetweenLines => {
            let why = "the guest's clock was set anew about then";
            return Joined::not_observed(gap.length, why);
        }
    };
    let vcpu = &host.vcpus[clock.vcpu];
    let slack = WAYS / 2 + clocks.error;
    let found = Over {
        gap,
        placed,
        slack,
        base: base(clocks, clock, host),
    };
    let Laid {
        parts,
        os_parts,
        explained,
    } = found.parts(vcpu);
    let rest = (gap.length - explained).max(0);
    let ways = (WAYS.saturating_add(2 * clocks.error)).max(gap.length / 20);
    let joined = |left| Joined {
        parts,
        os_parts,
        rest,
        left,
        span: Some(placed.span),
        ways,
    };
    let wide = widened(placed.span, slack);
    if explained >= rest && explained > 0 && rest <= ways {
        return joined(Left::Ways);
    }
    if gap_outside(placed.span, host.observed) {
        return joined(Left::NotObserved("the host did not observe then".into()));
    }
    if vcpu.lost_in(wide) > 0 || vcpu.within(wide).any(|away| away.absence.incomplete) {
        return joined(Left::NotObserved("records of the host were lost".into()));
    }
    if unsure {
        let why = "the guest's clock was set anew about then";
        return joined(Left::NotObserved(why.into()));
    }
    if explained > 0 || vcpu.within(placed.span).next().is_some() {
        return joined(Left::Open(Open::BesideAbsence));
    }
    if rest <= vcpu.unseen.saturating_add(ways) {
        let unseen = crate::text::human::chosen(unsigned(vcpu.unseen));
        let why = format!("the host records absences above {unseen} only");
        return joined(Left::NotObserved(why));
    }
    joined(Left::Open(match gap.is_pure() {
        true => Open::NoAbsence,
        false => Open::MayBeShort,
    }))
}

fn gap_outside(span: Span, observed: Span) -> bool {
    span.0 < observed.0 || span.1 > observed.1
}

fn widened(span: Span, by: i64) -> Span {
    (span.0.saturating_sub(by), span.1.saturating_add(by))
}

/// A gap that is laid over absences.
struct Over<'b, 'a> {
    gap: &'b Below<'a>,
    placed: Placed,
    slack: i64,
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
    fn parts(&self, vcpu: &VcpuSide<'_>) -> Laid {
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
        let mut pieces = self.pieces(vcpu, whole);
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
            parts: parts.0,
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

    /// The parts of absences that the gap meets, in order of time. An SMI lies
    /// before the absence that it led to.
    fn pieces<'b>(&self, vcpu: &'b VcpuSide<'_>, whole: Span) -> Vec<Piece<'b>> {
        let mut pieces = Vec::new();
        let mut last = self.placed.span.0;
        for (index, away) in vcpu.within(whole).enumerate() {
            let confidence = self.confidence(away);
            if away.is_after_smi() && away.start > last {
                pieces.push(Piece {
                    absence: index,
                    cause: HostCause::HostSmi,
                    what: "",
                    span: (last, away.start),
                    confidence,
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

    /// How sure the parts of an absence are.
    fn confidence(&self, away: &Away<'_>) -> Confidence {
        let absence = away.absence;
        let stands_out = {
            let wide = widened(self.placed.span, tolerance(self.slack));
            away.start < wide.0 || away.end > wide.1
        };
        match absence.incomplete || absence.exit.is_none() || stands_out {
            true => self.base.min(Confidence::Probable),
            false => self.base,
        }
    }
}

/// What a cause in an absence is worth.
fn of_part(cause: HostCause, absence: &Absence, confidence: Confidence) -> Confidence {
    match (cause, absence.smi_delta) {
        (HostCause::NotObserved, _) => Confidence::None,
        (HostCause::HostSmi, Some(1..)) => confidence,
        (HostCause::HostSmi, _) => confidence.min(Confidence::Strong),
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
struct Sums(Vec<ExplainedPart>);

impl Sums {
    fn add(&mut self, piece: &Piece<'_>, took: i64) {
        if took <= 0 {
            return;
        }
        let of_same = |one: &&mut ExplainedPart| one.cause == piece.cause && one.what == piece.what;
        match self.0.iter_mut().find(of_same) {
            Some(sum) => {
                sum.length_ns = sum.length_ns.saturating_add(unsigned(took));
                sum.confidence = sum.confidence.min(piece.confidence);
            }
            None => self.0.push(ExplainedPart {
                cause: piece.cause,
                what: piece.what.to_owned(),
                length_ns: unsigned(took),
                confidence: piece.confidence,
            }),
        }
    }

    /// The largest first.
    fn sorted(mut self) -> Vec<ExplainedPart> {
        self.0.sort_by_key(|part| std::cmp::Reverse(part.length_ns));
        self.0
    }
}
