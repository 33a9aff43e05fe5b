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
use super::host_side::{HostSide, Moment, unsigned};
use super::join::{Joined, Left, Open};
use super::smis::SmiWindow;

/// The gaps of a host that absences do not explain, by the rises of SMI counts
/// that they may hold.
pub(super) struct Beyond<'b, 'a> {
    host: &'b HostSide<'a>,
    clocks: &'b Clocks,
    rises: HashMap<usize, Rise>,
}

/// Who shares a rise of the SMI count.
#[derive(Clone, Copy, Default)]
struct Rise {
    /// Gaps that nothing else explains.
    gaps: u64,
    /// SMIs that absences have for themselves.
    in_absences: u64,
    /// Whether absences about then may hold some of which nobody knows.
    is_unsure: bool,
}

impl<'b, 'a> Beyond<'b, 'a> {
    pub fn new<'g>(
        host: &'b HostSide<'a>,
        clocks: &'b Clocks,
        joined: impl Iterator<Item = (&'g Below<'g>, &'g Joined)>,
    ) -> Beyond<'b, 'a> {
        let mut rises: HashMap<usize, Rise> = HashMap::new();
        let mut beyond = Beyond {
            host,
            clocks,
            rises: HashMap::new(),
        };
        for (gap, joined) in joined {
            if !matches!(joined.left, Left::Open(_)) || joined.rest <= joined.ways {
                continue;
            }
            for (at, _) in beyond.windows(gap, joined) {
                rises.entry(at).or_default().gaps += 1;
            }
        }
        for vcpu in &host.vcpus {
            for away in &vcpu.away {
                let absence = away.absence;
                let is_smi = |cause| cause == HostCause::HostSmi;
                let by_parts = absence.parts.iter().any(|part| is_smi(part.cause));
                let counted = absence.smi_delta.map_or(u64::from(by_parts), u64::from);
                if counted == 0 && absence.smi_delta.is_some() {
                    continue;
                }
                let span = (away.start, away.end);
                for (at, _) in host.smis.iter().flat_map(|smis| smis.of(absence.cpu, span)) {
                    if let Some(rise) = rises.get_mut(&at) {
                        rise.in_absences += counted;
                        rise.is_unsure |= absence.smi_delta.is_none();
                    }
                }
            }
        }
        beyond.rises = rises;
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
        let mut cpus = self.host.vcpus[clock.vcpu].cpus_about(span);
        if cpus.is_empty() {
            cpus.extend(smis.cpus());
        }
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
        if !self.is_counted(gap, joined) {
            return match open {
                Open::BesideAbsence => None,
                _ => not_observed(match self.host.hypervisor() {
                    Some(below) => format!("no absence: the CPU, or {below} below this host"),
                    None => "no absence: the CPU or an SMI, of which this host has no count".into(),
                }),
            };
        }
        let windows = self.windows(gap, joined);
        let shares = windows.iter().map(|(at, window)| {
            let rise = self.rises.get(at).copied().unwrap_or_default();
            (rise, window.count.saturating_sub(rise.in_absences))
        });
        let shares: Vec<(Rise, u64)> = shares.filter(|(_, count)| *count > 0).collect();
        if let Some((rise, count)) = shares.iter().min_by_key(|(rise, _)| rise.gaps) {
            if rise.gaps > *count {
                return not_observed(format!(
                    "{} counted about then, and {} without another cause",
                    human::counted(*count, "SMI"),
                    human::counted(rise.gaps, "gap")
                ));
            }
            let confidence = self.smi_confidence(gap, joined, open, *rise);
            return part(HostCause::HostSmi, String::new(), confidence);
        }
        if !self.was_here(gap, joined) {
            return not_observed("nothing shows that the vCPU ran on this host then".into());
        }
        let confidence = match open {
            Open::NoAbsence if self.is_verified(gap) && self.host.hypervisor().is_none() => {
                Confidence::Strong
            }
            Open::NoAbsence | Open::MayBeShort => Confidence::Probable,
            Open::BesideAbsence => return None,
        };
        part(HostCause::HostCpu, String::new(), confidence)
    }

    fn is_verified(&self, gap: &Below<'_>) -> bool {
        let clock = self.clocks.of(gap.cpu());
        clock.is_some_and(|clock| clock.standing == ClockStanding::Verified)
    }

    fn smi_confidence(
        &self,
        gap: &Below<'_>,
        joined: &Joined,
        open: Open,
        rise: Rise,
    ) -> Confidence {
        let cpus = (self.clocks.of(gap.cpu()).zip(joined.span))
            .map(|(clock, span)| self.host.vcpus[clock.vcpu].cpus_about(span));
        let is_one_cpu = cpus.is_some_and(|cpus| cpus.len() == 1);
        let is_sure = open == Open::NoAbsence && !rise.is_unsure && self.is_verified(gap);
        match is_sure && is_one_cpu {
            true => Confidence::Strong,
            false => Confidence::Probable,
        }
    }

    /// Whether records before and after show that the vCPU ran on this host.
    fn was_here(&self, gap: &Below<'_>, joined: &Joined) -> bool {
        let clock = self.clocks.of(gap.cpu());
        let vcpu = clock.map(|clock| &self.host.vcpus[clock.vcpu]);
        let about = tolerance(self.clocks.error);
        (vcpu.zip(joined.span)).is_some_and(|(vcpu, span)| vcpu.was_seen(span, about))
    }
}
