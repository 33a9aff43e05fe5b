//! Both time lines for a page: the run as a whole, and the worst gaps with what
//! the host did meanwhile.

use crate::model::absence::HostCause;
use crate::units::Nanos;

use super::Side;
use super::guest_side::Below;
use super::host_side::{Span, unsigned};
use super::told::Told;

/// Marks of each side.
const MOST_MARKS: usize = 3_000;
/// Gaps that are drawn from near.
const PAIRS: usize = 8;
/// Parts of an absence that are drawn.
const MOST_BANDS: usize = 200;

/// Both sides.
pub struct Pictured {
    /// From the first moment that is drawn to the last.
    pub elapsed: Nanos,
    /// The guest's gaps.
    pub guest: Vec<Mark>,
    /// The host's absences meanwhile.
    pub host: Vec<Mark>,
    /// The worst gaps, the worst first.
    pub worst: Vec<Pair>,
}

/// A gap or an absence in the run.
pub struct Mark {
    /// When, since the first moment.
    pub at: Nanos,
    /// How long.
    pub length: Nanos,
    /// Of which kind.
    pub kind: Kind,
}

/// A gap, and the host in the same time.
pub struct Pair {
    /// Which gap.
    pub name: String,
    /// The time that is drawn.
    pub length: Nanos,
    /// The guest's side.
    pub guest: Vec<Band>,
    /// The host's.
    pub host: Vec<Band>,
    /// In words.
    pub words: String,
}

/// A stretch of one kind.
pub struct Band {
    /// From where on, since the begin of what is drawn.
    pub from: Nanos,
    /// To where.
    pub to: Nanos,
    /// Of which kind.
    pub kind: Kind,
}

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The guest's own kernel.
    GuestKernel,
    /// KVM or the VMM at work for the guest.
    Exit,
    /// Others in its place: interrupts, softirqs, tasks.
    Host,
    /// The vCPU's thread did not run by itself: halted, stopped, on its way.
    Idle,
    /// An SMI, or the CPU.
    Hardware,
    /// Nobody observed, or nothing explains it.
    NotKnown,
}

impl Kind {
    fn of(cause: HostCause) -> Kind {
        match cause {
            HostCause::VmExit | HostCause::Vmm => Kind::Exit,
            HostCause::HostInterrupt | HostCause::HostSoftirq | HostCause::HostTask => Kind::Host,
            HostCause::VcpuHalted | HostCause::VcpuStopped | HostCause::VcpuMigrated => Kind::Idle,
            HostCause::HostSmi | HostCause::HostCpu => Kind::Hardware,
            HostCause::NotObserved => Kind::NotKnown,
        }
    }
}

pub(super) fn pictured(guest: &[&Below<'_>], sides: &[Side<'_>], gaps: &[Told]) -> Pictured {
    let mut longest: Vec<usize> = (0..gaps.len())
        .filter(|at| gaps[*at].gap.below_ns > Nanos(0))
        .collect();
    longest.sort_by_key(|at| std::cmp::Reverse(gaps[*at].gap.below_ns));
    let worst = longest.iter().take(PAIRS);
    let worst = worst.filter_map(|at| pair(guest[*at], sides, &gaps[*at]));
    let worst = worst.collect();
    // One host has one time line to draw.
    let drawn = longest.iter().filter_map(|at| {
        let one = &gaps[*at];
        Some((one, (one.gap.host == Some(0)).then_some(one.span?)?))
    });
    let drawn: Vec<(&Told, Span)> = drawn.take(MOST_MARKS).collect();
    let from = drawn.iter().map(|(_, span)| span.0).min().unwrap_or(0);
    let to = drawn.iter().map(|(_, span)| span.1).max().unwrap_or(0);
    let since = |at: i64| unsigned(at.saturating_sub(from));
    let mut away: Vec<Mark> = (sides.iter().take(1))
        .flat_map(|side| &side.host.vcpus)
        .flat_map(|vcpu| vcpu.within((from.saturating_sub(1), to.saturating_add(1))))
        .map(|away| Mark {
            at: since(away.start),
            length: away.absence.duration_ns,
            kind: Kind::of(
                (away.absence.parts.iter().max_by_key(|part| part.length_ns))
                    .map_or(HostCause::NotObserved, |part| part.cause),
            ),
        })
        .collect();
    away.sort_by_key(|mark| std::cmp::Reverse(mark.length));
    away.truncate(MOST_MARKS);
    Pictured {
        elapsed: since(to),
        guest: (drawn.iter())
            .map(|(one, span)| Mark {
                at: since(span.0),
                length: one.gap.below_ns,
                kind: Kind::of(one.gap.cause),
            })
            .collect(),
        host: away,
        worst,
    }
}

fn pair(below: &Below<'_>, sides: &[Side<'_>], one: &Told) -> Option<Pair> {
    let side = &sides[one.gap.host? as usize];
    let span = one.span?;
    let margin = (span.1.saturating_sub(span.0) / 8).max(2_000);
    let drawn = (span.0.saturating_sub(margin), span.1.saturating_add(margin));
    let place = |at: i64| unsigned(at.clamp(drawn.0, drawn.1).saturating_sub(drawn.0));
    let band = |(from, to): Span, kind| Band {
        from: place(from),
        to: place(to),
        kind,
    };
    let kind = Kind::of(one.gap.cause);
    let clock = side.clocks.of(one.gap.cpu)?;
    let part = (clock.place(&side.host, below)).and_then(|placed| placed.part);
    let bands = match part {
        Some(part) => vec![
            band((span.0, part.0), Kind::GuestKernel),
            band(part, kind),
            band((part.1, span.1), Kind::GuestKernel),
        ],
        None => vec![band(span, kind)],
    };
    let away = side.host.vcpus[clock.vcpu].within(drawn);
    let host = away.flat_map(|away| {
        away.absence.parts.iter().map(move |part| {
            let at = |nanos: Nanos| away.start.saturating_add(super::host_side::signed(nanos));
            let from = at(part.at_ns);
            (
                (from, at(part.at_ns.saturating_add(part.length_ns))),
                part.cause,
            )
        })
    });
    let host: Vec<Band> = host
        .take(MOST_BANDS)
        .map(|(span, cause)| band(span, Kind::of(cause)))
        .collect();
    Some(Pair {
        name: format!("CPU {}, {}", one.gap.cpu, one.gap.below_ns),
        length: unsigned(drawn.1.saturating_sub(drawn.0)),
        guest: bands,
        host,
        words: format!(
            "CPU {} at {}: {}.",
            one.gap.cpu, one.gap.start_utc, one.gap.detail
        ),
    })
}
