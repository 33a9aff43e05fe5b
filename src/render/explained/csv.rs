//! The gaps of an explanation as CSV: one row each.

use std::io::{self, Write};

use crate::model::absence::HostCause;
use crate::model::explained::{ExplainedGap, ExplainedPart, Explanation};
use crate::render::csv::{by_cause, cause_columns, cell, known, of_output};

/// After them comes a column for what each cause took of `below_ns`.
const COLUMNS: [&str; 14] = [
    "cpu",
    "host",
    "start_cycles",
    "start_utc",
    "duration_ns",
    "guest_os_ns",
    "below_ns",
    "cause",
    "what",
    "confidence",
    "parts",
    "os_parts",
    "unexplained_ns",
    "not_observed_reason",
];

/// Writes a header and one row a gap.
pub fn write(told: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    let columns = COLUMNS.into_iter().map(str::to_owned);
    rows.write_record(columns.chain(cause_columns()))
        .map_err(of_output)?;
    for gap in &told.gaps {
        rows.write_record(row(gap)).map_err(of_output)?;
    }
    rows.flush()
}

fn row(gap: &ExplainedGap) -> Vec<String> {
    let mut unobserved = gap.parts.iter();
    let unobserved = unobserved.find(|part| part.cause == HostCause::NotObserved);
    let mut cells = vec![
        gap.cpu.to_string(),
        known(gap.host),
        gap.start_cycles.0.to_string(),
        cell(&gap.start_utc).into_owned(),
        gap.duration_ns.0.to_string(),
        gap.guest_os_ns.0.to_string(),
        gap.below_ns.0.to_string(),
        gap.cause.name().to_owned(),
        cell(&gap.what).into_owned(),
        gap.confidence.name().to_owned(),
        parts(&gap.parts),
        parts(&gap.os_parts),
        gap.unexplained_ns.0.to_string(),
        known(unobserved.map(|part| cell(&part.what))),
    ];
    let lengths = gap.parts.iter().map(|part| (part.cause, part.length_ns));
    cells.extend(by_cause(lengths));
    cells
}

/// `host-task rt (7): 5000 ns (proved); vm-exit intr: 900 ns (proved)`.
fn parts(parts: &[ExplainedPart]) -> String {
    let each = parts.iter().map(|part| {
        let (who, sure) = (part.cause.named(&part.what), part.confidence.name());
        format!("{who}: {} ns ({sure})", part.length_ns.0)
    });
    cell(&each.collect::<Vec<_>>().join("; ")).into_owned()
}
