//! A gap as the explanation tells it.

use std::cmp::Reverse;

use crate::model::Confidence;
use crate::model::absence::HostCause;
use crate::model::explained::{ExplainedGap, ExplainedPart};
use crate::text::human;
use crate::units::Nanos;

use super::guest_side::Below;
use super::host_side::{Span, unsigned};
use super::join::{Joined, Left};

/// Parts that a phrase names.
const NAMED: usize = 4;

/// A gap, and what is not for programs.
pub(super) struct Told {
    pub gap: ExplainedGap,
    /// What the ways in and out may take of it.
    ways: Nanos,
    /// Where it is on the host's time line.
    pub span: Option<Span>,
}

impl Told {
    /// Whether there is anything to tell of it.
    pub fn is_worth_telling(&self) -> bool {
        self.gap.below_ns > Nanos(0) || !self.gap.os_parts.is_empty()
    }

    /// Whether the host says who took all of it, to its error.
    pub fn is_explained(&self) -> bool {
        let parts = &self.gap.parts;
        let observed = parts.iter().all(ExplainedPart::is_observed);
        observed && !parts.is_empty() && self.gap.unexplained_ns <= self.ways
    }
}

impl ExplainedPart {
    fn is_observed(&self) -> bool {
        self.cause != HostCause::NotObserved
    }
}

pub(super) fn not_observed(joined: &Joined) -> Option<ExplainedPart> {
    let Left::NotObserved(why) = &joined.left else {
        return None;
    };
    if joined.rest <= 0 {
        return None;
    }
    Some(ExplainedPart {
        cause: HostCause::NotObserved,
        what: why.clone(),
        length_ns: unsigned(joined.rest),
        confidence: Confidence::None,
    })
}

pub(super) fn gap(
    below: &Below<'_>,
    host: Option<usize>,
    joined: &Joined,
    beyond: Option<ExplainedPart>,
) -> Told {
    let mut parts = joined.parts.clone();
    if let Some(beyond) = beyond {
        let same =
            |part: &&mut ExplainedPart| part.cause == beyond.cause && part.what == beyond.what;
        match parts.iter_mut().find(same) {
            Some(part) => {
                part.length_ns = part.length_ns.saturating_add(beyond.length_ns);
                part.confidence = part.confidence.min(beyond.confidence);
            }
            None => parts.push(beyond),
        }
    }
    parts.sort_by_key(|part| Reverse(part.length_ns));
    let below_ns = unsigned(below.length);
    let explained = parts
        .iter()
        .fold(Nanos(0), |sum, part| sum.saturating_add(part.length_ns));
    let unexplained_ns = below_ns.saturating_sub(explained);
    let os_parts = joined.os_parts.clone();
    let in_os = os_parts
        .iter()
        .fold(Nanos(0), |sum, part| sum.saturating_add(part.length_ns));
    let ways = unsigned(joined.ways);
    let not_observed = parts.iter().filter(|part| !part.is_observed());
    let unknown = not_observed.fold(unexplained_ns.saturating_sub(ways), |sum, part| {
        sum.saturating_add(part.length_ns)
    });
    // What its kernel's time was does not tell what lay below.
    let of_os = match unknown.0 > below_ns.0 / 2 {
        true => &[],
        false => os_parts.as_slice(),
    };
    let largest = (of_os.iter().chain(&parts)).max_by_key(|part| part.length_ns);
    let (cause, what, confidence) = match largest {
        Some(largest) if largest.length_ns >= unexplained_ns => {
            // What is less than half is not what the gap is.
            let most = match largest.length_ns.0 >= below_ns.saturating_add(in_os).0 / 2 {
                true => Confidence::Proved,
                false => Confidence::Probable,
            };
            let confidence = largest.confidence.min(most);
            (largest.cause, largest.what.clone(), confidence)
        }
        Some(_) => {
            let why = "nothing explains most of it";
            (HostCause::NotObserved, why.into(), Confidence::None)
        }
        None => (HostCause::NotObserved, String::new(), Confidence::None),
    };
    let gap = below.gap;
    Told {
        gap: ExplainedGap {
            cpu: gap.cpu,
            host: host.map(|host| host as u32),
            start_cycles: gap.start_cycles,
            start_utc: gap.start_utc.clone(),
            duration_ns: gap.duration_ns,
            guest_os_ns: gap.os_ns,
            below_ns,
            cause,
            what,
            confidence,
            detail: match in_os > explained {
                true => {
                    let own = detail(&os_parts, Nanos(0));
                    let own = format!("{own} in the guest's own kernel");
                    let mut both = vec![own, detail(&parts, unexplained_ns)];
                    if of_os.is_empty() {
                        both.reverse();
                    }
                    both.retain(|text| !text.is_empty());
                    both.join("; ")
                }
                false => detail(&parts, unexplained_ns),
            },
            parts,
            os_parts,
            unexplained_ns,
        },
        ways,
        span: joined.span,
    }
}

/// `host-interrupt local_timer 9.00 us, vm-exit intr 2.00 us; 1.00 us not
/// explained`.
fn detail(parts: &[ExplainedPart], unexplained: Nanos) -> String {
    let mut texts: Vec<String> = parts.iter().take(NAMED).map(named).collect();
    if parts.len() > NAMED {
        let more = (parts.len() - NAMED) as u64;
        texts.push(human::counted(more, "more part"));
    }
    let mut text = texts.join(", ");
    if unexplained > Nanos(0) {
        let separator = if text.is_empty() { "" } else { "; " };
        text.push_str(&format!("{separator}{unexplained} not explained"));
    }
    text
}

/// A part in words.
pub(super) fn named(part: &ExplainedPart) -> String {
    format!("{} {}", part.cause.named(&part.what), part.length_ns)
}
