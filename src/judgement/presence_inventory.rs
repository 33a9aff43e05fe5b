//! The sources that tell whether the kernel ran: the footprint, or that
//! interrupts were held off.

use crate::model::EvidenceSource;
use crate::sampler::{
    CountSource, CpuSetup, FootprintTest, Interrupts, MaskedTotals, TracedTotals, Tracer,
};

use super::Case;
use super::inventory::{missing, usable};

pub(super) fn presence(case: &Case<'_>) -> EvidenceSource {
    tracing(case)
        .or_else(|| masking(case))
        .unwrap_or_else(|| footprint(&case.collected.setups))
}

/// What a tracer of the kernel's says of itself.
fn tracing(case: &Case<'_>) -> Option<EvidenceSource> {
    let totals = &case.collected.totals;
    let traced: Vec<&TracedTotals> = totals
        .iter()
        .filter_map(|cpu| cpu.traced.as_ref())
        .collect();
    let first = traced.first()?;
    let windows: u64 = traced.iter().map(|cpu| cpu.windows).sum();
    let (tracer, width) = (first.tracer, first.width);
    let nmis: u64 = totals
        .iter()
        .filter_map(|cpu| cpu.masked)
        .map(|masked| masked.nmis)
        .sum();
    Some(match (tracer, first.interrupts) {
        (Tracer::Hwlat, _) => usable(
            "interrupts-off",
            format!(
                "{windows} windows of {width}, by the kernel's hwlat tracer; {nmis} NMIs in those \
                 with gaps; one record a window, lengths within half a microsecond"
            ),
        ),
        (Tracer::Osnoise, Interrupts::Off) => usable(
            "interrupts-off",
            format!(
                "{windows} runs of {width}, by the kernel's osnoise tracer; {nmis} NMIs; each gap \
                 with what the kernel counted in it"
            ),
        ),
        (Tracer::Osnoise, Interrupts::On) => usable(
            "interference-count",
            format!(
                "{windows} runs of {width} with interrupts on, by the kernel's osnoise tracer: of \
                 each gap it counts the NMIs, interrupts, softirqs and tasks; what has no hook, as \
                 exceptions, it does not count"
            ),
        ),
    })
}

fn masking(case: &Case<'_>) -> Option<EvidenceSource> {
    let cpus: Vec<MaskedTotals> = (case.collected.totals.iter())
        .filter_map(|cpu| cpu.masked)
        .collect();
    let source = cpus.first()?.counted_by;
    let sum = |count: fn(&MaskedTotals) -> u64| -> u64 { cpus.iter().map(count).sum() };
    let error = cpus.iter().map(|cpu| cpu.clock_error).max()?;
    let longest = cpus.iter().map(|cpu| cpu.longest_shot).max()?;
    let counted = match source {
        CountSource::Program => "after each delta",
        CountSource::File => "by /proc/interrupts after windows with gaps",
        CountSource::Tracer => "by the kernel's tracer",
    };
    Some(usable(
        "interrupts-off",
        format!(
            "{} interrupts-off windows of at most {}, by a BPF program; counted {counted}: {} NMIs, {} machine \
             checks; placed on the TSC within {error}",
            sum(|cpu| cpu.shots),
            case.rate.hz.to_nanos(longest),
            sum(|cpu| cpu.nmis),
            sum(|cpu| cpu.machine_checks),
        ),
    ))
}

/// The mark of the user engine.
pub(super) fn footprint(setups: &[CpuSetup]) -> EvidenceSource {
    let failed = setups
        .iter()
        .find(|setup| setup.calibration.footprint != FootprintTest::Passed);
    match failed {
        None => usable("footprint", FootprintTest::Passed.reason()),
        Some(setup) => missing(
            "footprint",
            format!(
                "CPU {}: {}",
                setup.cpu,
                setup.calibration.footprint.reason()
            ),
            "whether the kernel ran in a gap is not known",
            None,
        ),
    }
}
