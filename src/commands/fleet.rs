//! `hwgap fleet`: many reports, one policy.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::{FleetArgs, FleetFormatArg};
use crate::files::identity::{Clash, Named, distinct, inside};
use crate::files::output::PendingFile;
use crate::fleet::expected::Expected;
use crate::fleet::export::{Exported, export};
use crate::fleet::gather::gather;
use crate::fleet::model::FleetReport;
use crate::fleet::read::is_called_like_report;
use crate::fleet::{Question, assess};
use crate::policy::Policy;
use crate::render::fleet::{csv, junit, page, text};
use crate::render::openmetrics;
use crate::render::style::Style;
use crate::text::human::counted;
use crate::text::{clean_text, json};

use super::{Exit, Failure, deliver, printed};

pub(super) fn fleet(args: &FleetArgs) -> Result<Exit, Failure> {
    let policy = args.policy.as_deref().map(Policy::read).transpose();
    let policy = policy.map_err(Failure::usage)?;
    let expected = expected(args)?;
    if let Some(missing) = args.inputs.iter().find(|path| is_missing(path)) {
        return Err(Failure::Usage(format!(
            "{missing:?}: there is no such file or folder"
        )));
    }
    keep_inputs(args)?;
    let today = || Timestamp::now().to_zoned_datetime(TimeZone::UTC).date();
    let today = args.as_of.unwrap_or_else(today);
    if let Some(folder) = &args.export {
        return export_to(folder, args, policy.as_ref(), today);
    }
    let output = args.output.as_ref().map(PendingFile::create).transpose();
    let output = output.map_err(Failure::usage)?;
    let bar = progress(args);
    let none = Policy::default();
    let judge = policy.as_ref().unwrap_or(&none);
    let gathered = gather(&args.inputs, judge, today, || bar.inc(1));
    bar.finish_and_clear();
    let file = args
        .policy
        .as_deref()
        .map(|path| clean_text(&path.to_string_lossy()));
    let question = Question {
        policy: file.as_deref().zip(policy.as_ref()),
        as_of: today.to_string(),
        expected: expected.as_ref(),
    };
    let report = assess(gathered, &question);
    deliver(output, args.look.look(), |style, out| {
        write(&report, args, style, out)
    })?;
    Ok(report.verdict.result.into())
}

/// Tables for a database, and how many runs they hold. The exit status is that
/// of the runs: which of them count for a host is asked of the tables.
fn export_to(
    folder: &Path,
    args: &FleetArgs,
    policy: Option<&Policy>,
    today: Date,
) -> Result<Exit, Failure> {
    let bar = progress(args);
    let none = Policy::default();
    let judge = policy.unwrap_or(&none);
    let exported = export(&args.inputs, judge, today, folder, || bar.inc(1));
    bar.finish_and_clear();
    let exported = exported.map_err(|error| Failure::Usage(format!("{folder:?}: {error}")))?;
    let Exported {
        pass,
        fail,
        inconclusive,
        set_aside,
    } = exported;
    let said = writeln!(
        io::stdout(),
        "{}: {pass} pass, {fail} fail, {inconclusive} are inconclusive; {} set aside",
        counted(pass + fail + inconclusive, "run"),
        counted(set_aside, "document")
    );
    printed(said)?;
    Ok(if fail > 0 {
        Exit::Latency
    } else if inconclusive + set_aside > 0 || pass == 0 {
        Exit::NoVerdict
    } else {
        Exit::Good
    })
}

/// Refuses what would overwrite an input, or be read as one the next time.
fn keep_inputs(args: &FleetArgs) -> Result<(), Failure> {
    let reports: Vec<Named<'_>> = Named::all("an input", &args.inputs).collect();
    let policy = Named::all("--policy", &args.policy);
    let expected = Named::all("--expect", &args.expect);
    let inputs: Vec<Named<'_>> = reports
        .iter()
        .copied()
        .chain(policy)
        .chain(expected)
        .collect();
    let outputs: Vec<Named<'_>> = Named::all("--output", &args.output).collect();
    distinct(&inputs, &outputs).map_err(Failure::usage)?;
    let output = args
        .output
        .as_deref()
        .filter(|path| is_called_like_report(path));
    // The files of an export are called so, also in a folder that is still to
    // be made.
    let export = args.export.as_deref();
    let below = export.map(|folder| folder.join("runs.jsonl"));
    for (option, path) in [
        ("--output", output),
        ("--export", export),
        ("--export", below.as_deref()),
    ] {
        if let Some(folder) = path.and_then(|path| inside(path, &reports)) {
            return Err(Failure::usage(Clash::Inside {
                output: option.to_owned(),
                input: format!("{:?}", folder.path),
            }));
        }
    }
    Ok(())
}

fn is_missing(path: &std::path::Path) -> bool {
    path.as_os_str() != "-" && !path.exists()
}

fn expected(args: &FleetArgs) -> Result<Option<Expected>, Failure> {
    let Some(path) = &args.expect else {
        return Ok(None);
    };
    let read = Expected::read(path);
    let named = |error| Failure::Usage(format!("--expect {path:?}: cannot be read: {error}"));
    read.map(Some).map_err(named)
}

/// A count, as how many there will be is not known.
fn progress(args: &FleetArgs) -> ProgressBar {
    if args.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{human_pos} reports read ({per_sec})");
    let bar = ProgressBar::new_spinner();
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn write(
    report: &FleetReport,
    args: &FleetArgs,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match args.format {
        FleetFormatArg::Text => {
            out.write_all(text(report, style, args.look.look().extent).as_bytes())?
        }
        FleetFormatArg::Json => json::write(report, &mut *out)?,
        FleetFormatArg::Csv => csv::write(report, out)?,
        FleetFormatArg::Html => out.write_all(page(report, &folder(args)).as_bytes())?,
        FleetFormatArg::Junit => junit::write(report, out)?,
        FleetFormatArg::Openmetrics => openmetrics::write_fleet(report, out)?,
    }
    out.flush()
}

/// Where the page will be, which its links are relative to.
fn folder(args: &FleetArgs) -> PathBuf {
    let folder = args.output.as_deref().and_then(Path::parent);
    match folder.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => folder.to_owned(),
        None => PathBuf::from("."),
    }
}
