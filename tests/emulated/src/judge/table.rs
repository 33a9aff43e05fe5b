//! The suite's table, one row a scenario, in markdown.

use super::Outcome;
use crate::units::display;

const HEADER: &str = "\
| scenario | SMIs | to find | found | between shots | blind | length error | share error | share unknown | cause and length | in kernel | in tasks | misclassed | invented | other gaps | explained | counted | result |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// The table's header.
pub fn header() -> &'static str {
    HEADER
}

/// One outcome's row.
pub fn row(outcome: &Outcome) -> String {
    let error = |value: Option<u64>| value.map_or_else(|| "-".into(), display);
    let counted = outcome
        .counted
        .map_or_else(|| "-".into(), |count| count.to_string());
    let told = outcome
        .told
        .map_or_else(|| "-".into(), |(some, all)| format!("{some}/{all}"));
    let explained = outcome
        .explained
        .map_or_else(|| "-".into(), |(some, all)| format!("{some}/{all}"));
    let result = if outcome.failures.is_empty() {
        "passed"
    } else {
        "FAILED"
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {told} | {} | {} | {} | {} | {} | {explained} | {counted} | {result} |",
        outcome.scenario,
        outcome.smis,
        outcome.expected,
        outcome.found,
        outcome.between,
        outcome.blind,
        error(outcome.length_error),
        error(outcome.share_error),
        outcome.unknown_shares,
        outcome.in_kernel,
        outcome.in_tasks,
        outcome.misclassed,
        outcome.invented,
        outcome.other_gaps,
    )
}
