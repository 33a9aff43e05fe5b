//! Pass, fail or inconclusive, with the statistics that say what a pass is
//! worth.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::attribution::UnknownReason;
use crate::host::Host;
use crate::model::{
    Cause, Confidence, CpuReport, EndedBy, InSmm, Outcome, Platform, Subject, Verdict, cut_short,
};
use crate::sampler::FootprintTest;
use crate::session::CpuCollection;
use crate::stats::rates::Rate;
use crate::text::human::{counted, share};
use crate::units::Nanos;

use super::Case;
use super::stalls::stalls_above_limit;

/// Judges a run. `cases` are its slices, one where a single engine sampled, and
/// `cpus` the rows of the report.
pub fn judge(cases: &[Case<'_>], cpus: &[CpuReport]) -> Verdict {
    let sum = |count: fn(&CpuCollection) -> u64| -> u64 {
        let cpus = cases.iter().flat_map(|case| &case.collected.cpus);
        cpus.map(count).sum()
    };
    let limit = cases.first().map(|case| case.plan.hardlimit);
    let limit = limit.unwrap_or_default();
    let clock_failure = cases.iter().find_map(clock_failure);
    // The longest gap without the kernel is exact even where its record was
    // lost to a full ring. But by a clock that failed it is nobody's.
    let longest = match clock_failure {
        None => cpus.iter().map(|cpu| cpu.max_platform_ns).max(),
        Some(_) => cases.iter().filter_map(longest_attributed).max(),
    };
    let platform_max_ns = longest.unwrap_or_default();
    let seen = u64::from(platform_max_ns > limit);
    let platform_gaps = sum(|cpu| cpu.platform_above_limit).max(seen);
    let platform_stalls = cases.iter().map(stalls_above_limit).sum::<u64>().max(seen);
    let coverage = mean(cpus.iter().map(|cpu| share(cpu.covered_ns, cpu.elapsed_ns)));
    // Machine time, not CPU time: a stall is an event of the machine.
    let hours = mean(cpus.iter().map(|cpu| cpu.covered_ns.as_hours_f64()));
    let rate = Rate {
        events: platform_stalls,
        hours,
    };
    // A count of SMIs stands by itself; what rests on the indicators of the
    // kernel alone does not where these contradict each other.
    let contradicted = contradicted(cases);
    let trusted = contradicted == 0 || cases.iter().any(|case| has_counted_smi(case, limit));
    let failed = platform_gaps > 0 && clock_failure.is_none() && trusted;
    let incomplete = incomplete(cases);
    let mut doubts = doubts(cases, clock_failure);
    if contradicted > 0 {
        let doubt = format!(
            "the indicators of the kernel's presence contradict each other in {}",
            counted(contradicted, "gap")
        );
        doubts.insert(0, doubt);
    }
    let doubts: Vec<String> = incomplete.iter().cloned().chain(doubts).collect();
    let mut reasons = Vec::new();
    let result = if failed {
        reasons.push(format!(
            "{} above {limit}, the longest {platform_max_ns}",
            counted(platform_gaps, "platform gap")
        ));
        Outcome::Fail
    } else if hours > 0.0 && doubts.is_empty() {
        reasons.push(format!("no platform gap above {limit} in the covered time"));
        Outcome::Pass
    } else {
        if hours <= 0.0 {
            reasons.push(String::from("no time was covered"));
        }
        Outcome::Inconclusive
    };
    reasons.extend(doubts);
    let platform = cases.first().map(|case| case.machine.platform());
    Verdict {
        result,
        subject: match platform {
            Some(Platform::BareMetal) | None => Subject::Hardware,
            Some(Platform::Guest) => Subject::HypervisorAndBelow,
        },
        platform_gaps,
        platform_stalls,
        platform_max_ns,
        platform_rate_per_hour: rate.per_hour(),
        platform_rate_upper95_per_hour: rate.upper95_per_hour(),
        coverage,
        incomplete,
        reasons,
    }
}

/// Why these slices are not the whole that was asked for, if so.
fn incomplete(cases: &[Case<'_>]) -> Option<String> {
    let cut = (cases.iter()).find(|case| case.collected.ended_by != EndedBy::Duration)?;
    let totals = || cases.iter().flat_map(|case| &case.collected.totals);
    let first = totals().map(|cpu| cpu.first).min().unwrap_or_default();
    let last = totals().map(|cpu| cpu.last).max().unwrap_or_default();
    let elapsed = cut.rate.hz.to_nanos(last.since(first));
    cut_short(cut.collected.ended_by, elapsed, cut.plan.planned)
}

fn longest_attributed(case: &Case<'_>) -> Option<Nanos> {
    let attributed = case.collected.cpus.iter().map(|cpu| cpu.max_platform);
    attributed.max().map(|gap| case.rate.hz.to_nanos(gap))
}

/// What keeps a run without a proved platform gap from a pass.
fn doubts(cases: &[Case<'_>], clock_failure: Option<String>) -> Vec<String> {
    let limit = cases.first().map(|case| case.plan.hardlimit);
    let limit = limit.unwrap_or_default();
    let totals = || cases.iter().flat_map(|case| &case.collected.totals);
    let mut doubts: Vec<String> = clock_failure.into_iter().collect();
    for (reason, count) in unknown_above_limit(cases) {
        doubts.push(format!(
            "{} with a part above {limit} that is not known: {}",
            counted(count, "gap"),
            reason.text()
        ));
    }
    // Time may have been hidden: a run without gaps then shows nothing.
    if cases
        .iter()
        .any(|case| case.adjusted_cpus().next().is_some())
    {
        doubts.push(String::from(
            "the TSC of a sampled CPU was written to (IA32_TSC_ADJUST changed)",
        ));
    }
    let dropped: u64 = totals().map(|cpu| cpu.gaps_dropped).sum();
    if dropped > 0 {
        doubts.push(format!(
            "the records of {} were lost",
            counted(dropped, "gap")
        ));
    }
    let traced = totals().filter_map(|cpu| cpu.traced.as_ref());
    let lost: u64 = traced.map(|traced| traced.lost_records).sum();
    if lost > 0 {
        doubts.push(format!(
            "the kernel's buffer lost {} of its tracer",
            counted(lost, "record")
        ));
    }
    if totals().any(|cpu| cpu.ended_early.is_some()) {
        doubts.push(String::from("sampling ended early on at least one CPU"));
    }
    doubts
}

/// Gaps in which two indicators of the kernel's presence contradict each other.
fn contradicted(cases: &[Case<'_>]) -> u64 {
    let cpus = cases.iter().flat_map(|case| &case.collected.cpus);
    cpus.map(|cpu| cpu.agreement.records_only + cpu.ring_zero.contradicted)
        .sum()
}

fn has_counted_smi(case: &Case<'_>, limit: Nanos) -> bool {
    let mut gaps = case.collected.cpus.iter().flat_map(|cpu| cpu.gaps.iter());
    gaps.any(|gap| {
        gap.platform() > limit
            && gap.cause().alone() == Cause::Smi
            && gap.confidence() >= Confidence::Strong
    })
}

/// Gaps of which the unknown part is above the limit, by reason, most first.
pub(super) fn unknown_above_limit(cases: &[Case<'_>]) -> Vec<(UnknownReason, u64)> {
    let mut sums: BTreeMap<UnknownReason, u64> = BTreeMap::new();
    for cpu in cases.iter().flat_map(|case| &case.collected.cpus) {
        for (&reason, &count) in &cpu.unknown_above_limit {
            *sums.entry(reason).or_default() += count;
        }
    }
    let mut all: Vec<_> = sums.into_iter().filter(|&(_, count)| count > 0).collect();
    all.sort_by_key(|&(reason, count)| (Reverse(count), reason));
    all
}

/// Why the clock measured nothing that can be judged, if so.
fn clock_failure(case: &Case<'_>) -> Option<String> {
    let backward: u64 = case
        .collected
        .totals
        .iter()
        .map(|cpu| cpu.backward_steps)
        .sum();
    if backward > 0 {
        return Some(format!(
            "the TSC ran backwards {}",
            counted(backward, "time")
        ));
    }
    if case.collected.clock.tsc_dropped_in_run() {
        return Some(String::from("the kernel gave the TSC up during the run"));
    }
    if case.collected.watches.tsc_rate_changed() {
        return Some(String::from("the rate of the TSC changed during the run"));
    }
    case.tsc_given_up()
        .then(|| String::from("the kernel had given the TSC up as a clock"))
}

impl Case<'_> {
    /// Whether, on bare metal, the kernel had found the TSC unfit before the
    /// run. Guests' kernels prefer a paravirtual clock for reasons of their own.
    pub(super) fn tsc_given_up(&self) -> bool {
        self.machine.platform() == Platform::BareMetal && tsc_given_up(self.host)
    }

    /// Whether the footprint works on every sampled CPU, or is not needed.
    pub(super) fn footprint_works(&self) -> bool {
        let tests = self
            .collected
            .setups
            .iter()
            .map(|setup| setup.calibration.footprint);
        tests
            .into_iter()
            .all(|test| matches!(test, FootprintTest::Passed | FootprintTest::NotNeeded))
    }

    /// Whether the instructions of ring 0 tell on every sampled CPU whether the
    /// kernel ran, SMIs or not.
    pub(super) fn ring_zero_works(&self) -> bool {
        let mut setups = self.collected.setups.iter();
        setups.all(|setup| setup.pmu.ring_zero == Ok(InSmm::Stopped))
    }
}

/// Whether this host's kernel lists no `tsc` among its clocksources although
/// the CPU has one.
pub fn tsc_given_up(host: &Host) -> bool {
    match (&host.clocksource, &host.cpu_model.flags) {
        (Ok(clocksource), Ok(flags)) => clocksource.tsc_dropped(flags),
        _ => false,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 {
        0.0
    } else {
        sum / f64::from(count)
    }
}
