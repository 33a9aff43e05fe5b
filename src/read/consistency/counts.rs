//! Parts and sums, counts and lists.

use std::collections::HashSet;

use crate::read::brief::{Brief, CpuGaps, SampledCpu};
use crate::read::consistency::{Checked, must, slack};
use crate::units::{Hertz, Nanos};

pub(super) fn check(report: &Brief<'_>) -> Checked {
    let mut numbers = HashSet::new();
    for cpu in &report.cpus.each {
        let number = cpu.cpu;
        must(numbers.insert(number), || {
            format!("CPU {number} stands twice among the cpus")
        })?;
        times(cpu, report)?;
        gaps(cpu)?;
        smis(cpu, report)?;
        if let Some(gaps) = &report.gaps {
            listed(cpu, gaps.of(number))?;
        }
    }
    let left_out = report.run.cpus_not_sampled.parse();
    if let Ok(left_out) = left_out {
        let both = report.cpus.list.intersection(&left_out);
        must(both.is_empty(), || {
            format!("CPUs {both} are among the cpus and in run.cpus_not_sampled")
        })?;
    }
    let Some(gaps) = &report.gaps else {
        return Ok(());
    };
    if let Some(fault) = &gaps.fault {
        return must(false, || fault.clone());
    }
    for own in &gaps.cpus {
        must(numbers.contains(&own.cpu), || {
            format!("gaps are listed of CPU {}, which is not sampled", own.cpu)
        })?;
    }
    let rate = report.tsc.hz / 1e9;
    let (low, high) = (gaps.rate.low * (1.0 - 1e-6), gaps.rate.high * (1.0 + 1e-6));
    must((low..=high).contains(&rate), || {
        format!(
            "lengths of gaps in ns and in cycles do not agree at tsc.hz {}",
            report.tsc.hz
        )
    })?;
    let end = Hertz(report.tsc.hz).to_nanos(gaps.end);
    let elapsed = report.run.elapsed_ns;
    must(end <= reach(elapsed), || {
        format!("a gap ends after {end}, but run.elapsed_ns is {elapsed}")
    })
}

/// A time and what the ends of a run may add to it.
pub(super) fn reach(elapsed: Nanos) -> Nanos {
    elapsed
        .saturating_add(Nanos(elapsed.0 / 100))
        .saturating_add(Nanos::SECOND)
}

fn times(cpu: &SampledCpu, report: &Brief<'_>) -> Checked {
    let (number, elapsed, covered) = (cpu.cpu, cpu.elapsed_ns, cpu.covered_ns);
    must(covered <= elapsed, || {
        format!(
            "CPU {number}: covered_ns {} is more than elapsed_ns {}",
            covered.0, elapsed.0
        )
    })?;
    must(elapsed <= reach(report.run.elapsed_ns), || {
        format!(
            "CPU {number}: elapsed_ns {} is more than run.elapsed_ns {}",
            elapsed.0, report.run.elapsed_ns.0
        )
    })?;
    let between = cpu.masked.map_or(Nanos(0), |masked| masked.between_ns);
    let parts = [
        cpu.blind_ns,
        cpu.os_ns,
        cpu.unknown_ns,
        cpu.paused_ns,
        between,
    ];
    let sum = (parts.into_iter()).fold(covered, Nanos::saturating_add);
    must(sum.saturating_add(slack(elapsed)) >= elapsed, || {
        format!(
            "CPU {number}: covered_ns and what was not covered add up to {}, elapsed_ns is {}",
            sum.0, elapsed.0
        )
    })?;
    // Each part was taken off, but of slices by themselves.
    must(
        report.run.engine.takes_turns() || covered == Nanos(0) || sum <= reach(elapsed),
        || {
            format!(
                "CPU {number}: covered_ns and what was not covered add up to {}, elapsed_ns is {}",
                sum.0, elapsed.0
            )
        },
    )
}

fn gaps(cpu: &SampledCpu) -> Checked {
    let number = cpu.cpu;
    let judged = (cpu.gaps_by_cause.each().into_iter())
        .fold(0u64, |sum, (_, count)| sum.saturating_add(count));
    let all = judged.saturating_add(cpu.gaps_dropped);
    must(all == cpu.gaps_seen, || {
        format!(
            "CPU {number}: gaps_by_cause and gaps_dropped add up to {all}, gaps_seen is {}",
            cpu.gaps_seen
        )
    })?;
    let stored = (cpu.gaps_recorded).saturating_add(cpu.companions());
    must(stored <= judged, || {
        format!("CPU {number}: more gaps are recorded ({stored}) than were judged ({judged})")
    })?;
    let (longest, platform) = (cpu.max_ns, cpu.max_platform_ns);
    must(platform <= longest.saturating_add(slack(longest)), || {
        format!(
            "CPU {number}: max_platform_ns {} is more than max_ns {}",
            platform.0, longest.0
        )
    })
}

fn smis(cpu: &SampledCpu, report: &Brief<'_>) -> Checked {
    let Some(smi) = cpu.smi else {
        return Ok(());
    };
    // The counter has 32 bits.
    let rise = smi.after.wrapping_sub(smi.before) % (1 << 32);
    let agrees = match report.run.engine.takes_turns() || cpu.tracer.is_some() {
        // What came between two turns, or while a tracer did not sample, may be
        // in no delta.
        true => smi.delta <= rise,
        false => smi.delta == rise,
    };
    must(agrees, || {
        format!(
            "CPU {}: the SMI counter went from {} to {}, delta is {}",
            cpu.cpu, smi.before, smi.after, smi.delta
        )
    })
}

fn listed(cpu: &SampledCpu, listed: Option<&CpuGaps>) -> Checked {
    let number = cpu.cpu;
    let count = listed.map_or(0, |gaps| gaps.listed);
    must(count == cpu.gaps_recorded, || {
        format!(
            "CPU {number}: gaps_recorded is {}, but {count} gaps are listed",
            cpu.gaps_recorded
        )
    })?;
    let Some(listed) = listed else {
        return Ok(());
    };
    let all_listed =
        (count.saturating_add(cpu.companions())).saturating_add(cpu.gaps_dropped) == cpu.gaps_seen;
    for ((cause, counted), (_, listed)) in
        (cpu.gaps_by_cause.each().into_iter()).zip(listed.causes.each())
    {
        let agrees = match all_listed {
            true => listed == counted,
            false => listed <= counted,
        };
        must(agrees, || {
            format!(
                "CPU {number}: gaps_by_cause has {counted} of {cause}, the list of gaps {listed}"
            )
        })?;
    }
    for (name, most, longest) in [
        ("max_ns", cpu.max_ns, listed.longest),
        (
            "max_platform_ns",
            cpu.max_platform_ns,
            listed.longest_platform,
        ),
    ] {
        must(longest <= most.saturating_add(slack(most)), || {
            format!(
                "CPU {number}: {name} is {}, but a gap of {} is listed",
                most.0, longest.0
            )
        })?;
    }
    Ok(())
}
