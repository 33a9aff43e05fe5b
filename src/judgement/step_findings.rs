//! Findings about moments at which clocks went apart, and what the kernel
//! logged about the TSC.

use crate::evidence::watches::{LogEvent, Said, StepKind};
use crate::host::kernel_log::TscLogEvent;
use crate::model::{Finding, Severity};
use crate::text::human::counted;
use crate::units::Nanos;

use super::Case;

/// Lines of the log that a finding quotes.
const QUOTED: usize = 5;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(suspended(case));
    all.extend(stepped(case));
    all.extend(rate_changed(case));
    all.extend(set(case));
    all.extend(logged(case));
    all
}

fn suspended(case: &Case<'_>) -> Option<Finding> {
    let slept: Vec<Nanos> = case
        .collected
        .watches
        .clock_steps()
        .iter()
        .filter_map(|step| match step.kind {
            StepKind::Suspend(slept) => Some(slept),
            _ => None,
        })
        .collect();
    let whole = slept
        .iter()
        .fold(Nanos(0), |sum, &one| sum.saturating_add(one));
    (!slept.is_empty()).then(|| {
        Finding::new(
            "suspended",
            Severity::Critical,
            format!(
                "The machine was suspended {} during the run, for {whole} in all. Gaps at those \
                 times are not attributed to anybody.",
                counted(slept.len() as u64, "time")
            ),
            Some("keep the machine awake for the run (systemd-inhibit) and run again"),
        )
    })
}

fn stepped(case: &Case<'_>) -> Option<Finding> {
    let steps: Vec<String> = case
        .collected
        .watches
        .clock_steps()
        .iter()
        .filter_map(|step| match step.kind {
            StepKind::TscStep(ahead) => {
                let way = if ahead < 0 { "behind" } else { "ahead" };
                let by = Nanos(ahead.unsigned_abs());
                Some(format!("{by} {way} by {}", step.seen.rfc3339()))
            }
            _ => None,
        })
        .collect();
    (!steps.is_empty()).then(|| {
        Finding::new(
            "tsc-stepped",
            Severity::Critical,
            format!(
                "{} during the run the TSC stepped against the kernel's clock, first {}. \
                 It was written to, or this guest was moved to another host. Gaps at those times \
                 are not attributed to anybody.",
                counted(steps.len() as u64, "time"),
                steps[0]
            ),
            Some("keep a guest on its host for the run; on bare metal report it to the vendor"),
        )
    })
}

fn rate_changed(case: &Case<'_>) -> Option<Finding> {
    let steps = case.collected.watches.clock_steps();
    let first = steps.iter().find_map(|step| match step.kind {
        StepKind::TscRate(ppm) => Some((ppm, step.seen)),
        _ => None,
    });
    first.map(|(ppm, seen)| {
        Finding::new(
            "tsc-rate-changed",
            Severity::Critical,
            format!(
                "The TSC's rate changed by {ppm} ppm against the kernel's clock, noticed at {}. \
                 Lengths from then on are wrong, gaps are not attributed, and the run is \
                 inconclusive.",
                seen.rfc3339()
            ),
            Some("a guest moved between hosts with different TSCs does this: keep it on its host"),
        )
    })
}

/// Lengths are by the TSC and stay; times of day are by two clocks.
fn set(case: &Case<'_>) -> Option<Finding> {
    let steps = case.collected.timeline.utc_steps();
    let first = steps.first()?;
    Some(Finding::new(
        "time-of-day-set",
        Severity::Warning,
        format!(
            "The time of day was set {} during the run, first from {} to {}. Each gap has the time \
             of one clock, up to the moment at which the step was seen that of the clock before it; \
             lengths and verdict are not affected.",
            counted(steps.len() as u64, "time"),
            first.before.rfc3339(),
            first.after.rfc3339()
        ),
        Some("let NTP slew the clock while a run goes on; look for who sets it"),
    ))
}

/// Whether a line says that something is wrong with the TSC. The rate found at
/// boot and a change to a clocksource that fits are ordinary.
fn is_trouble(event: &LogEvent) -> bool {
    match event.event {
        TscLogEvent::MarkedUnstable(_)
        | TscLogEvent::FailedWatchdog
        | TscLogEvent::Warped
        | TscLogEvent::AdjustDiffers(_) => true,
        TscLogEvent::Switched(_) => event.said != Said::BeforeRun,
        TscLogEvent::Rate { .. } => false,
    }
}

fn logged(case: &Case<'_>) -> Vec<Finding> {
    let trouble: Vec<&LogEvent> = case
        .collected
        .watches
        .log
        .events()
        .iter()
        .filter(|event| is_trouble(event))
        .collect();
    let (before, during): (Vec<&LogEvent>, Vec<&LogEvent>) = trouble
        .into_iter()
        .partition(|event| event.said == Said::BeforeRun);
    let quoted = |events: &[&LogEvent]| {
        let texts = events
            .iter()
            .take(QUOTED)
            .map(|event| event.event.to_string());
        texts.collect::<Vec<String>>().join("; ")
    };
    let mut all = Vec::new();
    if !during.is_empty() {
        all.push(Finding::new(
            "tsc-log-in-run",
            Severity::Critical,
            format!(
                "During the run the kernel logged {} about the TSC: {}.",
                counted(during.len() as u64, "line"),
                quoted(&during)
            ),
            Some("do not rely on the lengths of this run; report it to the vendor"),
        ));
    }
    if !before.is_empty() {
        all.push(Finding::new(
            "tsc-log-since-boot",
            Severity::Warning,
            format!(
                "Before the run the kernel logged {} about trouble with the TSC: {}.",
                counted(before.len() as u64, "line"),
                quoted(&before)
            ),
            Some("see the kernel log; firmware that writes to the TSC is the vendor's to mend"),
        ));
    }
    all
}
