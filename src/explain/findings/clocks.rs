//! Where the clocks of guest and host do not fit, or cannot be trusted.

use super::name;
use crate::explain::Side;
use crate::explain::clocks::{FEWEST_FOR, Trouble};
use crate::explain::guest_side::GuestSide;
use crate::explain::host_side::unsigned;
use crate::explain::told::Told;
use crate::model::explained::ClockJoinSource::{Given, Kvm, Recovered};
use crate::model::explained::ClockStanding;
use crate::model::{Finding, Severity};
use crate::text::human;
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Nanos};

/// Rates that differ by more are not those of one clock.
const RATES_APART: f64 = 1e-3;
/// Times of day that are further apart are hardly of one run.
const SAME_DAY: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);
/// Comes first, as a screen cuts what follows.
const NOTHING: &str = "Nothing is explained by this clock";
const SAME_RUN: &str = "check that both reports are of the same time, host and guest (--guest), and \
    of the guest's run since its latest start, restore or migration";

pub(super) fn trouble(trouble: &Trouble, side: &Side<'_>) -> Finding {
    let host = name(side);
    match trouble {
        Trouble::Swapped {
            cpu,
            vcpu,
            tried,
            own,
            other,
        } => Finding::new(
            "clock-vcpu-swapped",
            Severity::Critical,
            format!(
                "{NOTHING}: gaps of the guest's CPU {cpu} lie on absences of vCPU {vcpu} of {host} ({other} of \
                 {tried}), not on those of its own ({own}): they were swapped somewhere."
            ),
            "find out in what order the VMM made its vCPUs; observe both sides again",
        ),
        Trouble::Shifted { by_ns, cycles } => Finding::new(
            "clock-shifted",
            Severity::Critical,
            format!(
                "{NOTHING}: it is off by {}{}. The guest's gaps lie on absences only where the offset \
                 that {} is {cycles} cycles less.",
                if *by_ns < 0 { "-" } else { "" },
                human::length(Nanos(by_ns.unsigned_abs())),
                told_by(side),
            ),
            SAME_RUN,
        ),
        Trouble::Changed { cpu, gaps, from } => Finding::new(
            "clock-changed",
            Severity::Critical,
            format!(
                "From {} of the observation on {} of the guest's CPU {cpu} in succession lie on no \
                 absence, and absences as long lie in no gap: its clock changed, which {} does not \
                 tell. {NOTHING}.",
                human::length(unsigned(from.saturating_sub(side.host.observed.0))),
                human::counted(*gaps, "gap"),
                name(side)
            ),
            SAME_RUN,
        ),
        Trouble::Broken {
            cpus,
            tried,
            fitting,
        } => Finding::new(
            "clock-broken",
            Severity::Critical,
            format!(
                "{NOTHING}: {} of {tried} gaps of the guest's {} lie on absences by the offset of \
                 the clocks that {}.",
                only(*fitting),
                named(cpus),
                told_by(side)
            ),
            SAME_RUN,
        ),
        Trouble::Missed {
            cpus,
            tried,
            missed,
            longest_ns,
        } => Finding::new(
            "clock-broken",
            Severity::Critical,
            format!(
                "{NOTHING}: {missed} of {} of the guest's {} {} in no gap (up to {}) by the offset of \
                 the clocks that {}, but a vCPU that is away cannot sample.",
                human::counted(*tried, "absence"),
                named(cpus),
                if *missed == 1 { "is" } else { "are" },
                human::length(unsigned(*longest_ns)),
                told_by(side)
            ),
            SAME_RUN,
        ),
        Trouble::NotFound {
            tried,
            best,
            by_chance,
        } => Finding::new(
            "clock-not-found",
            Severity::Critical,
            format!(
                "Nothing is explained: {host} does not tell the guest's clock, and no offset stands \
                 out. The best lays {best} of {tried} gaps onto absences, chance or another offset \
                 {by_chance}."
            ),
            "run hwgap host as root where debugfs can be read, or longer, so that more gaps come at \
             no even pace; --offset gives it",
        ),
        Trouble::NoData => Finding::new(
            "clock-not-found",
            Severity::Critical,
            format!(
                "Nothing is explained: {host} does not tell the clock of any CPU that the guest has, \
                 and there are no gaps and absences of one CPU to find it by."
            ),
            "run hwgap host as root where debugfs can be read; --offset gives the offset",
        ),
    }
}

fn named(cpus: &[CpuId]) -> String {
    CpuList::from_iter(cpus.iter().copied()).named()
}

/// How few: "none", "only 3".
fn only(count: u64) -> String {
    match count {
        0 => "none".to_owned(),
        count => format!("only {count}"),
    }
}

fn told_by(side: &Side<'_>) -> String {
    match side.clocks.source {
        Some(Given) => "was given".to_owned(),
        Some(Kvm) => format!("KVM of {} tells", name(side)),
        Some(Recovered) | None => "was found".to_owned(),
    }
}

