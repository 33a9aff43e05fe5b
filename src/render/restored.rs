//! What `hwgap restore` says: each setting with what became of it.

use std::io::{self, Write};

use crate::changes::{PutBack, Settled};
use crate::render::table::{Align, Table};

/// Whether the settings were put back or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Done,
    /// Nothing was changed.
    DryRun,
}

/// Writes the settings as a table, and a line on the whole. `unreadable` is
/// the number of lines of the journal that made no sense.
pub fn write(
    settled: &[Settled],
    unreadable: usize,
    mode: Mode,
    mut out: impl Write,
) -> io::Result<()> {
    let mut table = Table::new(&[
        ("setting", Align::Left),
        ("before the run", Align::Left),
        ("set by it", Align::Left),
        ("now", Align::Left),
    ]);
    for one in settled {
        let now = match (&one.put_back, mode) {
            (PutBack::Done, Mode::DryRun) => String::from("would be put back"),
            (put_back, _) => put_back.to_string(),
        };
        table.row(vec![
            one.change.what(),
            one.change.old(),
            one.change.new_value().unwrap_or_else(|| String::from("-")),
            now,
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    let open = (settled.iter())
        .filter(|one| !one.put_back.is_settled())
        .count();
    let total = settled.len();
    match (mode, open) {
        (Mode::DryRun, _) => writeln!(out, "{total} setting(s) looked at, nothing changed.")?,
        (Mode::Done, 0) => writeln!(out, "All {total} setting(s) are as before.")?,
        (Mode::Done, open) => writeln!(
            out,
            "{open} of {total} setting(s) are not as before. Values that somebody else has set: \
             --force overwrites them, --keep leaves them for good."
        )?,
    }
    if unreadable > 0 {
        writeln!(
            out,
            "{unreadable} line(s) of the journal make no sense; what they say was not followed."
        )?;
    }
    Ok(())
}
