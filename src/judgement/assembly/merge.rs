//! Several slices of a run as one.

use std::collections::BTreeMap;

use crate::judgement::assembly::watched;
use crate::judgement::{self, Case};
use crate::model::{
    Bucket, CpuReport, EngineName, EvidenceSource, Finding, HistogramReport, MaskedReport,
    OsSource, StallReport, TracerReport,
};
use crate::units::Nanos;

/// Stalls that a report lists.
const LISTED: usize = 1_000;

/// The rows of all slices, CPU by CPU. A single slice stays as it is.
pub(super) fn cpus(slices: impl Iterator<Item = Vec<CpuReport>>) -> Vec<CpuReport> {
    slices
        .reduce(|sum, slice| {
            let pairs = sum.into_iter().zip(slice);
            pairs.map(|(sum, slice)| cpu(sum, slice)).collect()
        })
        .unwrap_or_default()
}

/// Two stretches of one CPU, the earlier one first. Time between them is in
/// neither.
fn cpu(a: CpuReport, b: CpuReport) -> CpuReport {
    CpuReport {
        cpu: a.cpu,
        place: a.place.or(b.place),
        elapsed_ns: a.elapsed_ns.saturating_add(b.elapsed_ns),
        covered_ns: a.covered_ns.saturating_add(b.covered_ns),
        blind_ns: a.blind_ns.saturating_add(b.blind_ns),
        os_ns: a.os_ns.saturating_add(b.os_ns),
        unknown_ns: a.unknown_ns.saturating_add(b.unknown_ns),
        paused_ns: a.paused_ns.saturating_add(b.paused_ns),
        masked: either(a.masked, b.masked, masked),
        tracer: match (a.tracer, b.tracer) {
            (Some(a), Some(b)) if a.name == b.name => Some(tracer(a, b)),
            (Some(one), None) | (None, Some(one)) => Some(one),
            // Each engine's own row tells of it.
            _ => None,
        },
        iterations: either(a.iterations, b.iterations, |a, b| a + b),
        min_cycles: either(a.min_cycles, b.min_cycles, Ord::min),
        max_ns: a.max_ns.max(b.max_ns),
        max_platform_ns: a.max_platform_ns.max(b.max_platform_ns),
        max_unknown_ns: a.max_unknown_ns.max(b.max_unknown_ns),
        max_os_ns: a.max_os_ns.max(b.max_os_ns),
        smi: a.smi.zip(b.smi).map(|(a, b)| a.and_then(b)),
        smi_reason: a.smi_reason.or(b.smi_reason),
        gaps_seen: a.gaps_seen + b.gaps_seen,
        gaps_recorded: a.gaps_recorded + b.gaps_recorded,
        gaps_dropped: a.gaps_dropped + b.gaps_dropped,
        gaps_by_cause: a.gaps_by_cause.and(b.gaps_by_cause),
        scheduling: a.scheduling,
        ended_early: a.ended_early.or(b.ended_early),
        histogram: histogram(a.histogram, b.histogram),
        // The later slice has learnt no less.
        usual: match b.usual.is_empty() {
            true => a.usual,
            false => b.usual,
        },
        os_sources: either(a.os_sources, b.os_sources, os_sources),
        watched: (a.watched.zip(b.watched))
            .map(|(first, then)| watched::both((first, a.elapsed_ns), (then, b.elapsed_ns))),
        shots: either(a.shots, b.shots, |a, b| [a, b].concat()),
    }
}

fn either<T>(a: Option<T>, b: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    }
}

fn tracer(a: TracerReport, b: TracerReport) -> TracerReport {
    TracerReport {
        windows: a.windows + b.windows,
        companions: a.companions + b.companions,
        lost_records: a.lost_records + b.lost_records,
        ..a
    }
}

fn masked(a: MaskedReport, b: MaskedReport) -> MaskedReport {
    MaskedReport {
        shots: a.shots + b.shots,
        longest_shot_ns: a.longest_shot_ns.max(b.longest_shot_ns),
        between_ns: a.between_ns.saturating_add(b.between_ns),
        nmis: a.nmis + b.nmis,
        machine_checks: a.machine_checks + b.machine_checks,
        clock_error_ns: a.clock_error_ns.max(b.clock_error_ns),
    }
}

