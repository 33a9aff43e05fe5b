//! Hosts as CSV, a row each.

use std::io::{self, Write};

use crate::fleet::model::{FleetReport, HostRow};
use crate::fleet::names::Name;
use crate::render::csv::{cell, of_output};
use crate::render::policy::{sentence, word};

pub const COLUMNS: [&str; 22] = [
    "host",
    "result",
    "reasons",
    "vendor",
    "model",
    "bios",
    "cpu",
    "microcode",
    "kernel",
    "hypervisor",
    "started_utc",
    "platform_max_ns",
    "platform_stalls",
    "platform_rate_per_hour",
    "smi_per_hour",
    "covered_hours",
    "coverage",
    "runs",
    "reports",
    "cut_short",
    "hostname",
    "sha256",
];

/// Writes a header, a row for each host, and one for each missing host.
pub fn write(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(COLUMNS).map_err(of_output)?;
    for host in &report.hosts {
        rows.write_record(row(host)).map_err(of_output)?;
    }
    for name in &report.missing {
        let mut cells = vec![String::new(); COLUMNS.len()];
        cells[0] = cell(name).into_owned();
        cells[1] = "missing".to_owned();
        rows.write_record(cells).map_err(of_output)?;
    }
    rows.flush()
}

fn row(host: &HostRow) -> Vec<String> {
    let reasons: Vec<String> = host.reasons.iter().map(sentence).collect();
    let name = |name: &Option<Name>| cell(name.as_deref().unwrap_or_default()).into_owned();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let identity = &host.identity;
    vec![
        cell(&host.host).into_owned(),
        word(host.result).1.to_lowercase(),
        cell(&reasons.join("; ")).into_owned(),
        name(&identity.vendor),
        name(&identity.model),
        name(&identity.bios),
        name(&identity.cpu),
        name(&identity.microcode),
        name(&identity.kernel),
        name(&identity.hypervisor),
        cell(&host.started_utc).into_owned(),
        host.platform_max_ns.0.to_string(),
        host.platform_stalls.to_string(),
        number(host.platform_rate_per_hour),
        number(host.smi_per_hour),
        host.covered_hours.to_string(),
        host.coverage.to_string(),
        host.reports.len().to_string(),
        cell(&host.reports.join("; ")).into_owned(),
        cell(host.cut_short.as_deref().unwrap_or_default()).into_owned(),
        name(&host.hostname),
        host.sha256.join("; "),
    ]
}
