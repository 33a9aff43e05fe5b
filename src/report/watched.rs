//! What was watched beside a run, in the form of the report.

use crate::attribution::{Cause, Platform};
use crate::evidence::watches::{HARDWARE_VECTORS, Said, StepKind};
use crate::judgement::{Case, period};
use crate::session::PackedGap;
use crate::units::Cycles;

use super::model::{
    ClockStepKind, ClockStepReport, Gap, GapPeriod, TscAdjust, TscLogLine, VectorCount,
    WatchedReport,
};

/// What was counted of the CPU with this index.
pub(super) fn of_cpu(case: &Case<'_>, index: usize) -> WatchedReport {
    let watches = &case.collected.watches;
    let totals = &case.collected.totals[index];
    let registers = &totals.registers;
    let throttle = watches.throttle.over_run(index).ok();
    let vectors = watches.vectors.over_run(index).ok();
    let adjust = (&registers.before.tsc_adjust, &registers.after.tsc_adjust);
    WatchedReport {
        core_throttle_count: throttle.map(|counts| counts.core),
        package_throttle_count: throttle.map(|counts| counts.package),
        core_throttle_ns: throttle.and_then(|counts| counts.core_time),
        package_throttle_ns: throttle.and_then(|counts| counts.package_time),
        vectors: vectors.map(|counts| {
            let named = HARDWARE_VECTORS.iter().zip(counts);
            named
                .filter_map(|(vector, count)| {
                    Some(VectorCount {
                        name: vector.name.to_owned(),
                        count: count?,
                    })
                })
                .collect()
        }),
        steal_ns: match case.machine.platform() {
            Platform::Guest => watches.steal.over_run(index).ok(),
            Platform::BareMetal => None,
        },
        run_delay_ns: totals.run_delay,
        tsc_adjust: match adjust {
            (&Ok(before), &Ok(after)) => Some(TscAdjust { before, after }),
            _ => None,
        },
        frequency_ratio: registers.frequency_ratio().ok(),
        mperf_ahead_ppm: registers.mperf_ahead().ok().map(|share| share * 1e6),
        smm_share: registers.smm_share().ok(),
        gap_period: period(case, index).map(|period| GapPeriod {
            period_ns: period.length,
            share: period.share,
            occupancy: period.occupancy,
            gaps: period.events as u64,
        }),
    }
}

/// Adds to a gap's row what was watched at its time.
pub(super) fn annotate(case: &Case<'_>, index: usize, gap: &PackedGap, row: &mut Gap) {
    let watches = &case.collected.watches;
    let (start, end) = (
        gap.start(),
        Cycles(gap.start().0.wrapping_add(gap.length().0)),
    );
    let mut steps = watches.clock_steps().iter();
    if steps.any(|step| step.touches(start, end)) {
        row.detail = String::from("the clocks went apart at this time (suspend, or TSC set)");
    } else if matches!(row.cause, Cause::Cpu | Cause::FirmwareOrCpu)
        && watches.throttle.rose_near(index, start, end)
    {
        row.detail
            .push_str("; this CPU began to throttle at about this time");
    }
}

/// Moments at which the clocks went apart.
pub(super) fn steps(case: &Case<'_>, origin: Cycles) -> Vec<ClockStepReport> {
    let steps = case.collected.watches.clock_steps().iter();
    steps
        .map(|step| ClockStepReport {
            seen_utc: step.seen.rfc3339(),
            from_cycles: step.from.since(origin),
            to_cycles: step.to.since(origin),
            what: match step.kind {
                StepKind::Suspend(slept) => ClockStepKind::Suspend {
                    suspended_ns: slept,
                },
                StepKind::TscStep(ahead_ns) => ClockStepKind::TscStep { ahead_ns },
                StepKind::TscRate(change_ppm) => ClockStepKind::TscRate { change_ppm },
            },
        })
        .collect()
}

/// What the kernel logged about the TSC.
pub(super) fn log(case: &Case<'_>) -> Vec<TscLogLine> {
    let events = case.collected.watches.log.events().iter();
    events
        .map(|event| TscLogLine {
            seen_utc: match event.said {
                Said::BeforeRun => None,
                Said::InRun(seen) => Some(seen.rfc3339()),
            },
            text: event.event.to_string(),
        })
        .collect()
}
