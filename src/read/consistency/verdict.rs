//! The verdict, derived anew from what was measured.

use crate::model::{Outcome, Subject};
use crate::read::brief::Brief;
use crate::read::consistency::{Checked, alike, must, slack};
use crate::stats::rates::{Rate, roughly_upper95_mean};

/// Findings that take the clock, and with it all lengths, their meaning.
const CLOCK_FAILED: [&str; 4] = [
    "tsc-backwards",
    "tsc-given-up",
    "tsc-given-up-in-run",
    "tsc-rate-changed",
];
/// Findings that leave what rests on the kernel's indicators alone open.
const CONTRADICTED: [&str; 2] = ["footprint-contradicted", "ring-zero-contradicted"];
/// By how much the quick bound of a rate may miss the exact one.
const ROUGH: f64 = 0.02;

pub(super) fn check(report: &Brief<'_>) -> Checked {
    let verdict = &report.verdict;
    let clock_failed = (report.findings.iter()).any(|one| CLOCK_FAILED.contains(&&*one.id));
    longest(report, clock_failed)?;
    counts(report, clock_failed)?;
    figures(report)?;
    let guest = verdict.subject == Subject::HypervisorAndBelow;
    must(guest == report.host.hypervisor.is_some(), || {
        "verdict.subject does not fit host.hypervisor".to_owned()
    })?;
    result(report, clock_failed)
}

fn longest(report: &Brief<'_>, clock_failed: bool) -> Checked {
    let (said, seen) = (report.verdict.platform_max_ns, report.cpus.longest_platform);
    // By a clock that failed a gap is nobody's, but the longest one stays.
    let agrees = said == seen || (clock_failed && said <= seen);
    must(agrees, || {
        format!(
            "verdict.platform_max_ns is {}, the longest max_platform_ns of the cpus {}",
            said.0, seen.0
        )
    })
}

fn counts(report: &Brief<'_>, clock_failed: bool) -> Checked {
    let verdict = &report.verdict;
    let (gaps, stalls) = (verdict.platform_gaps, verdict.platform_stalls);
    must(stalls <= gaps && (stalls > 0) == (gaps > 0), || {
        format!("verdict.platform_stalls is {stalls}, verdict.platform_gaps {gaps}")
    })?;
    let limit = report.run.hardlimit_ns;
    let longest = verdict.platform_max_ns;
    let said = |what: &str| {
        format!(
            "verdict.platform_gaps is {gaps}, but verdict.platform_max_ns {} is {what} the limit {}",
            longest.0, limit.0
        )
    };
    must(clock_failed || longest <= limit || gaps > 0, || {
        said("above")
    })?;
    let reached = longest.saturating_add(slack(limit)) >= limit;
    must(gaps == 0 || reached, || said("below"))?;
    let Some(listed) = &report.gaps else {
        return Ok(());
    };
    let above = (listed.platform).surely_above(limit.saturating_add(slack(limit)));
    must(above <= gaps, || {
        format!("verdict.platform_gaps is {gaps}, but {above} gaps above the limit are listed")
    })?;
    must(gaps <= report.cpus.gaps_seen.max(1), || {
        format!("verdict.platform_gaps is {gaps}, more than the cpus count")
    })
}

fn figures(report: &Brief<'_>) -> Checked {
    let verdict = &report.verdict;
    let cpus = &report.cpus;
    let coverage = match cpus.count {
        0 => 0.0,
        count => cpus.shares / count as f64,
    };
    must((verdict.coverage - coverage).abs() < 1e-4, || {
        format!(
            "verdict.coverage is {}, that of the cpus {coverage}",
            verdict.coverage
        )
    })?;
    let rate = Rate {
        events: verdict.platform_stalls,
        hours: report.covered_hours(),
    };
    let agrees = match (rate.per_hour(), verdict.platform_rate_per_hour) {
        (Some(rate), Some(said)) => alike(rate, said),
        (rate, said) => rate.is_some() == said.is_some(),
    };
    must(agrees, || {
        format!(
            "verdict.platform_rate_per_hour is not that of {} stalls in the covered time",
            verdict.platform_stalls
        )
    })?;
    let upper = roughly_upper95_mean(rate.events) / rate.hours;
    let agrees = match verdict.platform_rate_upper95_per_hour {
        Some(said) => (said / upper - 1.0).abs() < ROUGH,
        None => rate.per_hour().is_none(),
    };
    must(agrees, || {
        format!(
            "verdict.platform_rate_upper95_per_hour is not the bound of {} stalls in the covered \
             time",
            verdict.platform_stalls
        )
    })
}

/// The result, by the rules of the verdict itself.
fn result(report: &Brief<'_>, clock_failed: bool) -> Checked {
    let (run, verdict) = (&report.run, &report.verdict);
    let said = verdict.result.name();
    let wrong = |because: &str| format!("verdict.result is {said}, but {because}");
    let failed = verdict.platform_gaps > 0 && !clock_failed;
    // Whether a count of SMIs stood by itself then is not told.
    let contradicted = (report.findings.iter()).any(|one| CONTRADICTED.contains(&&*one.id));
    let open = failed && contradicted && verdict.result == Outcome::Inconclusive;
    must(open || failed == (verdict.result == Outcome::Fail), || {
        wrong(match (failed, clock_failed) {
            (true, _) => "platform gaps above the limit were seen",
            (false, true) => "the clock failed",
            (false, false) => "no platform gap above the limit was seen",
        })
    })?;
    let cut_short = run.cut_short();
    if run.planned_ns.is_some() {
        must(cut_short.is_some() == verdict.incomplete.is_some(), || {
            "verdict.incomplete does not fit run.ended_by, elapsed_ns and planned_ns".to_owned()
        })?;
    }
    if verdict.result != Outcome::Pass {
        return Ok(());
    }
    let unknown = report.longest_unknown();
    let limit = run.hardlimit_ns;
    let doubt = [
        (clock_failed, "the clock failed"),
        (
            contradicted,
            "the indicators of the kernel's presence contradict each other",
        ),
        (verdict.incomplete.is_some(), "the run was cut short"),
        (report.covered_hours() <= 0.0, "no time was covered"),
        (report.cpus.gaps_dropped > 0, "records of gaps were lost"),
        (
            report.cpus.records_lost > 0,
            "records of a tracer were lost",
        ),
        (report.cpus.ended_early > 0, "sampling ended early on a CPU"),
        (
            report.cpus.tsc_adjusted > 0,
            "the TSC of a CPU was written to",
        ),
        (
            unknown > limit.saturating_add(slack(limit)),
            "a gap above the limit is of unknown cause",
        ),
        (verdict.reasons.len() > 1, "there are reasons against it"),
    ];
    match doubt.into_iter().find(|(holds, _)| *holds) {
        Some((_, because)) => must(false, || wrong(because)),
        None => Ok(()),
    }
}
