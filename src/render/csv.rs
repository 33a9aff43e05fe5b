//! The gaps as CSV: one row each, empty where the report has `null`.

use std::borrow::{Borrow, Cow};
use std::io::{self, Write};

use serde::Serialize;

use crate::model::absence::HostCause;
use crate::model::{Cause, Confidence, EngineName, Footprint, Gap, SmiEvidence};
use crate::text::clean;
use crate::units::Nanos;

/// The columns: the fields of a gap in the report, its raw evidence, and the
/// engine that saw it.
pub const COLUMNS: [&str; 26] = [
    "cpu",
    "start_cycles",
    "end_cycles",
    "start_utc",
    "duration_ns",
    "cause",
    "confidence",
    "smi_delta",
    "kernel_ran",
    "os_ns",
    "residual_ns",
    "detail",
    "raw_footprint",
    "raw_smi",
    "raw_smi_delta",
    "raw_smi_among",
    "raw_involuntary_switches",
    "raw_page_faults",
    "raw_run_delay_ns",
    "raw_ring_zero_instructions",
    "raw_smm_ns",
    "engine",
    "platform_ns",
    "platform_confidence",
    "unknown_ns",
    "unknown_reason",
];

/// Writes a header and one row a gap; nothing but a buffer is held. `engine` is
/// the run's: it saw the gaps that name none.
pub fn write<I>(gaps: I, engine: EngineName, out: impl Write) -> io::Result<()>
where
    I: IntoIterator,
    I::Item: Borrow<Gap>,
{
    // The header is written here, as the crate would leave it out of a file
    // without gaps.
    let mut rows = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(out);
    rows.write_record(COLUMNS).map_err(of_output)?;
    for gap in gaps {
        rows.serialize(Row::of(gap.borrow(), engine))
            .map_err(of_output)?;
    }
    rows.flush()
}

pub fn header() -> Vec<u8> {
    let mut line = Vec::new();
    write(std::iter::empty::<Gap>(), EngineName::User, &mut line)
        .expect("memory takes all that is written");
    line
}

/// Adds the row of one gap that `engine` saw, as a whole line.
pub fn append(gap: &Gap, engine: EngineName, lines: &mut Vec<u8>) -> io::Result<()> {
    let mut rows = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(lines);
    rows.serialize(Row::of(gap, engine)).map_err(of_output)?;
    rows.flush()
}

/// The error of the output itself, of which the kind matters: whoever closes a
/// pipe has read enough.
pub(in crate::render) fn of_output(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// One row, in the order of [`COLUMNS`].
#[derive(Serialize)]
struct Row<'a> {
    cpu: u32,
    start_cycles: u64,
    end_cycles: u64,
    start_utc: Cow<'a, str>,
    duration_ns: u64,
    cause: Cause,
    confidence: Confidence,
    smi_delta: Option<u32>,
    kernel_ran: Option<bool>,
    os_ns: u64,
    residual_ns: u64,
    detail: Cow<'a, str>,
    raw_footprint: Footprint,
    raw_smi: &'static str,
    raw_smi_delta: Option<u32>,
    raw_smi_among: Option<u32>,
    raw_involuntary_switches: Option<u16>,
    raw_page_faults: Option<u16>,
    raw_run_delay_ns: Option<u64>,
    raw_ring_zero_instructions: Option<u32>,
    raw_smm_ns: Option<u64>,
    engine: &'static str,
    platform_ns: u64,
    platform_confidence: Confidence,
    unknown_ns: u64,
    unknown_reason: Option<Cow<'a, str>>,
}

impl<'a> Row<'a> {
    fn of(gap: &'a Gap, engine: EngineName) -> Row<'a> {
        let (raw_smi, raw_smi_delta, raw_smi_among) = match gap.raw.smi {
            SmiEvidence::Unreadable => ("unreadable", None, None),
            SmiEvidence::NotRead => ("not-read", None, None),
            SmiEvidence::Own { delta } => ("own", Some(delta), None),
            SmiEvidence::Shared { delta, among } => ("shared", Some(delta), Some(among)),
            SmiEvidence::Alone { delta } => ("alone", Some(delta), None),
        };
        Row {
            cpu: gap.cpu.0,
            start_cycles: gap.start_cycles.0,
            end_cycles: gap.end_cycles.0,
            start_utc: cell(&gap.start_utc),
            duration_ns: gap.duration_ns.0,
            cause: gap.cause,
            confidence: gap.confidence,
            smi_delta: gap.smi_delta,
            kernel_ran: gap.kernel_ran,
            os_ns: gap.os_ns.0,
            residual_ns: gap.residual_ns.0,
            detail: cell(&gap.detail),
            raw_footprint: gap.raw.footprint,
            raw_smi,
            raw_smi_delta,
            raw_smi_among,
            raw_involuntary_switches: gap.raw.involuntary_switches,
            raw_page_faults: gap.raw.page_faults,
            raw_run_delay_ns: gap.raw.run_delay_ns.map(|ns| ns.0),
            raw_ring_zero_instructions: gap.raw.ring_zero.map(|counted| counted.instructions),
            raw_smm_ns: gap.raw.smm_ns.map(|ns| ns.0),
            engine: gap.engine.unwrap_or(engine).name(),
            platform_ns: gap.platform_ns.0,
            platform_confidence: gap.platform_confidence,
            unknown_ns: gap.unknown_ns.0,
            unknown_reason: gap.unknown_reason.as_deref().map(cell),
        }
    }
}

/// The columns that hold what each cause took.
pub(in crate::render) fn cause_columns() -> impl Iterator<Item = String> {
    HostCause::ALL
        .into_iter()
        .map(|cause| format!("{}_ns", cause.name().replace('-', "_")))
}

/// Their cells.
pub(in crate::render) fn by_cause(
    parts: impl Iterator<Item = (HostCause, Nanos)> + Clone,
) -> impl Iterator<Item = String> {
    HostCause::ALL.into_iter().map(move |cause| {
        let own = parts.clone().filter(|(of, _)| *of == cause);
        let sum = own.fold(Nanos(0), |sum, (_, length)| sum.saturating_add(length));
        sum.0.to_string()
    })
}

/// What is not known is an empty cell.
pub(in crate::render) fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A text that a spreadsheet shows and does not compute. A leading apostrophe
/// is the remedy of OWASP's page "CSV Injection".
pub(in crate::render) fn cell(text: &str) -> Cow<'_, str> {
    let text = clean::without_controls(text);
    if text.starts_with(['=', '+', '-', '@']) {
        return Cow::Owned(format!("'{text}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(cell("\t=1+1"), "?=1+1");
        assert_eq!(cell("1 SMI - counted"), "1 SMI - counted");
    }
}
