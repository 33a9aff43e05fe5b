//! Brings what follows from a report's gaps in line with them, as a run would
//! have written it: readers refuse what contradicts itself.

use hwgap::model::*;
use hwgap::model::{Cause, Confidence};
use hwgap::stats::rates::Rate;
use hwgap::units::cpulist::CpuList;
use hwgap::units::{CpuId, Hertz, Nanos, UtcNanos};
use jiff::Timestamp;

/// The report with its sums, counts, times and verdict made anew.
pub fn settled(mut report: Report) -> Report {
    for gap in &mut report.gaps {
        let length = gap.duration_ns;
        gap.residual_ns = gap.residual_ns.min(length);
        gap.os_ns = gap.os_ns.min(length);
        gap.unknown_ns = gap.unknown_ns.min(Nanos(length.0 - gap.os_ns.0));
        gap.platform_ns = Nanos(length.0 - gap.os_ns.0 - gap.unknown_ns.0);
        if !gap.cause.is_platform() {
            gap.unknown_ns = gap.unknown_ns.saturating_add(gap.platform_ns);
            gap.platform_ns = Nanos(0);
        }
    }
    times(&mut report);
    for index in 0..report.cpus.len() {
        cpu(&mut report, index);
    }
    report.stalls = stalls(&report);
    verdict(&mut report);
    report
}

fn times(report: &mut Report) {
    let elapsed = report.run.elapsed_ns;
    if report.run.ended_by == EndedBy::Duration {
        report.run.planned_ns = Some(elapsed);
    }
    let Ok(started) = report.run.started_utc.parse::<Timestamp>() else {
        return;
    };
    let started = started.as_nanosecond() as i64;
    let utc = |after: Nanos| UtcNanos(started + after.0 as i64).rfc3339();
    report.run.ended_utc = utc(elapsed);
    let inside = report.run.started_utc.clone()..=report.run.ended_utc.clone();
    for gap in &mut report.gaps {
        if !inside.contains(&gap.start_utc) {
            gap.start_utc = utc(Hertz(report.tsc.hz).to_nanos(gap.start_cycles));
        }
    }
}

fn platform(gap: &Gap) -> Nanos {
    gap.platform_ns
}

fn cpu(report: &mut Report, index: usize) {
    let cpu = &mut report.cpus[index];
    let own: Vec<&Gap> = (report.gaps.iter())
        .filter(|gap| gap.cpu == cpu.cpu)
        .collect();
    let listed = own.len() as u64;
    let left_out = (cpu.gaps_seen).saturating_sub(cpu.gaps_dropped + listed);
    // SMIs beyond those listed were left out, and all else was the kernel's.
    let smis = own.iter().filter(|gap| gap.cause == Cause::Smi).count() as u64;
    let smis = (cpu.gaps_by_cause.smi.saturating_sub(smis)).min(left_out);
    cpu.gaps_by_cause = CauseCounts::default();
    own.iter().for_each(|gap| cpu.gaps_by_cause.add(gap.cause));
    cpu.gaps_by_cause.add_several(Cause::Smi, smis);
    cpu.gaps_by_cause.add_several(Cause::Os, left_out - smis);
    cpu.gaps_recorded = listed;
    cpu.gaps_seen = listed + left_out + cpu.gaps_dropped;
    let longest = own.iter().map(|gap| gap.duration_ns).max();
    cpu.max_ns = cpu.max_ns.max(longest.unwrap_or_default());
    cpu.max_platform_ns = own
        .iter()
        .map(|gap| platform(gap))
        .max()
        .unwrap_or_default();
    let others = [cpu.covered_ns, cpu.blind_ns, cpu.unknown_ns, cpu.paused_ns];
    let others = others.into_iter().fold(Nanos(0), Nanos::saturating_add);
    match cpu.ended_early {
        Some(_) => cpu.elapsed_ns = others.saturating_add(cpu.os_ns),
        None => cpu.os_ns = cpu.elapsed_ns.saturating_sub(others),
    }
}

