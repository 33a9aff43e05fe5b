//! Findings about the clock: everything else is measured with it.

use crate::model::{Finding, Severity};
use crate::text::human::counted;

use super::Case;

/// A rate by CPUID and one by CLOCK_MONOTONIC_RAW that differ by more than
/// this are not the same clock; the kernel's own calibration is good to
/// 500 ppm (arch/x86/kernel/tsc.c).
const RATE_TOLERANCE_PPM: f64 = 500.0;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    let clock = &case.collected.clock;
    if clock.tsc_dropped_in_run() {
        all.push(Finding::new(
            "tsc-given-up-in-run",
            Severity::Critical,
            "The kernel gave the TSC up as unstable during the run. Gaps from then on are not \
             attributed, and the run is inconclusive.",
            Some("look for 'clocksource' and 'TSC' in the kernel log; report it to the vendor"),
        ));
    } else if case.tsc_given_up() {
        all.push(Finding::new(
            "tsc-given-up",
            Severity::Critical,
            "The kernel does not list the TSC among its clocksources. It found the TSC unstable, \
             or was told to by tsc=unstable: what the TSC says of time cannot be trusted here.",
            Some("look for 'TSC' in the kernel log and on the kernel command line"),
        ));
    }
    if !clock.changes().is_empty() && !clock.tsc_dropped_in_run() {
        let first = &clock.changes()[0];
        all.push(Finding::new(
            "clocksource-changed",
            Severity::Warning,
            format!(
                "The kernel's clocksource changed {} during the run, first from {} to {} \
                 by {}. The TSC is still on offer, so this was not the kernel's watchdog. Times of \
                 day and the fitted TSC rate are less certain.",
                counted(clock.changes().len() as u64, "time"),
                first.from,
                first.to,
                first.seen_utc
            ),
            None,
        ));
    }
    if let Some(source) = clock.start().filter(|&name| name != "tsc") {
        all.push(Finding::new(
            "clocksource-not-tsc",
            Severity::Info,
            format!("The kernel keeps time by {source}, not by the TSC."),
            None,
        ));
    }
    if !case.machine.tsc_is_invariant() {
        all.push(Finding::new(
            "tsc-not-invariant",
            Severity::Warning,
            "The CPU does not promise a constant TSC rate. By CPUID 80000007h EDX bit 8 the TSC is \
             not invariant: lengths may be off if the clock frequency changed.",
            Some("fix the CPU frequency for the time of the run"),
        ));
    }
    let backward: u64 = case
        .collected
        .totals
        .iter()
        .map(|cpu| cpu.backward_steps)
        .sum();
    if backward > 0 {
        all.push(Finding::new(
            "tsc-backwards",
            Severity::Critical,
            format!(
                "The TSC ran backwards {} on a sampled CPU.",
                counted(backward, "time")
            ),
            Some("report it to the vendor: firmware or a hypervisor wrote to the TSC"),
        ));
    }
    if let Some(by_cpuid) = case.machine.tsc_rate() {
        let ppm = (case.fitted.hz.0 / by_cpuid.0 - 1.0).abs() * 1e6;
        if ppm > RATE_TOLERANCE_PPM + case.fitted.error_ppm {
            all.push(Finding::new(
                "tsc-rate-disagrees",
                Severity::Warning,
                format!(
                    "CPUID and the kernel's clock differ by {ppm:.0} ppm on the TSC's rate. CPUID \
                     says {:.0} Hz, the kernel's clock {:.0} Hz.",
                    by_cpuid.0, case.fitted.hz.0
                ),
                None,
            ));
        }
    }
    all
}
