//! Settings of the host that a run changed: for the report, and for a dry run.

use std::io::{self, Write};

use crate::changes::PutBack;
use crate::quiet::{Record, Result};

use super::model::{PutBackResult, QuietHost, QuietResult, QuietSetting};
use super::table::{Align, Table};

/// The settings as the report has them.
pub fn report(records: &[Record]) -> QuietHost {
    QuietHost {
        settings: records.iter().map(setting).collect(),
    }
}

fn setting(record: &Record) -> QuietSetting {
    let (result, reason, put_back) = match &record.result {
        Result::Changed { put_back, .. } => (QuietResult::Changed, None, put_back.as_ref()),
        Result::Already => (QuietResult::Unchanged, None, None),
        Result::Refused(reason) => (QuietResult::Refused, Some(reason.clone()), None),
        Result::Skipped(reason) => (QuietResult::Skipped, Some(reason.clone()), None),
    };
    let (put_back, put_back_reason) = match put_back {
        None => (None, None),
        Some(PutBack::Done) => (Some(PutBackResult::Done), None),
        Some(PutBack::Already) => (Some(PutBackResult::Already), None),
        Some(PutBack::Gone) => (Some(PutBackResult::Gone), None),
        Some(PutBack::Conflict(found) | PutBack::Accepted(found)) => {
            (Some(PutBackResult::Conflict), Some(found.clone()))
        }
        Some(PutBack::Failed(reason)) => (Some(PutBackResult::Failed), Some(reason.clone())),
    };
    QuietSetting {
        step: record.step.to_string(),
        setting: record.setting.clone(),
        before: record.old.clone(),
        during: record.new.clone(),
        result,
        reason,
        put_back,
        put_back_reason,
    }
}

/// Writes what a run would change, a line each.
///
/// # Errors
/// Those of the output.
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
