//! `hwgap report`: shows or converts a saved report, whoever wrote it.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::{ReportArgs, ReportFormatArg};
use crate::files::identity::{Named, distinct};
use crate::files::output::PendingFile;
use crate::judgement::reattribute::reattribute;
use crate::model::{Gap, Report};
use crate::read::any::{self, Document};
use crate::read::redact;
use crate::read::saved::Hashed;
use crate::render::markdown::{self, Limit};
use crate::render::style::Style;
use crate::render::{
    Changes, Origin, csv, histogram, html, junit, openmetrics, perfetto, terminal as text,
};
use crate::text::json;

use super::{Exit, Failure, Form, explain, host};

pub(super) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let input: Vec<Named<'_>> = Named::all("the report", [&args.file]).collect();
    let outputs: Vec<Named<'_>> = Named::all("--output", &args.output).collect();
    distinct(&input, &outputs).map_err(Failure::usage)?;
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    // Opened first, so that a name that cannot be written is told at once.
    let output = PendingFile::create(output).map_err(Failure::usage)?;
    let document = any::file(&args.file).map_err(Failure::usage)?;
    let saved = match document {
        Document::Run(read) => {
            let (report, origin) = changed(args, *read);
            output.save(|out| write(args, &report, &origin, out))
        }
        Document::Host(report) => {
            let form = form(args, args.format.among())?;
            let report = match args.redact {
                true => redact::host(*report),
                false => *report,
            };
            output.save(|out| host::write(&report, &form, style(args), out))
        }
        Document::Explained(told) => {
            let form = form(args, args.format.among())?;
            let told = match args.redact {
                true => redact::explained(*told).0,
                false => *told,
            };
            output.save(|out| explain::write(&told, None, &form, style(args), out))
        }
    };
    match saved {
        Err(error) if !error.is_closed() => Err(Failure::usage(error)),
        _ => Ok(Exit::Good),
    }
}

/// The report of a run as it is asked for.
fn changed(args: &ReportArgs, read: Hashed<Vec<Gap>>) -> (Report, Origin) {
    let mut report = read.report;
    let mut origin = Origin {
        sha256: read.sha256,
        changes: Changes::None,
    };
    if args.reattribute {
        report = reattribute(report);
    }
    if args.redact {
        report = redact::redact(report);
        origin.changes = Changes::Redacted;
    }
    (report, origin)
}

/// The form of what is no run, in which no evidence can be judged anew.
fn form<F>(args: &ReportArgs, format: Result<F, String>) -> Result<Form<F>, Failure> {
    if args.reattribute {
        return Err(Failure::usage(
            "--reattribute is for reports of hwgap run; explain both reports again instead",
        ));
    }
    Ok(Form {
        format: format.map_err(Failure::Usage)?,
        extent: args.look.look().extent,
        limit: Limit(args.limit as usize),
    })
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
        ReportFormatArg::Junit => junit::write_run(report, out),
    }
}

fn style(args: &ReportArgs) -> Style {
    match args.output {
        Some(_) => args.look.look().in_file(),
        None => args.look.look().on_stdout(),
    }
}
