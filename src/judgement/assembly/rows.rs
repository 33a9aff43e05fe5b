//! The sampled CPUs of a slice, as a report shows them.

use std::collections::BTreeMap;

use crate::judgement::Case;
use crate::judgement::assembly::watched;
use crate::model::{
    Bucket, CpuReport, HistogramReport, INTERRUPT, MaskedReport, OsSource, Platform, SmiCount,
    TracerReport, UsualTime,
};
use crate::sampler::{CpuSetup, CpuTotals, Interrupts, Presence, Scheduling, SmiSetup};
use crate::session::CpuCollection;
use crate::units::{Cycles, Nanos};

pub(super) fn rows(case: &Case<'_>, origin: Cycles) -> Vec<CpuReport> {
    let collected = case.collected;
    (collected.setups.iter())
        .zip(&collected.totals)
        .zip(&collected.cpus)
        .enumerate()
        .map(|(index, ((setup, totals), kept))| CpuReport {
            place: case.host.topology.place_of(setup.cpu),
            os_sources: os_sources(case, index),
            watched: Some(watched::of_cpu(case, index)),
            shots: (totals.shots.as_ref()).map(|shots| {
                let place = |cycles: Cycles| cycles.since(origin);
                shots.iter().map(|&ends| ends.map(place)).collect()
            }),
            ..cpu_report(case, setup, totals, kept)
        })
        .collect()
}

/// What the kernel did on the CPU with this index, the most costly first.
fn os_sources(case: &Case<'_>, index: usize) -> Option<Vec<OsSource>> {
    let names = case.collected.kernel.names.as_ref()?;
    let (sources, _) = case.collected.kernel.totals.get(index)?;
    Some(
        sources
            .iter()
            .map(|&(id, total)| OsSource {
                name: names.name(id).to_owned(),
                count: total.count,
                total_ns: total.total,
                max_ns: total.longest,
            })
            .collect(),
    )
}

fn cpu_report(
    case: &Case<'_>,
    setup: &CpuSetup,
    totals: &CpuTotals,
    kept: &CpuCollection,
) -> CpuReport {
    let nanos = |cycles: Cycles| case.rate.hz.to_nanos(cycles);
    let elapsed_ns = nanos(totals.last.since(totals.first));
    let (blind_ns, paused_ns) = (nanos(totals.blind), nanos(totals.paused));
    // Of the time in which the sampler saw the kernel, or could not tell, the
    // platform's part is covered; of the rest what is not known is nobody's.
    let unknown_beside = kept.unknown.saturating_sub(kept.unknown_absent);
    let os_ns = nanos(totals.os)
        .saturating_sub(kept.platform_beside_kernel)
        .saturating_sub(unknown_beside);
    let between_ns = totals
        .masked
        .map_or(Nanos(0), |masked| nanos(masked.between));
    let (smi, smi_reason) = smi(case, setup, totals);
    CpuReport {
        cpu: totals.cpu,
        place: None,
        elapsed_ns,
        covered_ns: elapsed_ns
            .saturating_sub(blind_ns)
            .saturating_sub(os_ns)
            .saturating_sub(kept.unknown)
            .saturating_sub(paused_ns)
            .saturating_sub(between_ns),
        blind_ns,
        os_ns,
        unknown_ns: kept.unknown,
        paused_ns,
        masked: totals.masked.map(|masked| MaskedReport {
            shots: masked.shots,
            longest_shot_ns: nanos(masked.longest_shot),
            between_ns,
            nmis: masked.nmis,
            machine_checks: masked.machine_checks,
            clock_error_ns: masked.clock_error,
        }),
        tracer: totals.traced.as_ref().map(|traced| TracerReport {
            name: traced.tracer.name().to_owned(),
            interrupts_off: traced.interrupts == Interrupts::Off,
            windows: traced.windows,
            width_ns: traced.width,
            resolution_ns: traced.tracer.resolution(),
            companions: traced.companions,
            lost_records: traced.lost_records,
        }),
        iterations: totals.traced.is_none().then_some(totals.iterations),
        min_cycles: totals.traced.is_none().then_some(totals.floor),
        max_ns: nanos(totals.max),
        max_platform_ns: nanos(max_platform(totals, kept)),
        max_unknown_ns: Some(kept.max_unknown),
        max_os_ns: nanos(totals.max_kernel_ran),
        smi,
        smi_reason,
        gaps_seen: totals.gaps_seen,
        gaps_recorded: kept.gaps.listed().count() as u64,
        gaps_dropped: totals.gaps_dropped,
        gaps_by_cause: kept.counts,
        scheduling: match &setup.scheduling {
            // The kernel starts its threads as it likes.
            _ if totals.traced.is_some() => String::from("a thread of the kernel's"),
            Scheduling::Fifo(priority) => format!("SCHED_FIFO, priority {priority}"),
            Scheduling::Ordinary(reason) => format!("ordinary ({reason})"),
            Scheduling::Scripted => String::from("scripted"),
        },
        ended_early: totals.ended_early.map(|reason| reason.to_string()),
        histogram: histogram(case, totals, kept, setup.calibration.trip),
        usual: usual(kept),
        os_sources: None,
        shots: None,
        watched: None,
    }
}

