//! How it was measured. What falls short shows nothing against the machine, so
//! it makes a host inconclusive.

use crate::policy::rule::Rule;
use crate::policy::rules::{Measurement, WantedCpus};
use crate::read::brief::Brief;
use crate::text::human::{chosen, length, percent, period};

use super::Reasons;

pub(super) fn judge(asked: &Measurement, run: &Brief, reasons: &mut Reasons) {
    // What a policy says of the time that is enough holds in place of what was
    // asked of the run.
    if asked.duration.is_none()
        && asked.covered.is_none()
        && let Some(why) = run.run.cut_short()
    {
        reasons.inconclusive(Rule::Complete, why);
    }
    if let Some(least) = asked.duration.filter(|least| run.run.elapsed_ns < *least) {
        let text = format!(
            "ran for {}; at least {} are asked for",
            length(run.run.elapsed_ns),
            chosen(least)
        );
        reasons.inconclusive(Rule::Duration, text);
    }
    let covered = run.covered_hours();
    if let Some(least) = asked.covered.filter(|least| covered < least.as_hours_f64()) {
        let text = format!(
            "covered {}; at least {} are asked for",
            period(covered),
            chosen(least)
        );
        reasons.inconclusive(Rule::Covered, text);
    }
    let share = run.cpus.least_coverage;
    if let Some(least) = asked.coverage.filter(|least| share < *least) {
        let text = format!(
            "the least covered CPU was covered for {} of the time; at least {} are asked for",
            percent(share),
            percent(least)
        );
        reasons.inconclusive(Rule::Coverage, text);
    }
    let threshold = run.run.threshold_ns;
    if let Some(most) = asked.threshold.filter(|most| threshold > *most) {
        let text = format!(
            "recorded gaps above {}; a threshold of {} or less is asked for",
            chosen(threshold),
            chosen(most)
        );
        reasons.inconclusive(Rule::Threshold, text);
    }
    if let Some(wanted) = &asked.cpus {
        cpus(wanted, run, reasons);
    }
    if let Some(engines) = &asked.engines
        && !engines.contains(&run.run.engine)
    {
        let names: Vec<&str> = engines.iter().map(|engine| engine.name()).collect();
        let text = format!(
            "sampled by the engine {}; asked for is {}",
            run.run.engine.name(),
            names.join(" or ")
        );
        reasons.inconclusive(Rule::Engines, text);
    }
}

fn cpus(wanted: &WantedCpus, run: &Brief, reasons: &mut Reasons) {
    let missing = match wanted {
        WantedCpus::All => run.run.cpus_not_sampled.to_string(),
        WantedCpus::List(list) => list.without(&run.cpus.list).to_string(),
    };
    if !missing.is_empty() {
        reasons.inconclusive(Rule::Cpus, format!("CPUs {missing} were not sampled"));
    }
}
