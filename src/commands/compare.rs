//! `hwgap compare`: runs before a change against runs after it.

use std::io::{self, Write};

use crate::cli::{CompareArgs, CompareFormatArg};
use crate::compare::model::{Comparison, Finding};
use crate::compare::{Naming, Question, compare, load};
use crate::files::identity::{Named, distinct};
use crate::files::output::PendingFile;
use crate::render::comparison;
use crate::render::style::Style;
use crate::text::json;

use super::{Exit, Failure, deliver};

pub(super) fn run(args: &CompareArgs) -> Result<Exit, Failure> {
    let question = Question {
        level: args.level,
        margin: args.margin,
        naming: match args.redact {
            true => Naming::Redacted,
            false => Naming::Full,
        },
    };
    let before = Named::all("a file of --before", &args.before);
    let after = Named::all("a file of --after", &args.after);
    let inputs: Vec<Named<'_>> = before.chain(after).collect();
    let outputs: Vec<Named<'_>> = Named::all("--output", &args.output).collect();
    distinct(&inputs, &outputs).map_err(Failure::usage)?;
    let (before, after) = load(&args.before, &args.after).map_err(Failure::usage)?;
    let output = args.output.as_ref().map(PendingFile::create).transpose();
    let output = output.map_err(Failure::usage)?;
    let comparison = compare(&before, &after, &question);
    deliver(output, args.look.look(), |style, out| {
        write(&comparison, args, style, out)
    })?;
    Ok(exit(comparison.verdict.result))
}

fn exit(finding: Finding) -> Exit {
    match finding {
        Finding::Better | Finding::NoDifference | Finding::NotWorse => Exit::Good,
        Finding::Worse | Finding::Mixed => Exit::Latency,
        Finding::NotEnoughData => Exit::NoVerdict,
    }
}

fn write(
    comparison: &Comparison,
    args: &CompareArgs,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = match args.format {
        CompareFormatArg::Text => comparison::text(comparison, style, args.look.look().extent),
        CompareFormatArg::Markdown => comparison::markdown(comparison),
        CompareFormatArg::Html => comparison::page(comparison),
        CompareFormatArg::Json => return json::write(comparison, out),
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}
