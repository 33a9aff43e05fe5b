//! What no absence explains: an SMI, which leaves no record, or the CPU. The
//! count of SMIs decides, as far as it belongs to one gap.

use std::collections::HashMap;

use crate::model::Confidence;
use crate::model::absence::HostCause;
use crate::model::explained::{ClockStanding, ExplainedPart};
use crate::text::human;
use crate::units::CpuId;

use super::clocks::Clocks;
use super::fit::tolerance;
use super::guest_side::{Below, GuestSide};
use super::host_side::{Away, HostSide, Span, VcpuSide, shared, unsigned, widened};
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
    /// Gaps of which nobody knows when or where they were.
    unplaced: u64,
}

/// Who shares a rise of the SMI count. Each SMI has one place.
#[derive(Clone, Copy, Default)]
struct Rise {
    /// Gaps that nothing else explains for certain.
    gaps: u64,
    /// SMIs that absences may have had for themselves.
    in_absences: u64,
    /// Absences that look like one.
    like_one: u64,
    /// Whether others about then may hold some of which nobody knows.
    is_unsure: bool,
}

impl<'b, 'a> Beyond<'b, 'a> {
    pub fn new<'g>(
        guest: &GuestSide<'_>,
        host: &'b HostSide<'a>,
        clocks: &'b Clocks,
        joined: impl Iterator<Item = (&'g Below<'g>, &'g Joined)>,
    ) -> Beyond<'b, 'a> {
        let mut beyond = Beyond {
            host,
            clocks,
            rises: HashMap::new(),
            unplaced: 0,
        };
        if host.smis.is_none() {
            return beyond;
        }
        let with_smis = host.with_smis();
        for (gap, joined) in joined {
            if joined.left == Left::Ways || joined.rest <= joined.ways {
                continue;
            }
            let Some((vcpu, span)) = beyond.place(gap, joined) else {
                beyond.unplaced += 1;
                continue;
            };
            for (at, window) in beyond.windows(vcpu, span) {
                let rise = beyond.rises.entry(at);
                let rise = rise.or_insert_with(|| {
                    let mut rise = in_absences(&with_smis, window);
                    rise.is_unsure |= misses_some(guest, host, clocks, window);
                    rise
                });
                rise.gaps += 1;
            }
        }
        beyond
    }

    /// The vCPU of a gap and when that was, where the vCPU was seen about then.
    fn place(&self, gap: &Below<'_>, joined: &Joined) -> Option<(&'b VcpuSide<'a>, Span)> {
        let vcpu = &self.host.vcpus[self.clocks.of(gap.cpu())?.vcpu];
        (!vcpu.away.is_empty()).then_some((vcpu, joined.span?))
    }