/// The SMI count of a CPU. In a guest it is the virtual machine's own, and a 0
/// there would be read as "no SMIs".
fn smi(
    case: &Case<'_>,
    setup: &CpuSetup,
    totals: &CpuTotals,
) -> (Option<SmiCount>, Option<String>) {
    if case.machine.platform() == Platform::Guest {
        let reason = "a guest sees only its virtual machine's own SMI counter";
        return (None, Some(reason.to_owned()));
    }
    match (&setup.smi, &totals.smi) {
        (SmiSetup::Readable(_), Some(smi)) => (Some(smi.count), None),
        (SmiSetup::Readable(_), None) => (
            None,
            Some(String::from(
                "the counter could not be read to the end of the run",
            )),
        ),
        (SmiSetup::Unreadable(reason), _) => (None, Some(reason.clone())),
    }
}

/// The longest time of the platform's. That of the sampler is exact even where
/// a record was lost, but knows nothing of what was found out later.
fn max_platform(totals: &CpuTotals, kept: &CpuCollection) -> Cycles {
    match kept.max_taken_back >= totals.max_kernel_absent {
        true => kept.max_platform,
        false => kept.max_platform.max(totals.max_kernel_absent),
    }
}

/// What entries of the kernel take on the CPU.
fn usual(kept: &CpuCollection) -> Vec<UsualTime> {
    let ways = kept.ways.iter().map(|(way, usual)| (way.name(), *usual));
    let interrupts = kept.interrupts.map(|usual| (INTERRUPT, usual));
    ways.chain(interrupts)
        .map(|(what, usual)| UsualTime {
            what: what.to_owned(),
            typical_ns: usual.typical,
            bound_ns: usual.bound(),
        })
        .collect()
}

fn histogram(
    case: &Case<'_>,
    totals: &CpuTotals,
    kept: &CpuCollection,
    trip: Cycles,
) -> HistogramReport {
    let hz = case.rate.hz;
    // The rate that split the histogram was known less well than this one.
    let nanos = |edge: Cycles| match edge == totals.histogram.above_limit() {
        true => case.plan.hardlimit,
        false => hz.to_nanos(edge),
    };
    let deltas = totals.histogram.buckets().map(|row| (row, Part::Deltas));
    let parts = kept.mixed.buckets().map(|row| (row, Part::Platform));
    let mut buckets: BTreeMap<Cycles, Bucket> = BTreeMap::new();
    for ((from, to, counts), part) in deltas.chain(parts) {
        let bucket = buckets.entry(from).or_insert(Bucket {
            from_ns: nanos(from),
            to_ns: nanos(to),
            kernel_absent: 0,
            kernel_ran: 0,
            unknown: 0,
            platform_parts: 0,
        });
        match part {
            Part::Deltas => {
                bucket.kernel_absent = counts[Presence::Absent as usize];
                bucket.kernel_ran = counts[Presence::Ran as usize];
                bucket.unknown = counts[Presence::Unknown as usize];
            }
            Part::Platform => bucket.platform_parts = counts[Presence::Absent as usize],
        }
    }
    HistogramReport {
        trip_ns: hz.to_nanos(trip),
        buckets: buckets.into_values().collect(),
    }
}

/// What a row of a histogram counts.
enum Part {
    Deltas,
    Platform,
}
