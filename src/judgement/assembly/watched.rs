//! What was watched beside a run, in the form of the report.

use crate::evidence::watches::{HARDWARE_VECTORS, Said, StepKind};
use crate::judgement::Case;
use crate::model::{
    Cause, ClockStepKind, ClockStepReport, Gap, Platform, TscAdjust, TscLogLine, UtcStepReport,
    VectorCount, WatchedReport,
};
use crate::session::PackedGap;
use crate::units::{Cycles, Nanos};

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
        // Of all slices together, see `period`.
        gap_period: None,
    }
}

/// What was counted in two stretches of one CPU, the earlier one first, each
/// with its length. What is not known of either is not known of both.
pub(super) fn both(
    (a, a_length): (WatchedReport, Nanos),
    (b, b_length): (WatchedReport, Nanos),
) -> WatchedReport {
    let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    let time = |a: Option<Nanos>, b: Option<Nanos>| Some(a?.saturating_add(b?));
    let (a_weight, b_weight) = (a_length.0 as f64, b_length.0 as f64);
    let mean = |a: Option<f64>, b: Option<f64>| {
        let whole = a_weight + b_weight;
        (whole > 0.0).then_some((a? * a_weight + b? * b_weight) / whole)
    };
    WatchedReport {
        core_throttle_count: sum(a.core_throttle_count, b.core_throttle_count),
        package_throttle_count: sum(a.package_throttle_count, b.package_throttle_count),
        core_throttle_ns: time(a.core_throttle_ns, b.core_throttle_ns),
        package_throttle_ns: time(a.package_throttle_ns, b.package_throttle_ns),
        vectors: a.vectors.zip(b.vectors).map(|(a, b)| vectors(a, &b)),
        steal_ns: time(a.steal_ns, b.steal_ns),
        run_delay_ns: time(a.run_delay_ns, b.run_delay_ns),
        tsc_adjust: a.tsc_adjust.zip(b.tsc_adjust).map(|(a, b)| TscAdjust {
            before: a.before,
            after: b.after,
        }),
        frequency_ratio: mean(a.frequency_ratio, b.frequency_ratio),
        mperf_ahead_ppm: mean(a.mperf_ahead_ppm, b.mperf_ahead_ppm),
        smm_share: mean(a.smm_share, b.smm_share),
        // Two periods make no common one: it is sought anew.
        gap_period: None,
    }
}

fn vectors(a: Vec<VectorCount>, b: &[VectorCount]) -> Vec<VectorCount> {
    a.into_iter()
        .filter_map(|own| {
            let other = b.iter().find(|other| other.name == own.name)?;
            Some(VectorCount {
                count: own.count.saturating_add(other.count),
                ..own
            })
        })
        .collect()
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

/// Each time that the time of day was set.
pub(super) fn utc_steps(case: &Case<'_>, origin: Cycles) -> Vec<UtcStepReport> {
    let steps = case.collected.timeline.utc_steps().iter();
    steps
        .map(|step| UtcStepReport {
            seen_cycles: step.seen.since(origin),
            before_utc: step.before.rfc3339(),
            after_utc: step.after.rfc3339(),
            ahead_ns: step.after.0.saturating_sub(step.before.0),
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
