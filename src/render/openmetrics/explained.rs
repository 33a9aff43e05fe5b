//! The figures of a guest's run that its host explains.

use std::io::{self, Write};

use crate::model::absence::HostCause;
use crate::model::explained::{ClockStanding, ExplainedPart, Explanation};
use crate::render::openmetrics::{Gauges, label, states};
use crate::units::Nanos;

pub fn write(told: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &told.verdict;
    // By its name on the host; that of its own system may be that of many.
    let guest = told.hosts.first().map(|host| host.guest_name.as_str());
    let mut gauges = Gauges {
        common: vec![label("guest", guest)],
        ..Gauges::default()
    };
    let info = vec![
        label("version", Some(&told.tool.version)),
        label("kernel", told.guest.kernel.release.as_deref()),
        label("hypervisor", told.guest.hypervisor.as_deref()),
    ];
    gauges.add(
        "hwgap_explain_info",
        "Which guest was explained, and by what",
        [(info, 1.0)],
    );
    gauges.add(
        "hwgap_explain_result",
        "1 for the verdict of the guest",
        states(verdict.result, &[]),
    );
    gauges.one(
        "hwgap_explain_longest_stall_seconds",
        "The longest time below the guest's kernel",
        verdict.worst_ns.as_secs_f64(),
    );
    gauges.one(
        "hwgap_explain_hardlimit_seconds",
        "The guest's limit",
        verdict.limit_ns.as_secs_f64(),
    );
    gauges.one(
        "hwgap_explain_observed_ratio",
        "Share of the guest's run that its hosts observed, of the CPU that was least",
        verdict.observed,
    );
    let below = || told.gaps.iter().filter(|gap| gap.below_ns > Nanos(0));
    gauges.one(
        "hwgap_explain_gaps",
        "Gaps of the guest with a part below its kernel",
        below().count() as f64,
    );
    gauges.one(
        "hwgap_explain_gaps_explained",
        "Those of which the hosts say who took them",
        told.cpus.iter().map(|cpu| cpu.explained).sum::<u64>() as f64,
    );
    gauges.one(
        "hwgap_explain_unexplained_seconds",
        "Time below the guest's kernel that nothing explains, beside what was not observed",
        sum(below().map(|gap| gap.unexplained_ns)).as_secs_f64(),
    );
    let of = |cause| vec![("cause", HostCause::name(cause).to_owned())];
    let taken = || told.gaps.iter().map(|gap| &gap.parts[..]);
    gauges.add(
        "hwgap_explain_cause_seconds",
        "Time below the guest's kernel by who took it",
        HostCause::ALL.map(|cause| {
            let all = sum(taken().map(|parts| of_cause(parts, cause)));
            (of(cause), all.as_secs_f64())
        }),
    );
    gauges.add(
        "hwgap_explain_cause_longest_seconds",
        "The most of it in one gap",
        HostCause::ALL.map(|cause| {
            let most = taken().map(|parts| of_cause(parts, cause)).max();
            (of(cause), most.unwrap_or_default().as_secs_f64())
        }),
    );
    gauges.add(
        "hwgap_explain_cause_gaps",
        "Gaps in which it took a part",
        HostCause::ALL.map(|cause| {
            let has_part = |all: &&[ExplainedPart]| all.iter().any(|part| part.cause == cause);
            (of(cause), taken().filter(has_part).count() as f64)
        }),
    );
    gauges.add(
        "hwgap_explain_clock_verified",
        "1 where the data verify the clocks of guest and host, 0 where they do not",
        (told.hosts.iter().enumerate()).map(|(index, host)| {
            let labels = vec![
                ("host", index.to_string()),
                label("name", host.host.hostname.as_deref()),
            ];
            let is_verified = host.clocks.standing == ClockStanding::Verified;
            (labels, f64::from(u8::from(is_verified)))
        }),
    );
    gauges.write(out)
}

fn of_cause(parts: &[ExplainedPart], cause: HostCause) -> Nanos {
    let own = parts.iter().filter(|part| part.cause == cause);
    sum(own.map(|part| part.length_ns))
}

fn sum(lengths: impl Iterator<Item = Nanos>) -> Nanos {
    lengths.fold(Nanos(0), Nanos::saturating_add)
}
