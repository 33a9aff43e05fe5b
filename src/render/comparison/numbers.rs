//! The sentences on figures that are not in the table of rates.

use crate::compare::model::{Comparison, RateRow};
use crate::render::comparison::cells;
use crate::text::human;

/// How the stalls scatter, and what follows.
pub(super) fn scatter(row: &RateRow) -> Option<String> {
    let factor = human::three_digits(row.dispersion);
    let text = match row.scatter {
        "bursty" => format!(
            "Stalls come in bursts: the dispersion of their count is {factor} times that of \
             random ones. Intervals and p-values allow for it."
        ),
        "regular" => format!(
            "Stalls come at even intervals: the dispersion of their count is {factor} times \
             that of random ones. Intervals and p-values make use of it."
        ),
        "runs-differ" => format!(
            "Runs of one side differ more than their stalls do within a run, by a factor of \
             {factor}. Intervals and p-values go by the runs."
        ),
        _ => return None,
    };
    Some(text)
}

/// Lengths, time lost, the worst case: one paragraph each.
pub(super) fn paragraphs(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let level = human::chosen_percent(comparison.level);
    let lengths = match &comparison.lengths {
        None => "Too few stalls on a side to compare their lengths.".to_owned(),
        Some(row) => {
            let interval = match (row.shift_low_ns, row.shift_high_ns) {
                (Some(low), Some(high)) => format!(
                    "{level} % interval {} to {}",
                    cells::signed(low),
                    cells::signed(high)
                ),
                _ => "too few for an interval".to_owned(),
            };
            format!(
                "Median {} before, {} after; shift {} ({interval}); p-value {}.",
                human::length(row.median_before_ns),
                human::length(row.median_after_ns),
                cells::signed(row.shift_ns),
                cells::chance(Some(row.p_corrected))
            )
        }
    };
    let lost = &comparison.lost;
    let interval = match (lost.low_ns_per_hour, lost.high_ns_per_hour) {
        (Some(low), Some(high)) => format!(
            "; difference {} ({level} % interval {} to {}, approximate)",
            cells::signed_amount(lost.difference_ns_per_hour.unwrap_or(0.0)),
            cells::signed_amount(low),
            cells::signed_amount(high)
        ),
        _ => String::new(),
    };
    let lost = format!(
        "{} in each covered hour before, {} after{interval}.",
        cells::amount(lost.before_ns_per_hour),
        cells::amount(lost.after_ns_per_hour)
    );
    let worst = &comparison.worst;
    let mut longest = worst.text.clone();
    if let Some(chance) = worst.chance.filter(|_| worst.longest_on_one_side > 1) {
        longest.push_str(&format!(
            " The {} longest of all fell on one side; if both sides were alike, the p-value of \
             that is {}.",
            human::grouped(worst.longest_on_one_side),
            cells::chance(Some(chance))
        ));
    }
    vec![
        ("Lengths", lengths),
        ("Time lost", lost),
        ("Worst case", longest),
    ]
}

/// Field, value before, value after.
pub(super) fn changed(comparison: &Comparison) -> Vec<[String; 3]> {
    let joined = |values: &[String]| match values {
        [] => "-".to_owned(),
        values => values.join(", "),
    };
    (comparison.changes.iter())
        .map(|change| {
            [
                change.field.clone(),
                joined(&change.before),
                joined(&change.after),
            ]
        })
        .collect()
}

/// What the table of changes says of the setting under test.
pub(super) fn changes(comparison: &Comparison) -> &'static str {
    match comparison.changes.len() {
        0 => {
            "Nothing in the reports differs between the sides. Settings that firmware keeps to \
             itself do not show here; make sure that the one under test was changed."
        }
        1 => "This is the only difference between the sides that the reports show.",
        _ => {
            "More than one thing differs between the sides: a difference in stalls may be the \
             doing of any of them. A new BIOS often brings a new date and microcode, too."
        }
    }
}

/// How long to go on measuring.
pub(super) fn hours(comparison: &Comparison) -> Option<String> {
    let hours = comparison.verdict.hours_needed.as_ref()?;
    let more = |more: f64| human::period(more);
    Some(format!(
        "To settle it, {} covered on each side: {} more before and {} more after, supposing {}.",
        human::period(hours.each_side),
        more(hours.more_before),
        more(hours.more_after),
        hours.assumption
    ))
}

/// What was found beside the headline.
pub(super) fn reasons(comparison: &Comparison) -> Vec<&str> {
    let verdict = &comparison.verdict;
    let other = verdict
        .reasons
        .iter()
        .filter(|reason| **reason != verdict.text);
    other.map(String::as_str).collect()
}

/// What the column of chances means, and what cannot be seen.
pub(super) fn how_to_read(comparison: &Comparison) -> Vec<String> {
    let risk = human::chosen_percent(1.0 - comparison.level);
    vec![
        format!(
            "p-value: how often sides that are alike would differ as much, corrected for all \
             comparisons made here ({}). A finding needs {risk} % or less.",
            comparison.correction
        ),
        "p-value -: not tested: too few events, a repeat of the row above, or evidence that \
         differs. The JSON says which."
            .to_owned(),
        "Bursts that outlast a sixteenth of a side, and changes of the machine between its \
         runs, show only as runs that differ. A single run a side cannot show them."
            .to_owned(),
    ]
}

pub(super) fn hashes(comparison: &Comparison) -> Vec<[String; 2]> {
    let runs = comparison.before.runs.iter().chain(&comparison.after.runs);
    runs.map(|run| [run.file.clone(), run.sha256.clone()])
        .collect()
}

pub(super) fn made_by(comparison: &Comparison) -> String {
    let tool = &comparison.tool;
    format!(
        "p-values are corrected for all comparisons: {}. Compared by {} {}, schema version {}.",
        comparison.correction, tool.name, tool.version, comparison.schema_version
    )
}