    /// The rises that a gap may hold: of the CPUs on which its vCPU was seen. What
    /// was counted within an absence came in that.
    fn windows(&self, vcpu: &VcpuSide<'_>, span: Span) -> Vec<(usize, &'b SmiWindow)> {
        let Some(smis) = self.host.smis.as_ref() else {
            return Vec::new();
        };
        let is_in_absence = |window: &SmiWindow| {
            let within = |away: &Away<'_>| {
                let span = widened(away.span(), 1);
                span.0 <= window.span.0 && window.span.1 <= span.1
            };
            vcpu.within(window.span).next().is_some_and(within)
        };
        let cpus = vcpu.cpus_about(span).into_iter();
        let span = widened(span, self.clocks.error);
        let found = cpus.flat_map(|cpu| smis.of(cpu, span));
        found.filter(|(_, window)| !is_in_absence(window)).collect()
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
        let was_seen = |(vcpu, span): &(&VcpuSide<'_>, Span)| {
            vcpu.was_seen(*span, tolerance(self.clocks.error))
        };
        let Some((vcpu, span)) = self.place(gap, joined).filter(was_seen) else {
            return not_observed("nothing shows that the vCPU ran on this host then".into());
        };
        let cpus = vcpu.cpus_about(span);
        if !self.host.counts_smis(|cpu| cpus.contains(&cpu), span.1) {
            return match open {
                Open::BesideAbsence => None,
                Open::MayBeShort => not_observed(vcpu.too_short()),
                Open::NoAbsence => not_observed(match self.host.hypervisor() {
                    Some(below) => format!("no absence: the CPU, or {below} below this host"),
                    None => "no absence: the CPU or an SMI, of which this host has no count".into(),
                }),
            };
        }
        let windows = self.windows(vcpu, span);
        let shares = windows.iter().filter(|(_, window)| window.count > 0);
        let shares = shares.map(|(at, window)| {
            let rise = self.rises.get(at).copied().unwrap_or_default();
            (rise, *window)
        });
        let shares: Vec<(Rise, &SmiWindow)> = shares.collect();
        // No SMI has two places: all that may hold it must find room in the count.
        let sharing = |rise: &Rise| rise.gaps + rise.like_one;
        if let Some((rise, window)) = shares.iter().min_by_key(|(rise, _)| sharing(rise)) {
            if sharing(rise) > window.count.saturating_sub(rise.in_absences) {
                return not_observed(rise.crowded(window.count));
            }
            let is_sure = open == Open::NoAbsence
                && !rise.is_unsure
                && self.unplaced == 0
                && shares.len() == 1
                && window.span.1.saturating_sub(window.span.0) <= NARROW
                && self.is_verified(gap)
                && cpus.len() == 1;
            return part(HostCause::HostSmi, String::new(), strong_if(is_sure));
        }
        match open {
            Open::NoAbsence => {
                if let Some(window) = self.elsewhere(&cpus, vcpu, span) {
                    return not_observed(format!(
                        "{} counted about then on CPU {}, where the vCPU may have run",
                        human::counted(window.count, "SMI"),
                        window.cpu
                    ));
                }
                let is_sure = self.is_verified(gap)
                    && self.host.hypervisor().is_none()
                    && self.host.counts_smis(|cpu| vcpu.may_run_on(cpu), span.1);
                part(HostCause::HostCpu, String::new(), strong_if(is_sure))
            }
            Open::MayBeShort => not_observed(vcpu.too_short()),
            Open::BesideAbsence => None,
        }
    }

    /// A rise of another CPU to which the vCPU may have moved in an absence that is
    /// too short for a record. All CPUs take part in an SMI, so that it counts there
    /// as well.
    fn elsewhere(&self, own: &[CpuId], vcpu: &VcpuSide<'_>, span: Span) -> Option<&'b SmiWindow> {
        let other = |cpu: CpuId| !own.contains(&cpu) && vcpu.may_run_on(cpu);
        let smis = self.host.smis.as_ref()?;
        smis.on_any(other, widened(span, self.clocks.error))
    }

    fn is_verified(&self, gap: &Below<'_>) -> bool {
        let clock = self.clocks.of(gap.cpu());
        clock.is_some_and(|clock| clock.standing == ClockStanding::Verified)
    }
}

impl Rise {
    /// Why the SMIs that were counted are nobody's.
    fn crowded(&self, count: u64) -> String {
        let gaps = human::counted(self.gaps, "gap");
        let mut sharing = vec![format!("{gaps} without another cause")];
        if self.like_one > 0 {
            let absences = human::counted(self.like_one, "absence");
            sharing.push(format!("{absences} like one"));
        }
        if self.in_absences > 0 {
            sharing.push("absences that count some".to_owned());
        }
        let smis = human::counted(count, "SMI");
        format!("{smis} counted about then, and {}", sharing.join(" and "))
    }
}

fn strong_if(is_sure: bool) -> Confidence {
    match is_sure {
        true => Confidence::Strong,
        false => Confidence::Probable,
    }
}

/// Whether a vCPU that may have run where SMIs were counted may have had gaps or
/// absences meanwhile that are in no list.
fn misses_some(
    guest: &GuestSide<'_>,
    host: &HostSide<'_>,
    clocks: &Clocks,
    window: &SmiWindow,
) -> bool {
    clocks.cpus.iter().any(|clock| {
        let vcpu = &host.vcpus[clock.vcpu];
        let is_in = |run: &Span| run.0 <= window.span.0 && window.span.1 <= run.1;
        let has_all = || {
            guest.has_all(clock.cpu)
                && vcpu.vcpu.listed_above_ns.is_none()
                && guest.run(host, &clock.lines).as_ref().is_some_and(is_in)
        };
        vcpu.may_run_on(window.cpu) && !has_all()
    })
}

/// What absences have of a rise, before any gap.
fn in_absences(with_smis: &[Vec<Away<'_>>], window: &SmiWindow) -> Rise {
    let mut rise = Rise::default();
    // One that ends with the reading, too.
    let wide = widened(window.span, 1);
    for away in with_smis.iter().flat_map(|all| &all[Away::met(all, wide)]) {
        let absence = away.absence;
        if absence.cpu != window.cpu && absence.entered_on != Some(window.cpu) {
            continue;
        }
        match absence.smi_delta {
            Some(count @ 1..) if shared(away.span(), window.span) > 0 => {
                rise.in_absences += u64::from(count);
            }
            Some(1..) => {}
            // Its parts have one, or an SMI led to it.
            Some(0) => rise.like_one += 1,
            None if away.is_like_smi() => rise.like_one += 1,
            None => rise.is_unsure = true,
        }
    }
    rise
}
