//! What absences have of one gap: their parts, each counted once, and how sure each
//! is.

use std::collections::HashMap;

use crate::model::Confidence;
use crate::model::absence::{Absence, HostCause, HostPart};
use crate::model::explained::ExplainedPart;
use crate::units::Nanos;

use super::fit::tolerance;
use super::guest_side::{Below, Placed};
use super::host_side::{Away, Span, shared, signed, unsigned, widened};

/// What leaving the guest and entering it takes outside of the host's records, at
/// most; a vCPU's way in and out is no one's part.
pub(super) const WAYS: i64 = 5_000;

/// A gap that is laid over absences.
pub(super) struct Over<'b, 'a> {
    pub gap: &'b Below<'a>,
    pub placed: Placed,
    /// How far an absence may stand out of it.
    pub slack: i64,
    /// How far its place may be off.
    pub error: i64,
    pub base: Confidence,
}

/// What absences have of a gap.
pub(super) struct Laid {
    pub parts: Vec<ExplainedPart>,
    pub os_parts: Vec<ExplainedPart>,
    pub explained: i64,
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
    pub fn parts(&self, own: &[&Away<'_>]) -> Laid {
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
    pub fn fits(&self, away: &Away<'_>) -> bool {
        let wide = widened(self.placed.span, tolerance(self.error));
        let longest = self.placed.span.1.saturating_sub(self.placed.span.0);
        let is_longer = away.end - away.start > longest.saturating_add(WAYS / 2 + longest / 1_000);
        away.start >= wide.0 && away.end <= wide.1 && !is_longer
    }

    /// How sure the parts of an absence are. Where the guest does not know which part
    /// of its gap is its kernel's, an absence may lie in that.
    fn confidence(&self, away: &Away<'_>) -> Confidence {
        let has_place = self.gap.is_pure() || self.placed.part.is_some() || self.gap.length == 0;
        let wide = widened(self.placed.span, self.slack);
        let stands_out = away.start < wide.0 || away.end > wide.1;
        // Wherever the clocks put it within their error.
        let meets = away.end.saturating_sub(self.error) > self.placed.span.0
            && away.start.saturating_add(self.error) < self.placed.span.1;
        match away.is_whole() && meets && !stands_out && has_place {
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
