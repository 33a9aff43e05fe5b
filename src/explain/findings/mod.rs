//! What the reader should know: above all where the explanation does not hold or
//! does not reach.

mod clocks;
mod reach;

use crate::model::absence::HostCause;
use crate::model::explained::{ExplainedPart, ExplainedTotal};
use crate::model::{Finding, Severity};
use crate::text::{clean_text, human};

use super::Side;
use super::guest_side::GuestSide;
use super::host_side::signed;
use super::told::Told;

pub(super) fn findings(
    guest: &GuestSide<'_>,
    sides: &[Side<'_>],
    gaps: &[Told],
    totals: &[ExplainedTotal],
    worst_parts: &[ExplainedPart],
) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(reach::no_guest(guest));
    all.extend(reach::other_hypervisor(guest));
    for (index, side) in sides.iter().enumerate() {
        all.extend(clocks::out_of_time(side, index, gaps));
        all.extend(
            side.clocks
                .trouble
                .iter()
                .map(|one| clocks::trouble(one, side)),
        );
        all.extend(reach::not_seen(guest, side));
        all.extend(reach::observed(guest, side));
        all.extend(clocks::missed(side));
        all.extend(clocks::unverified(side));
        all.extend(clocks::other_day(guest, side));
        all.extend(clocks::set_anew(side));
        all.extend(clocks::rates_differ(guest, side));
        all.extend(reach::of_host(side));
    }
    all.extend(reach::of_guest(guest, gaps));
    // What helps against the worst gap comes before what helps against most time.
    let of_worst = worst_parts.first();
    let of_worst = of_worst.filter(|part| part.cause != HostCause::NotObserved);
    let helps: Vec<Finding> = of_worst.map(worst).into_iter().collect();
    let cause = of_worst.map(|part| part.cause);
    all.splice(0..0, helps.into_iter().chain(most(totals, cause)));
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

fn name(side: &Side<'_>) -> String {
    let name = side.host.report.host.hostname.as_deref();
    clean_text(name.unwrap_or("the host"))
}

/// Who took most of the worst gap, and what helps.
fn worst(part: &ExplainedPart) -> Finding {
    Finding::new(
        "worst-gap",
        Severity::Info,
        format!(
            "Of the worst gap {} went to {}: {}.",
            part.length_ns,
            part.cause.named(&clean_text(&part.what)),
            part.confidence.name()
        ),
        remedy(part.cause),
    )
}

/// Who took most of the time, and what helps, where that is not told of the cause of
/// the worst gap.
fn most(totals: &[ExplainedTotal], worst: Option<HostCause>) -> Option<Finding> {
    let known = || {
        let all = totals.iter();
        all.filter(|total| total.cause != HostCause::NotObserved)
    };
    let first = known().next()?;
    let sum = known()
        .map(|total| signed(total.total_ns))
        .fold(0, i64::saturating_add);
    let share = signed(first.total_ns) as f64 / sum.max(1) as f64;
    let rhythm = match first.period_ns {
        Some(period) => format!(", every {}", human::length(period)),
        None => String::new(),
    };
    let what = first.cause.named(&clean_text(&first.what));
    Some(Finding::new(
        "most-time",
        Severity::Info,
        format!(
            "Of the time that the host explains, {} went to {what} in {}{rhythm}.",
            human::percent(share),
            human::counted(first.gaps, "gap")
        ),
        remedy(first.cause).filter(|_| worst != Some(first.cause)),
    ))
}

fn remedy(cause: HostCause) -> Option<&'static str> {
    Some(match cause {
        HostCause::HostTask => {
            "on the host, give vCPUs CPUs of their own: bind them, and keep other tasks away \
             (isolated cpuset partition or isolcpus); bind the VMM's other threads elsewhere"
        }
        HostCause::HostInterrupt | HostCause::HostSoftirq => {
            "on the host, take interrupts and the tick off the vCPUs' CPUs (affinity, nohz_full, \
             managed_irq)"
        }
        HostCause::VmExit => {
            "take away what makes the guest exit: huge pages for its memory, no KSM, a timer that \
             needs no exit, idle=poll in the guest"
        }
        HostCause::Vmm => {
            "keep device work out of the vCPU's thread (ioeventfd, vhost, an IO thread), and do \
             without devices that the VMM emulates"
        }
        HostCause::VcpuHalted => "in the guest, idle=poll; on the host, kvm.halt_poll_ns",
        HostCause::VcpuStopped => "find out who stops the VMM's threads: a debugger, a migration",
        HostCause::VcpuMigrated => "bind each vCPU's thread to one CPU",
        HostCause::HostSmi => "measure the host itself with hwgap run, and ask its vendor",
        HostCause::HostCpu => "measure the host itself with hwgap run",
        HostCause::NotObserved => return None,
    })
}
