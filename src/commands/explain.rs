//! `hwgap explain`: a guest's run by its host's.

use std::io::{self, Write};

use crate::cli::{ExplainArgs, ExplainFormatArg};
use crate::explain::{self, Explained, Pictured, Question};
use crate::files::identity::{Named, distinct};
use crate::files::output::PendingFile;
use crate::model::explained::Explanation;
use crate::read::redact;
use crate::render::markdown::Limit;
use crate::render::style::Style;
use crate::render::{explained, junit, openmetrics};
use crate::text::json;

use super::{Exit, Failure, Form, deliver};

pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let guest = Named::all("the guest's report", [&args.guest]);
    let hosts = Named::all("a file of --host", &args.host);
    let inputs: Vec<Named<'_>> = guest.chain(hosts).collect();
    let outputs: Vec<Named<'_>> = Named::all("--output", &args.output).collect();
    distinct(&inputs, &outputs).map_err(Failure::usage)?;
    let report = explain::guest(&args.guest).map_err(Failure::usage)?;
    let hosts = args.host.iter().map(|file| explain::host(file));
    let hosts: Vec<_> = hosts.collect::<Result<_, _>>().map_err(Failure::usage)?;
    let question = Question {
        guest: args.name.clone(),
        offset: args.offset.map(|offset| offset as u64),
    };
    let mut explained = explain::explain(&report, &hosts, &question).map_err(Failure::usage)?;
    if args.redact {
        explained = redacted(explained);
    }
    let output = args.output.as_ref().map(PendingFile::create).transpose();
    let output = output.map_err(Failure::usage)?;
    let form = Form {
        format: args.format,
        extent: args.look.look().extent,
        limit: Limit::TICKET,
    };
    let (told, pictured) = (&explained.explanation, &explained.pictured);
    deliver(output, args.look.look(), |style, out| {
        write(told, Some(pictured), &form, style, out)
    })?;
    Ok(told.verdict.result.into())
}

/// The same without names, in the pictures as well.
fn redacted(explained: Explained) -> Explained {
    let (explanation, aliases) = redact::explained(explained.explanation);
    let mut pictured = explained.pictured;
    for pair in &mut pictured.worst {
        for text in [&mut pair.name, &mut pair.words] {
            *text = aliases.in_text(text);
        }
    }
    Explained {
        explanation,
        pictured,
    }
}

/// Writes an explanation; pictures take both reports.
pub(super) fn write(
    told: &Explanation,
    pictured: Option<&Pictured>,
    form: &Form<ExplainFormatArg>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = match form.format {
        ExplainFormatArg::Text => explained::text(told, style, form.extent),
        ExplainFormatArg::Markdown => explained::markdown(told, form.limit),
        ExplainFormatArg::Html => explained::page(told, pictured),
        ExplainFormatArg::Json => return json::write(told, out),
        ExplainFormatArg::Csv => return explained::csv::write(told, out),
        ExplainFormatArg::Junit => return junit::write_explained(told, out),
        ExplainFormatArg::Openmetrics => return openmetrics::write_explained(told, out),
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}