/// Overlapping gaps of the platform.
fn stalls(report: &Report) -> Vec<StallReport> {
    let shift = |cpu: CpuId| {
        let offset = report.tsc.offsets.iter().find(|offset| offset.cpu == cpu);
        offset.map_or(0, |offset| offset.offset_cycles)
    };
    let counted = |gap: &&Gap| gap.platform_ns > Nanos(0);
    let mut spans: Vec<(u64, u64, &Gap)> = (report.gaps.iter().filter(counted))
        .map(|gap| {
            let place = |cycles: u64| cycles.saturating_add_signed(-shift(gap.cpu));
            let start = gap.start_cycles.0;
            let end = match gap.cause.is_mixed() {
                true => start + Hertz(report.tsc.hz).to_cycles(gap.platform_ns).0,
                false => gap.end_cycles.0,
            };
            (place(start), place(end), gap)
        })
        .collect();
    spans.sort_by_key(|(start, ..)| *start);
    let mut stalls: Vec<(u64, u64, Vec<&Gap>)> = Vec::new();
    for (start, end, gap) in spans {
        match stalls.last_mut().filter(|(_, last, _)| start <= *last) {
            Some((_, last, gaps)) => {
                *last = end.max(*last);
                gaps.push(gap);
            }
            None => stalls.push((start, end, vec![gap])),
        }
    }
    let hz = Hertz(report.tsc.hz);
    let row = |(start, end, gaps): (u64, u64, Vec<&Gap>)| {
        let cpus: CpuList = gaps.iter().map(|gap| gap.cpu).collect();
        StallReport {
            start_cycles: gaps[0].start_cycles,
            start_utc: gaps[0].start_utc.clone(),
            duration_ns: hz.to_nanos(hwgap::units::Cycles(end - start)),
            all_sampled_cpus: (report.cpus.len() > 1).then_some(cpus.len() == report.cpus.len()),
            cpus: cpus.to_string(),
            packages: None,
            gaps: gaps.len() as u64,
            end_spread_ns: Nanos(0),
            tsc_error_ns: Nanos(0),
            smi_delta: gaps.iter().filter_map(|gap| gap.smi_delta).max(),
            cause: gaps[0].cause,
            confidence: gaps
                .iter()
                .map(|gap| gap.confidence)
                .max()
                .unwrap_or(Confidence::None),
        }
    };
    let mut rows: Vec<StallReport> = stalls.into_iter().map(row).collect();
    rows.sort_by_key(|stall| std::cmp::Reverse(stall.duration_ns));
    rows.truncate(1_000);
    rows.sort_by_key(|stall| stall.start_cycles);
    rows
}

fn verdict(report: &mut Report) {
    let limit = report.run.hardlimit_ns;
    let above = |length: Nanos| length > limit;
    let gaps = report.gaps.iter().filter(|gap| above(platform(gap)));
    let gaps = gaps.count() as u64;
    let listed = (report.stalls.iter())
        .filter(|stall| above(stall.duration_ns))
        .count() as u64;
    let count = report.cpus.len().max(1) as f64;
    let mean = |part: &dyn Fn(&CpuReport) -> f64| report.cpus.iter().map(part).sum::<f64>() / count;
    let coverage = mean(&|cpu| cpu.covered_ns.0 as f64 / cpu.elapsed_ns.0.max(1) as f64);
    let hours = mean(&|cpu| cpu.covered_ns.as_hours_f64());
    let longest = report.cpus.iter().map(|cpu| cpu.max_platform_ns).max();
    let incomplete = report
        .run
        .cut_short()
        .filter(|_| report.run.planned_ns.is_some());
    let verdict = &mut report.verdict;
    verdict.platform_gaps = gaps;
    verdict.platform_stalls = listed.min(gaps);
    verdict.platform_max_ns = longest.unwrap_or_default();
    let rate = Rate {
        events: verdict.platform_stalls,
        hours,
    };
    verdict.platform_rate_per_hour = rate.per_hour().map(short);
    verdict.platform_rate_upper95_per_hour = rate.upper95_per_hour().map(short);
    verdict.coverage = short(coverage);
    verdict.incomplete = incomplete;
    if (gaps > 0) != (verdict.result == Outcome::Fail) {
        verdict.reasons.clear();
        verdict.result = match gaps {
            0 if verdict.result == Outcome::Fail => Outcome::Pass,
            0 => verdict.result,
            _ => Outcome::Fail,
        };
    }
    if report.host.hypervisor.is_some() {
        verdict.subject = Subject::HypervisorAndBelow;
    }
}

/// To nine digits, so that a reader of decimals meets the same number.
fn short(number: f64) -> f64 {
    format!("{number:.8e}").parse().unwrap()
}
