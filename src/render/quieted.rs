//! What a run would change of the host: a dry run.

use std::io::{self, Write};

use crate::quiet::{Record, Result};
use crate::render::table::{Align, Table};

/// Writes what a run would change, a line each.
pub fn write_plan(records: &[Record], mut out: impl Write) -> io::Result<()> {
    let mut table = Table::new(&[
        ("step", Align::Left),
        ("setting", Align::Left),
        ("now", Align::Left),
        ("for the run", Align::Left),
    ]);
    let mut changes = 0;
    for record in records {
        let during = match (&record.result, &record.new) {
            (Result::Changed { .. }, Some(new)) => {
                changes += 1;
                new.clone()
            }
            (Result::Changed { .. }, None) => String::new(),
            (Result::Already, _) => String::from("as it is"),
            (Result::Refused(reason) | Result::Skipped(reason), _) => {
                format!("left alone: {reason}")
            }
        };
        table.row(vec![
            record.step.to_string(),
            record.setting.clone(),
            record.old.clone().unwrap_or_else(|| String::from("-")),
            during,
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "{changes} setting(s) would be changed for the run and put back after it. Nothing was \
         changed."
    )
}
