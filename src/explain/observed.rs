//! Which part of the guest's run its hosts observed, and what they leave in doubt.

use crate::model::explained::ClockStanding;
use crate::text::human;
use crate::units::{CpuId, Nanos};

use super::Side;
use super::guest_side::GuestSide;
use super::host_side::{Span, shared, signed, unsigned};

/// Of the run at least this share must have been observed.
const LEAST_OBSERVED: f64 = 0.95;

/// Why the hosts' reports do not bear out that a guest is fit, whatever its own says.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum Doubt {
    /// What happened to a vCPU explains nothing of a run on a host.
    #[error("its run says that it was in no guest")]
    NoGuest,
    #[error("the clocks of guest and host do not fit")]
    Clocks,
    #[error(
        "its host had its CPU {cpu} away for {length}, longer than its limit, in no gap of the guest"
    )]
    Away { cpu: CpuId, length: Nanos },
    /// So much of the run was observed, of the CPU that was least.
    #[error("{} of its run was observed", human::percent(*.0))]
    NotObserved(f64),
}

/// The gravest doubt, where this share of the run was observed.
pub(super) fn doubt(guest: &GuestSide<'_>, sides: &[Side<'_>], observed: f64) -> Option<Doubt> {
    if guest.report.host.hypervisor.is_none() {
        return Some(Doubt::NoGuest);
    }
    let contradicted = |side: &Side<'_>| side.clocks.standing() == ClockStanding::Contradicted;
    if sides.iter().any(contradicted) {
        return Some(Doubt::Clocks);
    }
    let limit = signed(guest.report.run.hardlimit_ns);
    let missed = sides.iter().flat_map(|side| side.clocks.missed());
    let longest = missed.max_by_key(|(_, length)| *length);
    if let Some((cpu, length)) = longest.filter(|(_, length)| *length > limit) {
        let length = unsigned(length);
        return Some(Doubt::Away { cpu, length });
    }
    (observed < LEAST_OBSERVED).then_some(Doubt::NotObserved(observed))
}

/// The run on one host's time line, for one of the guest's CPUs.
pub(super) struct OnHost {
    pub run: Span,
    /// In order of time.
    observed: Vec<Span>,
    pub lost: i64,
}

impl OnHost {
    /// `None` where no clock shows it.
    pub fn new(guest: &GuestSide<'_>, side: &Side<'_>, cpu: CpuId) -> Option<OnHost> {
        let clock = side.clocks.of(cpu)?;
        let usable = clock.standing != ClockStanding::Contradicted;
        let (host, vcpu) = (&side.host, &side.host.vcpus[clock.vcpu]);
        let run = guest.run(host, &clock.lines)?;
        let mut observed = Vec::new();
        let within = (run.0.max(host.observed.0), run.1.min(host.observed.1));
        let mut from = within.0;
        let lost = vcpu.lost.iter().filter(|lost| shared(**lost, within) > 0);
        for lost in lost {
            observed.push((from, lost.0));
            from = lost.1;
        }
        observed.push((from, within.1));
        observed.retain(|span| span.1 > span.0);
        usable.then_some(OnHost {
            run,
            observed,
            lost: vcpu.lost_in(within),
        })
    }

    /// The share of the run that lies in the observation, lost or not.
    pub fn within(&self, observed: Span) -> f64 {
        shared(self.run, observed) as f64 / (self.run.1 - self.run.0).max(1) as f64
    }
}

/// The share of the run that was observed, of the CPU that was least. A guest that
/// moves counts as observed on a host from the first absence there to the last.
pub(super) fn share(guest: &GuestSide<'_>, sides: &[Side<'_>]) -> f64 {
    let of_cpu = |cpu: CpuId| {
        let mut length = 1;
        let mut spans: Vec<Span> = Vec::new();
        for side in sides {
            let Some(on) = OnHost::new(guest, side, cpu) else {
                continue;
            };
            length = length.max(on.run.1.saturating_sub(on.run.0));
            let away = side.host.vcpu(cpu).map(|(_, vcpu)| &vcpu.away);
            let seen = match away.and_then(|away| away.first().zip(away.last())) {
                _ if sides.len() == 1 => (i64::MIN, i64::MAX),
                Some((first, last)) => (first.start, last.end),
                None => continue,
            };
            let since = |at: i64| at.saturating_sub(on.run.0);
            let met = on.observed.iter().map(|span| {
                let span = (span.0.max(seen.0), span.1.min(seen.1));
                (since(span.0), since(span.1))
            });
            spans.extend(met);
        }
        spans.sort_unstable();
        let (mut reached, mut sum) = (i64::MIN, 0_i64);
        for (from, to) in spans {
            sum = sum.saturating_add(to.saturating_sub(from.max(reached)).max(0));
            reached = reached.max(to);
        }
        sum as f64 / length as f64
    };
    guest.cpus().into_iter().map(of_cpu).fold(1.0, f64::min)
}