/// Below the higher trip level only one of the two looked.
fn histogram(a: HistogramReport, b: HistogramReport) -> HistogramReport {
    let mut buckets: BTreeMap<Nanos, Bucket> = BTreeMap::new();
    for bucket in a.buckets.into_iter().chain(b.buckets) {
        let sum = buckets.entry(bucket.from_ns).or_insert(Bucket {
            kernel_absent: 0,
            kernel_ran: 0,
            unknown: 0,
            platform_parts: 0,
            ..bucket
        });
        sum.kernel_absent += bucket.kernel_absent;
        sum.kernel_ran += bucket.kernel_ran;
        sum.unknown += bucket.unknown;
        sum.platform_parts += bucket.platform_parts;
    }
    HistogramReport {
        trip_ns: a.trip_ns.max(b.trip_ns),
        buckets: buckets.into_values().collect(),
    }
}

fn os_sources(mut a: Vec<OsSource>, b: Vec<OsSource>) -> Vec<OsSource> {
    for source in b {
        match a.iter_mut().find(|known| known.name == source.name) {
            Some(known) => {
                known.count += source.count;
                known.total_ns = known.total_ns.saturating_add(source.total_ns);
                known.max_ns = known.max_ns.max(source.max_ns);
            }
            None => a.push(source),
        }
    }
    a.sort_by_key(|source| std::cmp::Reverse(source.total_ns));
    a
}

/// The longest stalls of all slices, in order of time.
pub(super) fn stalls(slices: impl Iterator<Item = Vec<StallReport>>) -> Vec<StallReport> {
    let mut all: Vec<StallReport> = slices.flatten().collect();
    if all.len() > LISTED {
        all.sort_by_key(|stall| std::cmp::Reverse(stall.duration_ns));
        all.truncate(LISTED);
        all.sort_by_key(|stall| stall.start_cycles);
    }
    all
}

/// The evidence of each engine, by its first slice: what all say alike stands
/// once, the rest names its engine.
pub(super) fn evidence(cases: &[Case<'_>]) -> Vec<EvidenceSource> {
    let mut engines: Vec<(EngineName, Vec<EvidenceSource>)> = Vec::new();
    for case in cases {
        let engine = case.chosen.engine;
        if engines.iter().all(|(known, _)| *known != engine) {
            engines.push((engine, judgement::inventory(case)));
        }
    }
    if let [(_, only)] = engines.as_slice() {
        return only.clone();
    }
    let mut names: Vec<&String> = Vec::new();
    for source in engines.iter().flat_map(|(_, sources)| sources) {
        if !names.contains(&&source.source) {
            names.push(&source.source);
        }
    }
    let mut all: Vec<EvidenceSource> = Vec::new();
    for name in names {
        for (engine, sources) in &engines {
            for source in sources.iter().filter(|source| source.source == *name) {
                let is_common = engines.iter().all(|(_, others)| others.contains(source));
                let entry = match is_common {
                    true => source.clone(),
                    false => EvidenceSource {
                        reason: format!("{} engine: {}", engine.name(), source.reason),
                        ..source.clone()
                    },
                };
                if !all.contains(&entry) {
                    all.push(entry);
                }
            }
        }
    }
    all
}

/// The findings of all slices, most severe first. One whose words hold for all
/// of them stands once; of others the first of each engine stands, by name:
/// their figures are that slice's.
pub(super) fn findings(cases: &[Case<'_>], cpus: &[CpuReport]) -> Vec<Finding> {
    let of = |case| judgement::findings(case, cpus);
    let slices: Vec<Vec<Finding>> = cases.iter().map(of).collect();
    if let [only] = slices.as_slice() {
        return only.clone();
    }
    let mut all: Vec<Finding> = Vec::new();
    let mut told = Vec::new();
    for (index, (case, findings)) in cases.iter().zip(&slices).enumerate() {
        for finding in findings {
            let engine = case.chosen.engine;
            if told.contains(&(engine, &finding.id)) || all.contains(finding) {
                continue;
            }
            told.push((engine, &finding.id));
            let text = match slices.iter().all(|slice| slice.contains(finding)) {
                true => finding.text.clone(),
                false => format!(
                    "{} engine, slice {}: {}",
                    engine.name(),
                    index + 1,
                    finding.text
                ),
            };
            all.push(Finding {
                text,
                ..finding.clone()
            });
        }
    }
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}
