//! What was watched beside the run, as entries of the evidence list.

use crate::model::{EvidenceSource, Platform};
use crate::text::human::counted;

use super::Case;
use super::inventory::{missing, unless, usable};
use super::pmu_inventory;

const NO_GUEST: &str = "a guest usually does not see it; run hwgap on the host itself";

pub(super) fn entries(case: &Case<'_>) -> Vec<EvidenceSource> {
    let mut all = vec![
        throttle(case),
        vectors(case),
        tsc_adjust(case),
        core_clocks(case),
        smm_time(case),
        pmu_inventory::smm_time(&case.collected.setups),
        clock_steps(case),
        kernel_log(case),
    ];
    if case.machine.platform() == Platform::Guest {
        all.push(steal(case));
    }
    all
}

/// The first reason among the CPUs, with the CPU's name.
fn first_error<T, E: ToString>(
    case: &Case<'_>,
    of: impl Fn(usize) -> Result<T, E>,
) -> Option<String> {
    let setups = &case.collected.setups;
    setups.iter().enumerate().find_map(|(index, setup)| {
        let reason = of(index).err()?.to_string();
        Some(format!("CPU {}: {reason}", setup.cpu))
    })
}

fn throttle(case: &Case<'_>) -> EvidenceSource {
    unless(
        first_error(case, |index| {
            case.collected.watches.throttle.over_run(index)
        }),
        "throttle-counts",
        "read at the start, the end and between",
        "whether a CPU throttled is not known; a cpu gap has one suspect more",
        Some(match case.machine.platform() {
            Platform::Guest => NO_GUEST,
            Platform::BareMetal => "an Intel CPU and a kernel with CONFIG_X86_THERMAL_VECTOR",
        }),
    )
}

fn vectors(case: &Case<'_>) -> EvidenceSource {
    unless(
        first_error(case, |index| case.collected.watches.vectors.over_run(index)),
        "hardware-vectors",
        "thermal, threshold, deferred-error and machine-check counts of /proc/interrupts, at the \
         start and the end",
        "whether the hardware reported trouble is not known",
        None,
    )
}

fn tsc_adjust(case: &Case<'_>) -> EvidenceSource {
    let totals = &case.collected.totals;
    unless(
        first_error(case, |index| totals[index].registers.adjusted()),
        "tsc-adjust",
        "IA32_TSC_ADJUST at the start and the end",
        "firmware that hides its time by writing to the TSC would go unnoticed",
        Some("modprobe msr, and root or CAP_SYS_RAWIO"),
    )
}

fn core_clocks(case: &Case<'_>) -> EvidenceSource {
    let totals = &case.collected.totals;
    unless(
        first_error(case, |index| totals[index].registers.frequency_ratio()),
        "core-clocks",
        "APERF and MPERF at the start and the end: the mean frequency, and a TSC that was held \
         back by more than 1 %",
        "the frequency of the CPUs is not known, nor whether the TSC kept up with them",
        Some("root or CAP_PERFMON, on a CPU that has APERF and MPERF"),
    )
}

fn smm_time(case: &Case<'_>) -> EvidenceSource {
    let totals = &case.collected.totals;
    unless(
        first_error(case, |index| totals[index].registers.smm_share()),
        "smm-time",
        "APERF against cycles that stand still in SMM",
        "the time spent in SMM over the whole run is not known",
        Some("--freeze-on-smi, as root, on an Intel CPU with a PMU"),
    )
}

fn clock_steps(case: &Case<'_>) -> EvidenceSource {
    let clock = &case.collected.clock;
    if case.collected.watches.steps.is_none() {
        return missing(
            "clock-steps",
            "a scripted clock has no other clocks beside it",
            "suspends and steps of the TSC are not looked for",
            None,
        );
    }
    // Either end suffices: the kernel's clock was derived from the TSC then.
    let from_tsc = [clock.start(), clock.end()].contains(&Some("tsc"));
    usable(
        "clock-steps",
        if from_tsc {
            "suspends; steps of the TSC not while it is the kernel's clocksource, as all clocks \
             then jump with it"
        } else {
            "suspends, and steps of the TSC above 0.3 ms against the kernel's clock"
        },
    )
}

fn kernel_log(case: &Case<'_>) -> EvidenceSource {
    let log = &case.collected.watches.log;
    match (log.readable(), log.overruns()) {
        (Ok(()), 0) => usable(
            "kernel-log",
            "lines about the TSC since boot, as far as the log still holds them, and during the run",
        ),
        (Ok(()), lost) => usable(
            "kernel-log",
            format!(
                "read, but {} lines were overwritten before they could be",
                counted(lost, "time")
            ),
        ),
        (Err(reason), _) => missing(
            "kernel-log",
            reason,
            "what the kernel found out about the TSC is known only from its clocksource",
            Some("run as root or with CAP_SYSLOG"),
        ),
    }
}

fn steal(case: &Case<'_>) -> EvidenceSource {
    unless(
        first_error(case, |index| case.collected.watches.steal.over_run(index)),
        "steal-time",
        "what the hypervisor says it took, in clock ticks; none may also mean that it does not \
         count",
        "the hypervisor's own account of the time it took is missing",
        None,
    )
}
