//! The absences of a host's vCPUs as CSV: one row each.

use std::io::{self, Write};

use super::absences::{largest, shares, utc};
use crate::model::absence::{Absence, Guest, HostReport, Vcpu};
use crate::render::csv::{by_cause, cause_columns, cell, known, of_output};

/// After them comes a column for what each cause took.
const COLUMNS: [&str; 17] = [
    "guest",
    "pid",
    "vcpu",
    "thread",
    "cpu",
    "entered_on",
    "start_cycles",
    "end_cycles",
    "start_utc",
    "duration_ns",
    "exit",
    "exit_about",
    "cause",
    "what",
    "parts",
    "smi_delta",
    "incomplete",
];

/// Writes a header and one row an absence.
pub fn write(report: &HostReport, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    let columns = COLUMNS.into_iter().map(str::to_owned);
    rows.write_record(columns.chain(cause_columns()))
        .map_err(of_output)?;
    for guest in &report.guests {
        for vcpu in &guest.vcpus {
            for absence in &vcpu.absences {
                rows.write_record(row(report, guest, vcpu, absence))
                    .map_err(of_output)?;
            }
        }
    }
    rows.flush()
}

fn row(report: &HostReport, guest: &Guest, vcpu: &Vcpu, absence: &Absence) -> Vec<String> {
    let exit = absence.exit.as_ref();
    let largest = largest(absence);
    let parts = shares(absence)
        .into_iter()
        .map(|(cause, what, length)| format!("{}: {} ns", cause.named(what), length.0));
    let mut cells = vec![
        cell(&guest.name).into_owned(),
        guest.pid.to_string(),
        vcpu.index.to_string(),
        vcpu.tid.to_string(),
        absence.cpu.to_string(),
        known(absence.entered_on),
        absence.start_cycles.0.to_string(),
        absence.end_cycles.0.to_string(),
        utc(report, absence.start_cycles),
        absence.duration_ns.0.to_string(),
        known(exit.map(|exit| cell(&exit.reason))),
        known(exit.and_then(|exit| exit.about.as_deref()).map(cell)),
        known(largest.map(|(cause, _)| cause.name())),
        known(largest.map(|(_, what)| cell(what))),
        cell(&parts.collect::<Vec<_>>().join("; ")).into_owned(),
        known(absence.smi_delta),
        absence.incomplete.to_string(),
    ];
    let lengths = absence.parts.iter();
    cells.extend(by_cause(lengths.map(|part| (part.cause, part.length_ns))));
    cells
}