/// Where no gap falls into the time that the host observed.
pub(super) fn out_of_time(side: &Side<'_>, index: usize, gaps: &[Told]) -> Option<Finding> {
    let observed = side.host.observed;
    let mut spans = (gaps.iter())
        .filter(|one| one.gap.host == Some(index as u32))
        .filter_map(|one| one.span)
        .peekable();
    spans.peek()?;
    let is_out = spans.all(|span| span.1 < observed.0 || span.0 > observed.1);
    is_out.then(|| {
        Finding::new(
            "clock-out-of-time",
            Severity::Critical,
            format!(
                "{NOTHING}: by the offset that {} no gap of the guest falls into the time that {} \
                 observed. The offset is broken, or the reports are of different times.",
                told_by(side),
                name(side)
            ),
            SAME_RUN,
        )
    })
}

/// Where the guest's run began at another time of day than by the host's.
pub(super) fn other_day(guest: &GuestSide<'_>, side: &Side<'_>) -> Option<Finding> {
    let line = side.clocks.first_line()?;
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let own = time(&guest.report.run.started_utc)?;
    let observed = time(&side.host.report.run.started_utc)?;
    let after = side.host.moment(line, guest.origin) - side.host.observed.0;
    let by_host = observed
        .checked_add(jiff::SignedDuration::from_nanos(after))
        .ok()?;
    let apart = own.duration_since(by_host).abs();
    (apart > SAME_DAY).then(|| {
        Finding::new(
            "clock-other-day",
            Severity::Warning,
            format!(
                "By its own time of day the guest's run began at {own:.0}, by that of {} and the \
                 offset of the clocks at {by_host:.0}.",
                name(side)
            ),
            "check that both reports are of the same run, else set the guest's time of day",
        )
    })
}

/// Absences in no gap that are too few to speak against the clocks.
pub(super) fn missed(side: &Side<'_>) -> Option<Finding> {
    if side.clocks.standing() == ClockStanding::Contradicted {
        return None;
    }
    let (cpu, length) = side.clocks.missed().max_by_key(|(_, length)| *length)?;
    Some(Finding::new(
        "absence-in-no-gap",
        Severity::Warning,
        format!(
            "{} had the guest's CPU {cpu} away for {} while it sampled, and it saw no gap then: \
             one of the two reports is wrong there.",
            name(side),
            human::length(unsigned(length))
        ),
        "observe both sides again; if it recurs, send both reports to hwgap's authors",
    ))
}

pub(super) fn unverified(side: &Side<'_>) -> Option<Finding> {
    let clocks = &side.clocks;
    let is_open = clocks.source.is_some() && clocks.standing() == ClockStanding::Unverified;
    let fit = clocks.fit();
    is_open.then(|| {
        let (text, remedy) = match fit.tried < 3 * FEWEST_FOR {
            true => (
                match fit.tried {
                    0 => format!(
                        "No gap of the guest must lie on an absence of {}: nothing verifies the \
                         offset of the clocks, and no cause is proved.",
                        name(side)
                    ),
                    tried => format!(
                        "Only {} of the guest must lie on an absence of {}, too few to verify the \
                         offset of the clocks: no cause is proved.",
                        human::counted(tried, "gap"),
                        name(side)
                    ),
                },
                "observe for longer",
            ),
            false => (
                format!(
                    "{} of {} gaps of the guest lie on absences of {}, at other times up to {}: \
                     they do not verify the offset of the clocks, and no cause is proved.",
                    fit.fitting,
                    fit.tried,
                    name(side),
                    clocks.by_chance
                ),
                "check that both reports are of the same time and guest; lengths that differ more \
                 tell more: observe while something disturbs the guest that comes at no even pace",
            ),
        };
        Finding::new("clock-unverified", Severity::Warning, text, remedy)
    })
}

pub(super) fn set_anew(side: &Side<'_>) -> Option<Finding> {
    let times = side.clocks.lines().saturating_sub(1) as u64;
    (times > 0).then(|| {
        Finding::new(
            "clock-offset-changed",
            Severity::Info,
            format!(
                "The guest's clock was set anew {} while {} observed: a restore, a migration or a \
                 write to its TSC. Each gap is placed by the offset of its time; nothing in the \
                 second before a new one was first seen is explained.",
                human::counted(times, "time"),
                name(side)
            ),
            None,
        )
    })
}

pub(super) fn rates_differ(guest: &GuestSide<'_>, side: &Side<'_>) -> Option<Finding> {
    let told = guest.report.tsc.hz / side.host.report.tsc.hz;
    let ratio = side.clocks.first_line()?.ratio();
    ((told / ratio - 1.0).abs() > RATES_APART).then(|| {
        Finding::new(
            "clock-rates-differ",
            Severity::Warning,
            format!(
                "By their reports the guest's clock is {told:.6} times as fast as that of {}, by \
                 the line between them {ratio:.6} times: lengths of one side are off by as much.",
                name(side)
            ),
            None,
        )
    })
}
