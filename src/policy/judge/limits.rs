//! What the platform takes.

use crate::model::{Cause, Outcome};
use crate::policy::rule::Rule;
use crate::policy::rules::Limits;
use crate::read::brief::{Brief, Seen};
use crate::stats::rates::{Rate, hours_for_zero_to_show};
use crate::text::human::{chosen, counted, length, percent, period, three_digits};
use crate::units::Nanos;

use super::Reasons;

const NO_LIST: &str = "the report does not list its stalls (an older version wrote it)";

pub(super) fn judge(limits: &Limits, run: &Brief, reasons: &mut Reasons) {
    doubts(limits, run, reasons);
    if let Some(limit) = limits.worst {
        worst(limit, run, reasons);
    }
    let above = limits.above.unwrap_or(run.run.hardlimit_ns);
    if let Some(limit) = limits.rate_per_hour {
        rate(limit, above, run, reasons);
    }
    if let Some(limit) = limits.rate_upper95_per_hour {
        bounded(limit, above, run, reasons);
    }
    if let Some(limit) = limits.lost_per_hour {
        lost(limit, above, run, reasons);
    }
    if let Some(limit) = limits.smi_time_share {
        smi_time(limit, run, reasons);
    }
}

/// What the run says against itself. Its own limit counts only where the
/// policy sets none.
fn doubts(limits: &Limits, run: &Brief, reasons: &mut Reasons) {
    let own = &run.verdict.reasons;
    let doubts = match run.verdict.result {
        Outcome::Pass => &[][..],
        Outcome::Inconclusive if own.is_empty() => {
            reasons.inconclusive(
                Rule::RunVerdict,
                "the run is inconclusive and does not say why",
            );
            &[]
        }
        Outcome::Inconclusive => own,
        Outcome::Fail => {
            if limits.are_none() {
                reasons.fail(
                    Rule::RunVerdict,
                    format!(
                        "{} above {}, the longest {}",
                        counted(run.verdict.platform_stalls, "platform stall"),
                        chosen(run.run.hardlimit_ns),
                        length(run.verdict.platform_max_ns)
                    ),
                );
            }
            own.get(1..).unwrap_or_default()
        }
    };
    // How much of a run is enough is for the measurement's rules to say.
    let incomplete = run.verdict.incomplete.as_ref();
    for doubt in doubts.iter().filter(|doubt| Some(*doubt) != incomplete) {
        reasons.inconclusive(Rule::RunVerdict, doubt);
    }
}

fn worst(limit: Nanos, run: &Brief, reasons: &mut Reasons) {
    let longest = run.verdict.platform_max_ns;
    if longest > limit {
        let text = format!(
            "the platform took {} at a time; the limit is {}",
            length(longest),
            chosen(limit)
        );
        return reasons.fail(Rule::Worst, text);
    }
    let threshold = run.run.threshold_ns;
    if threshold > limit {
        let text = format!(
            "gaps were recorded above {} only; measure with --threshold {} or less",
            chosen(threshold),
            chosen(limit).replace(' ', "")
        );
        reasons.inconclusive(Rule::Worst, text);
    }
    unknown(Rule::Worst, limit, run, reasons);
}

/// What is nobody's may be the platform's. Above the run's own limit the run's
/// verdict tells of it.
fn unknown(rule: Rule, above: Nanos, run: &Brief, reasons: &mut Reasons) {
    let longest = run.longest_unknown();
    if above < run.run.hardlimit_ns && longest > above {
        let text = format!(
            "parts of gaps above {} are of unknown cause, the longest {}, which the run's own \
             limit of {} leaves out",
            chosen(above),
            length(longest),
            chosen(run.run.hardlimit_ns)
        );
        reasons.inconclusive(rule, text);
    }
}

/// Stalls above a length, or why they cannot be counted.
fn stalls(rule: Rule, above: Nanos, run: &Brief, reasons: &mut Reasons) -> Option<Seen<u64>> {
    if run.covered_hours() <= 0.0 {
        reasons.inconclusive(rule, "no time was covered");
        return None;
    }
    let seen = run.stalls_above(above);
    if seen.is_none() {
        reasons.inconclusive(rule, NO_LIST);
    }
    seen
}

fn partly(rule: Rule, above: Nanos, run: &Brief, reasons: &mut Reasons) {
    let text = match above < run.run.threshold_ns {
        true => format!(
            "stalls above {} were not recorded; measure with --threshold {} or less",
            chosen(above),
            chosen(above).replace(' ', "")
        ),
        false => format!(
            "the report lists its longest stalls only, not all above {}",
            chosen(above)
        ),
    };
    reasons.inconclusive(rule, text);
}

fn rate(limit: f64, above: Nanos, run: &Brief, reasons: &mut Reasons) {
    let Some(seen) = stalls(Rule::Rate, above, run, reasons) else {
        return;
    };
    let (Seen::Exactly(events) | Seen::AtLeast(events)) = seen;
    let hours = run.covered_hours();
    let rate = events as f64 / hours;
    if rate > limit {
        let text = format!(
            "{} above {} an hour ({} in {}); the limit is {}",
            three_digits(rate),
            chosen(above),
            counted(events, "stall"),
            period(hours),
            three_digits(limit)
        );
        reasons.fail(Rule::Rate, text);
    } else if let Seen::AtLeast(_) = seen {
        partly(Rule::Rate, above, run, reasons);
    } else {
        unknown(Rule::Rate, above, run, reasons);
    }
}

