//! `hwgap report`: shows or converts a saved report.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::{ReportArgs, ReportFormatArg};
use crate::files::identity::{Named, distinct};
use crate::files::output::PendingFile;
use crate::judgement::reattribute::reattribute;
use crate::model::{Gap, Report};
use crate::read::host as read_host;
use crate::read::redact::redact;
use crate::read::saved as read;
use crate::render::markdown::{self, Limit};
use crate::render::style::Style;
use crate::render::{
    Changes, Origin, csv, histogram, host, html, openmetrics, perfetto, terminal as text,
};
use crate::text::json;

use super::{Exit, Failure};

pub(super) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let input: Vec<Named<'_>> = Named::all("the report", [&args.file]).collect();
    let outputs: Vec<Named<'_>> = Named::all("--output", &args.output).collect();
    distinct(&input, &outputs).map_err(Failure::usage)?;
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    // Opened first, so that a name that cannot be written is told at once.
    let output = PendingFile::create(output).map_err(Failure::usage)?;
    let read = match read::hashed::<Vec<Gap>>(&args.file) {
        Ok(read) => read,
        Err(error) if error.is_of_host() => return of_host(args, output),
        Err(error) => return Err(Failure::usage(error)),
    };
    let mut report = read.report;
    let mut origin = Origin {
        sha256: read.sha256,
        changes: Changes::None,
    };
    if args.reattribute {
        report = reattribute(report);
    }
    if args.redact {
        report = redact(report);
        origin.changes = Changes::Redacted;
    }
    match output.save(|out| write(args, &report, &origin, out)) {
        Err(error) if !error.is_closed() => Err(Failure::usage(error)),
        _ => Ok(Exit::Good),
    }
}

/// The same of what `hwgap host` saved.
fn of_host(args: &ReportArgs, output: PendingFile) -> Result<Exit, Failure> {
    let report = read_host::file(&args.file).map_err(Failure::usage)?;
    let text = match args.format {
        ReportFormatArg::Text => host::text(&report, style(args), args.look.look().extent),
        ReportFormatArg::Markdown => host::markdown(&report, args.limit as usize),
        ReportFormatArg::Html => host::page(&report),
        ReportFormatArg::Json => String::new(),
        _ => {
            return Err(Failure::usage(
                "--format: what hwgap host saved can be shown as text, json, markdown or html",
            ));
        }
    };
    if args.redact || args.reattribute {
        return Err(Failure::usage(
            "--redact and --reattribute are for reports of hwgap run, not of hwgap host",
        ));
    }
    let saved = output.save(|out| match args.format {
        ReportFormatArg::Json => json::write(&report, out),
        _ => out.write_all(text.as_bytes()),
    });
    match saved {
        Err(error) if !error.is_closed() => Err(Failure::usage(error)),
        _ => Ok(Exit::Good),
    }
}

fn write(
    args: &ReportArgs,
    report: &Report,
    origin: &Origin,
    out: &mut dyn Write,
) -> io::Result<()> {
    let gaps = &report.gaps;
    match args.format {
        ReportFormatArg::Text => {
            let extent = args.look.look().extent;
            text::write(&report.without_gaps(), gaps, style(args), extent, out)
        }
        ReportFormatArg::Json => json::write(report, out),
        ReportFormatArg::Csv => csv::write(gaps, report.run.engine, out),
        ReportFormatArg::Markdown => {
            let limit = Limit(args.limit as usize);
            markdown::write(&report.without_gaps(), gaps, origin, limit, out)
        }
        ReportFormatArg::Perfetto => perfetto::write(report, out),
        ReportFormatArg::Histogram => histogram::write_cyclictest(report, out),
        ReportFormatArg::Hdrhistogram => histogram::write_hdr_log(report, out),
        ReportFormatArg::Jsonl => json::write_lines(gaps, out),
        ReportFormatArg::Openmetrics => openmetrics::write_run(report, out),
        ReportFormatArg::Html => html::write(&report.without_gaps(), gaps, origin, out),
    }
}

fn style(args: &ReportArgs) -> Style {
    match args.output {
        Some(_) => args.look.look().in_file(),
        None => args.look.look().on_stdout(),
    }
}
