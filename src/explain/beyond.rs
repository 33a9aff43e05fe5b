//! What no absence explains: an SMI, which leaves no record, or the CPU. The
//! count of SMIs decides, as far as it belongs to one gap.

use std::collections::HashMap;

use crate::model::Confidence;
use crate::model::absence::HostCause;
use crate::model::explained::{ClockStanding, ExplainedPart};
use crate::text::human;

use super::clocks::Clocks;
use super::fit::tolerance;
use super::guest_side::Below;
use super::host_side::{HostSide, Moment, VcpuSide, shared, unsigned, widened};
use super::join::{Joined, Left, Open};
use super::smis::SmiWindow;

/// An SMI that was counted in a longer time may have come in any of it: one that
/// the guest did not notice is as likely.
const NARROW: i64 = 100_000_000;

/// The gaps of a host that absences do not explain, by the rises of SMI counts
/// that they may hold.
pub(super) struct Beyond<'b, 'a> {
    host: &'b HostSide<'a>,
    clocks: &'b Clocks,
    rises: HashMap<usize, Rise>,
}

/// Who shares a rise of the SMI count. Each SMI has one place.
#[derive(Clone, Copy, Default)]
struct Rise {
    /// Gaps that nothing else explains.
    gaps: u64,
    /// SMIs that absences have for themselves.
    in_absences: u64,
    /// Absences that look like one.
    like_one: u64,
    /// Whether absences about then may hold some of which nobody knows.
    is_unsure: bool,
}

impl<'b, 'a> Beyond<'b, 'a> {
    pub fn new<'g>(
        host: &'b HostSide<'a>,
        clocks: &'b Clocks,
        joined: impl Iterator<Item = (&'g Below<'g>, &'g Joined)>,
    ) -> Beyond<'b, 'a> {
        let mut beyond = Beyond {
            host,
            clocks,
            rises: HashMap::new(),
        };
        for (gap, joined) in joined {
            if !matches!(joined.left, Left::Open(_)) || joined.rest <= joined.ways {
                continue;
            }
            for (at, window) in beyond.windows(gap, joined) {
                let rise = beyond.rises.entry(at);
                rise.or_insert_with(|| in_absences(host, window)).gaps += 1;
            }
        }
        beyond
    }

    /// Whether the count of SMIs was read then, where the vCPU may have been.
    fn is_counted(&self, gap: &Below<'_>, joined: &Joined) -> bool {
        let placed = self.clocks.of(gap.cpu()).zip(joined.span);
        let (cpus, until) = placed.map_or((Vec::new(), Moment::MAX), |(clock, span)| {
            (self.host.vcpus[clock.vcpu].cpus_about(span), span.1)
        });
        self.host.counts_smis(&cpus, until)
    }

    /// The rises that a gap may hold: of the CPUs on which its vCPU may have been.
    fn windows(&self, gap: &Below<'_>, joined: &Joined) -> Vec<(usize, &'b SmiWindow)> {
        let clock = self.clocks.of(gap.cpu());
        let Some(((clock, span), smis)) = clock.zip(joined.span).zip(self.host.smis.as_ref())
        else {
            return Vec::new();
        };
        let cpus = self.host.vcpus[clock.vcpu].cpus_about(span);
        let span = widened(span, self.clocks.error);
        let found = cpus.into_iter().flat_map(|cpu| smis.of(cpu, span));
        found.collect()
    }

