//! `hwgap explain`: a guest's run by its host's.

use std::io::{self, Write};

use crate::cli::{ExplainArgs, ExplainFormatArg};
use crate::explain::{self, Explained, Question};
use crate::files::identity::{Named, distinct};
use crate::files::output::PendingFile;
use crate::render::explained;
use crate::render::style::Style;
use crate::text::json;

use super::{Exit, Failure, deliver};

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
    let explained = explain::explain(&report, &hosts, &question).map_err(Failure::usage)?;
    let output = args.output.as_ref().map(PendingFile::create).transpose();
    let output = output.map_err(Failure::usage)?;
    deliver(output, args.look.look(), |style, out| {
        write(&explained, args, style, out)
    })?;
    Ok(explained.explanation.verdict.result.into())
}

fn write(
    explained: &Explained,
    args: &ExplainArgs,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let told = &explained.explanation;
    let text = match args.format {
        ExplainFormatArg::Text => explained::text(told, style, args.look.look().extent),
        ExplainFormatArg::Markdown => explained::markdown(told),
        ExplainFormatArg::Html => explained::page(explained),
        ExplainFormatArg::Json => return json::write(told, out),
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}
