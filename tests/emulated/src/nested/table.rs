//! The table, in markdown.

use std::fmt::Write;

use super::judge::Verdict;
use crate::units::display;

/// Its head.
pub fn header() -> String {
    "| machine | planted | above 50 us | in no gap | gaps | its cause | another | left open | \
     planted | explained | largest difference | too far apart |\n\
     |---|---|---|---|---|---|---|---|---|---|---|---|\n"
        .into()
}

/// Its rows for one machine.
pub fn rows(machine: &str, verdict: &Verdict) -> String {
    let mut rows = String::new();
    for (plant, kind) in &verdict.kinds {
        let _ = writeln!(
            rows,
            "| {machine} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            plant.name(),
            kind.planted,
            kind.in_no_gap,
            kind.gaps,
            kind.right,
            kind.wrong,
            kind.open,
            display(kind.planted_ns),
            display(kind.explained_ns),
            display(kind.apart_ns),
            kind.apart,
        );
    }
    let _ = writeln!(
        rows,
        "| {machine} | nothing | - | - | {} | - | - | - | - | - | - | - |",
        verdict.others
    );
    rows
}