    /// What the rest of a gap is, where an absence does not explain it. `None`
    /// where nothing says.
    pub fn part(&self, gap: &Below<'_>, joined: &Joined) -> Option<ExplainedPart> {
        let part = |cause, what: String, confidence| {
            (joined.rest > 0).then(|| ExplainedPart {
                cause,
                what,
                length_ns: unsigned(joined.rest),
                confidence,
            })
        };
        let not_observed = |why: String| part(HostCause::NotObserved, why, Confidence::None);
        let open = match &joined.left {
            Left::Ways => return None,
            Left::NotObserved(why) => return not_observed(why.clone()),
            Left::Open(open) => *open,
        };
        if joined.rest <= joined.ways {
            return None;
        }
        let Some(vcpu) = self.was_here(gap, joined) else {
            return not_observed("nothing shows that the vCPU ran on this host then".into());
        };
        if !self.is_counted(gap, joined) {
            return match open {
                Open::BesideAbsence => None,
                Open::MayBeShort => not_observed(vcpu.too_short()),
                Open::NoAbsence => not_observed(match self.host.hypervisor() {
                    Some(below) => format!("no absence: the CPU, or {below} below this host"),
                    None => "no absence: the CPU or an SMI, of which this host has no count".into(),
                }),
            };
        }
        let windows = self.windows(gap, joined);
        let shares = windows.iter().filter_map(|(at, window)| {
            let rise = self.rises.get(at).copied().unwrap_or_default();
            let count = window.count.saturating_sub(rise.in_absences);
            (count > 0).then_some((rise, count, *window))
        });
        let shares: Vec<(Rise, u64, &SmiWindow)> = shares.collect();
        // No SMI has two places: all that may hold it must find room in the count.
        let fewest = |(rise, ..): &&(Rise, u64, &SmiWindow)| rise.gaps + rise.like_one;
        if let Some((rise, count, window)) = shares.iter().min_by_key(fewest) {
            if rise.gaps + rise.like_one > *count {
                let absences = match rise.like_one {
                    0 => String::new(),
                    like_one => format!(" and {} like one", human::counted(like_one, "absence")),
                };
                return not_observed(format!(
                    "{} counted about then, and {} without another cause{absences}",
                    human::counted(*count, "SMI"),
                    human::counted(rise.gaps, "gap"),
                ));
            }
            let is_sure = open == Open::NoAbsence
                && !rise.is_unsure
                && shares.len() == 1
                && window.span.1.saturating_sub(window.span.0) <= NARROW
                && self.is_verified(gap)
                && joined
                    .span
                    .is_some_and(|span| vcpu.cpus_about(span).len() == 1);
            let confidence = match is_sure {
                true => Confidence::Strong,
                false => Confidence::Probable,
            };
            return part(HostCause::HostSmi, String::new(), confidence);
        }
        match open {
            Open::NoAbsence => {
                let is_sure = self.is_verified(gap) && self.host.hypervisor().is_none();
                let confidence = match is_sure {
                    true => Confidence::Strong,
                    false => Confidence::Probable,
                };
                part(HostCause::HostCpu, String::new(), confidence)
            }
            Open::MayBeShort => not_observed(vcpu.too_short()),
            Open::BesideAbsence => None,
        }
    }

    fn is_verified(&self, gap: &Below<'_>) -> bool {
        let clock = self.clocks.of(gap.cpu());
        clock.is_some_and(|clock| clock.standing == ClockStanding::Verified)
    }

    /// The vCPU, where records before and after show that it ran on this host.
    fn was_here(&self, gap: &Below<'_>, joined: &Joined) -> Option<&VcpuSide<'a>> {
        let vcpu = &self.host.vcpus[self.clocks.of(gap.cpu())?.vcpu];
        let about = tolerance(self.clocks.error);
        vcpu.was_seen(joined.span?, about).then_some(vcpu)
    }
}

/// What absences have of a rise, before any gap.
fn in_absences(host: &HostSide<'_>, window: &SmiWindow) -> Rise {
    let mut rise = Rise::default();
    for vcpu in &host.vcpus {
        // One that ends with the reading, too.
        for away in vcpu.within(widened(window.span, 1)) {
            let absence = away.absence;
            if absence.cpu != window.cpu && absence.entered_on != Some(window.cpu) {
                continue;
            }
            let mut causes = absence.parts.iter().map(|part| part.cause);
            let is_like_one = causes.any(|cause| cause == HostCause::HostSmi);
            let meets = shared(away.span(), window.span) > 0;
            match absence.smi_delta {
                Some(counted @ 1..) if meets => rise.in_absences += u64::from(counted),
                Some(1..) => {}
                _ if is_like_one || away.is_after_smi() => rise.like_one += 1,
                Some(0) => {}
                None => rise.is_unsure = true,
            }
        }
    }
    rise
}
