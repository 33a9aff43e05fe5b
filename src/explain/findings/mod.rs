//! What the reader should know: above all where the explanation does not hold or
//! does not reach.

use crate::model::absence::HostCause;
use crate::model::explained::{ClockStanding, ExplainedTotal};
use crate::model::{Finding, Severity};
use crate::text::{clean_text, human};
use crate::units::Nanos;

use super::Side;
use super::clocks::Trouble;
use super::guest_side::GuestSide;
use super::host_side::signed;
use super::told::Told;

/// Rates that differ by more are not those of one clock.
const RATES_APART: f64 = 1e-3;
/// Hypervisors that are not KVM and do not pass for it; KVM may show Hyper-V's
/// name.
const NOT_KVM: [&str; 6] = [
    "VMware",
    "bhyve",
    "ACRN",
    "Parallels",
    "VirtualBox",
    "QEMU (TCG)",
];

pub(super) fn findings(
    guest: &GuestSide<'_>,
    sides: &[Side<'_>],
    gaps: &[Told],
    totals: &[ExplainedTotal],
) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(other_hypervisor(guest));
    for (index, side) in sides.iter().enumerate() {
        all.extend(out_of_time(side, index, gaps));
        all.extend(side.clocks.trouble.iter().map(|one| trouble(one, side)));
        all.extend(of_side(guest, side));
    }
    all.extend(of_guest(guest, gaps));
    all.extend(most(totals));
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

fn finding(id: &str, severity: Severity, text: String, remedy: Option<&str>) -> Finding {
    Finding {
        id: id.to_owned(),
        severity,
        text,
        remedy: remedy.map(str::to_owned),
    }
}

fn name(side: &Side<'_>) -> String {
    let name = side.host.report.host.hostname.as_deref();
    clean_text(name.unwrap_or("the host"))
}

const NOTHING: &str = "Nothing is explained by it";
const SAME_RUN: &str = "check that both reports are of the same time, host and guest (--guest), and \
    of the guest's run since its latest start, restore or migration";

fn trouble(trouble: &Trouble, side: &Side<'_>) -> Finding {
    let host = name(side);
    match trouble {
        Trouble::Swapped {
            cpu,
            vcpu,
            tried,
            own,
            other,
        } => finding(
            "clock-vcpu-swapped",
            Severity::Critical,
            format!(
                "Gaps of the guest's CPU {cpu} lie on absences of vCPU {vcpu} of {host} ({other} of \
                 {tried}), not on those of its own ({own}): they were swapped somewhere. {NOTHING}."
            ),
            Some("find out in what order the VMM made its vCPUs; observe both sides again"),
        ),
        Trouble::Shifted { by_ns, cycles } => finding(
            "clock-shifted",
            Severity::Critical,
            format!(
                "The clock is off by {}{}: the guest's gaps lie on absences only where the offset \
                 that {} is {cycles} cycles less. {NOTHING}.",
                if *by_ns < 0 { "-" } else { "" },
                human::length(Nanos(by_ns.unsigned_abs())),
                teller(side),
            ),
            Some(SAME_RUN),
        ),
        Trouble::Broken {
            cpus,
            tried,
            fitting,
        } => {
            let cpus: Vec<String> = cpus.iter().take(8).map(ToString::to_string).collect();
            finding(
                "clock-broken",
                Severity::Critical,
                format!(
                    "Only {fitting} of {tried} gaps of the guest's CPU {} lie on absences by the \
                     offset of the clocks that {}. {NOTHING}.",
                    cpus.join(", "),
                    teller(side)
                ),
                Some(SAME_RUN),
            )
        }
        Trouble::NotFound {
            tried,
            best,
            by_chance,
        } => finding(
            "clock-not-found",
            Severity::Critical,
            format!(
                "{host} does not tell the guest's clock, and no offset stands out: the best lays \
                 {best} of {tried} gaps onto absences, chance or another offset {by_chance}. \
                 Nothing is explained."
            ),
            Some(
                "run hwgap host as root where debugfs can be read, or longer, so that more gaps \
                 come at no even pace; --offset gives it",
            ),
        ),
        Trouble::NoData => finding(
            "clock-not-found",
            Severity::Critical,
            format!(
                "{host} does not tell the guest's clock, and there are no gaps and absences to find \
                 it by. Nothing is explained."
            ),
            Some("run hwgap host as root where debugfs can be read; --offset gives the offset"),
        ),
    }
}

fn teller(side: &Side<'_>) -> String {
    use crate::model::explained::ClockJoinSource::{Given, Kvm, Recovered};
    match side.clocks.source {
        Some(Given) => "was given".to_owned(),
        Some(Kvm) => format!("KVM of {} tells", name(side)),
        Some(Recovered) | None => "was found".to_owned(),
    }
}

/// Where no gap falls into the time that the host observed.
fn out_of_time(side: &Side<'_>, index: usize, gaps: &[Told]) -> Option<Finding> {
    let observed = side.host.observed;
    let mut spans = (gaps.iter())
        .filter(|one| one.gap.host == Some(index as u32))
        .filter_map(|one| one.span)
        .peekable();
    spans.peek()?;
    let is_out = spans.all(|span| span.1 < observed.0 || span.0 > observed.1);
    is_out.then(|| {
        finding(
            "clock-out-of-time",
            Severity::Critical,
            format!(
                "By the offset of the clocks that {} no gap of the guest falls into the time that {} \
                 observed: the offset is broken, or the reports are of different times. {NOTHING}.",
                teller(side),
                name(side)
            ),
            Some(SAME_RUN),
        )
    })
}

fn of_side(guest: &GuestSide<'_>, side: &Side<'_>) -> Vec<Finding> {
    let (host, report) = (name(side), side.host.report);
    let mut all = Vec::new();
    let missing: Vec<String> = (guest.cpus().into_iter())
        .filter(|cpu| side.host.vcpu(*cpu).is_none())
        .take(8)
        .map(|cpu| cpu.to_string())
        .collect();
    if !missing.is_empty() {
        all.push(finding(
            "vcpu-not-seen",
            Severity::Warning,
            format!(
                "{host} saw no vCPU for the guest's CPU {}.",
                missing.join(", ")
            ),
            Some("choose the guest by --guest; observe it while its vCPUs run"),
        ));
    }
    let clocks = &side.clocks;
    if clocks.source.is_some() && clocks.standing() == ClockStanding::Unverified {
        all.push(finding(
            "clock-unverified",
            Severity::Warning,
            format!(
                "Too few gaps of the guest must lie on absences of {host} to verify the offset of \
                 the clocks, so no cause is proved."
            ),
            Some("observe for longer"),
        ));
    }
    let lines = clocks.cpus.iter().map(|clock| clock.lines.len()).max();
    if let Some(lines @ 2..) = lines {
        all.push(finding(
            "clock-offset-changed",
            Severity::Info,
            format!(
                "The guest's clock was set anew {} while {host} observed: a restore, a migration or \
                 a write to its TSC. Each gap is placed by the offset of its time; gaps in the \
                 second before one was first seen count only where they lie on absences.",
                human::counted(lines as u64 - 1, "time")
            ),
            None,
        ));
    }
    let line = clocks.cpus.first().and_then(|clock| clock.lines.first());
    let rates = guest.report.tsc.hz / report.tsc.hz;
    if let Some((_, line)) =
        line.filter(|(_, line)| (rates / line.ratio() - 1.0).abs() > RATES_APART)
    {
        all.push(finding(
            "clock-rates-differ",
            Severity::Warning,
            format!(
                "By their reports the guest's clock is {rates:.6} times as fast as that of {host}, by \
                 the line between them {:.6} times: lengths of one side are off by as much.",
                line.ratio()
            ),
            None,
        ));
    }
    let lost: u64 = side
        .host
        .vcpus
        .iter()
        .map(|vcpu| vcpu.lost.len() as u64)
        .sum();
    if report.run.lost_records > 0 || lost > 0 {
        all.push(finding(
            "host-records-lost",
            Severity::Warning,
            format!(
                "{host} lost {} of its own: gaps at those times are not-observed.",
                human::counted(report.run.lost_records, "record")
            ),
            Some("observe with BPF, or above a higher --threshold"),
        ));
    }
    if side
        .host
        .vcpus
        .iter()
        .any(|vcpu| vcpu.vcpu.listed_above_ns.is_some())
    {
        all.push(finding(
            "absences-not-listed",
            Severity::Info,
            format!("{host} lists the longest absences only: shorter gaps are not-observed."),
            Some("observe for a shorter time, or above a higher --threshold"),
        ));
    }
    if let Some(below) = side.host.hypervisor() {
        all.push(finding(
            "host-is-a-guest",
            Severity::Warning,
            format!(
                "{host} is itself a guest, of {}: the explanation reaches down to the KVM of {host} \
                 and no further. What lies below takes its time within all that {host} sees, so no \
                 cause is proved; where {host} sees no absence, it was the CPU or what lies below.",
                clean_text(below)
            ),
            Some("run hwgap host on the machine below, and explain this host's own run by it"),
        ));
    }
    if !side.host.counts_smis() {
        all.push(finding(
            "no-smi-count",
            Severity::Info,
            format!(
                "{host} has no count of SMIs: where no absence explains a gap, an SMI and the CPU \
                 cannot be told apart."
            ),
            Some("on Intel: modprobe msr, and run hwgap host as root"),
        ));
    }
    all
}

fn of_guest(guest: &GuestSide<'_>, gaps: &[Told]) -> Vec<Finding> {
    let mut all = Vec::new();
    let outside = gaps.iter().filter(|one| one.gap.host.is_none()).count() as u64;
    if outside > 0 {
        all.push(finding(
            "guest-not-observed",
            Severity::Warning,
            format!(
                "{} of the guest fell where no host, or more than one, shows that it ran there.",
                human::counted(outside, "gap")
            ),
            Some("give the report of each host that it ran on"),
        ));
    }
    let hidden = guest.without_a_moment();
    if hidden > 0 || guest.is_traced() {
        all.push(finding(
            "guest-gaps-without-moment",
            Severity::Warning,
            "The guest was sampled by a tracer of its kernel, which does not tell the moment of \
             each gap exactly."
                .to_owned(),
            Some("sample the guest with the user engine"),
        ));
    }
    if guest.report.run.scripted {
        all.push(finding(
            "synthetic",
            Severity::Critical,
            "SYNTHETIC: the guest's clock was a script, not a machine.".to_owned(),
            None,
        ));
    }
    all
}

/// What runs as a guest of something that is not KVM.
fn other_hypervisor(guest: &GuestSide<'_>) -> Option<Finding> {
    let below = guest.report.host.hypervisor.as_deref()?;
    if below == "Xen" {
        return Some(finding(
            "guest-on-xen",
            Severity::Warning,
            "The guest says that it runs under Xen, and hwgap host observes KVM. Under Xen a guest \
             can learn how long its vCPU was ready and did not run (steal time, by the hypervisor's \
             runstate), and nothing of who ran in its place; that Xen's own trace knows, in dom0 \
             (xentrace, xenalyze). What is explained here holds only if KVM stands in for Xen, which \
             the clocks must show."
                .to_owned(),
            Some("in dom0, trace the scheduler with xentrace and give the guest CPUs of its own"),
        ));
    }
    NOT_KVM.contains(&below).then(|| {
        finding(
            "guest-not-on-kvm",
            Severity::Warning,
            format!(
                "The guest says that it runs under {below}, and hwgap host observes KVM: check that \
                 the reports belong together."
            ),
            None,
        )
    })
}

/// Who took most of the time, and what helps.
fn most(totals: &[ExplainedTotal]) -> Option<Finding> {
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
    let what = match first.what.as_str() {
        "" => first.cause.name().to_owned(),
        what => format!("{} {}", first.cause.name(), clean_text(what)),
    };
    Some(finding(
        "most-time",
        Severity::Info,
        format!(
            "Of the time that the host explains, {} went to {what} in {}{rhythm}.",
            human::percent(share),
            human::counted(first.gaps, "gap")
        ),
        remedy(first.cause),
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