/// A rate that must be excluded. It is exceeded only where the count shows so
/// with the same confidence; in between more time is needed.
fn bounded(limit: f64, above: Nanos, run: &Brief, reasons: &mut Reasons) {
    let Some(seen) = stalls(Rule::RateUpper, above, run, reasons) else {
        return;
    };
    let (Seen::Exactly(events) | Seen::AtLeast(events)) = seen;
    let rate = Rate {
        events,
        hours: run.covered_hours(),
    };
    let (Some(lower), Some(upper)) = (rate.lower95_per_hour(), rate.upper95_per_hour()) else {
        return reasons.inconclusive(Rule::RateUpper, "no time was covered");
    };
    let what = format!(
        "{} above {} in {}",
        counted(events, "stall"),
        chosen(above),
        period(rate.hours)
    );
    if lower > limit {
        let text = format!(
            "{what}: with 95 % confidence more than {} an hour; the limit is {}",
            three_digits(lower),
            three_digits(limit)
        );
        reasons.fail(Rule::RateUpper, text);
    } else if let Seen::AtLeast(_) = seen {
        partly(Rule::RateUpper, above, run, reasons);
    } else if upper > limit {
        let needed = match hours_for_zero_to_show(limit) {
            Some(hours) => format!("; {} without a stall would exclude it", period(hours)),
            None => String::new(),
        };
        let text = format!(
            "{what} do not exclude {} an hour with 95 % confidence, the limit is {}{needed}",
            three_digits(upper),
            three_digits(limit)
        );
        reasons.inconclusive(Rule::RateUpper, text);
    } else {
        unknown(Rule::RateUpper, above, run, reasons);
    }
}

fn lost(limit: Nanos, above: Nanos, run: &Brief, reasons: &mut Reasons) {
    let hours = run.covered_hours();
    let Some(seen) = run.time_above(above) else {
        return reasons.inconclusive(Rule::Lost, NO_LIST);
    };
    if hours <= 0.0 {
        return reasons.inconclusive(Rule::Lost, "no time was covered");
    }
    let (Seen::Exactly(time) | Seen::AtLeast(time)) = seen;
    let an_hour = Nanos((time.0 as f64 / hours).round() as u64);
    if an_hour > limit {
        let text = format!(
            "stalls above {} took {} an hour; the limit is {}",
            chosen(above),
            length(an_hour),
            chosen(limit)
        );
        reasons.fail(Rule::Lost, text);
    } else if let Seen::AtLeast(_) = seen {
        partly(Rule::Lost, above, run, reasons);
    } else {
        unknown(Rule::Lost, above, run, reasons);
    }
}

/// Counted where counters stood still in SMM. Else it lies between the listed
/// stalls by SMIs alone, and those with each further SMI at the threshold.
fn smi_time(limit: f64, run: &Brief, reasons: &mut Reasons) {
    let (low, high) = match (run.cpus.smm_share, &run.stalls, run.cpus.smis()) {
        (Some(share), _, _) => (share, share),
        (None, Some(stalls), Some(smis)) => {
            let by_smi = || (stalls.listed().iter()).filter(|stall| stall.cause == Cause::Smi);
            let time = by_smi().fold(0.0, |sum, stall| sum + stall.duration_ns.as_secs_f64());
            let listed: u64 = by_smi()
                .map(|stall| u64::from(stall.smi_delta.unwrap_or(1)))
                .sum();
            let complete = stalls.is_complete_above(run.run.threshold_ns);
            let others = smis.saturating_sub(listed) as f64;
            let longest = match complete {
                true => run.run.threshold_ns,
                false => (stalls.listed().iter().map(|stall| stall.duration_ns).min())
                    .unwrap_or(run.run.threshold_ns),
            };
            // The counter runs over all the time, the list over what was covered.
            let low = time / (run.cpus.mean_elapsed_hours() * 3_600.0);
            let high = time / (run.covered_hours() * 3_600.0)
                + others * longest.as_secs_f64() / (run.cpus.mean_elapsed_hours() * 3_600.0);
            (low, high)
        }
        _ => {
            let text = "time in SMIs is not known: no SMI counter, or an older report";
            return reasons.inconclusive(Rule::SmiTime, text);
        }
    };
    if low > limit {
        let text = format!(
            "{} of the time went to SMIs; the limit is {}",
            percent(low),
            percent(limit)
        );
        reasons.fail(Rule::SmiTime, text);
    } else if high.is_nan() || high > limit {
        let text = format!(
            "between {} and {} of the time went to SMIs, the limit is {}; a lower \
             --threshold or --freeze-on-smi tells",
            percent(low),
            percent(high),
            percent(limit)
        );
        reasons.inconclusive(Rule::SmiTime, text);
    }
}
