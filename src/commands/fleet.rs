//! `hwgap fleet`: many reports, one policy.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::{FleetArgs, FleetFormatArg};
use crate::fleet::expected::Expected;
use crate::fleet::gather::gather;
use crate::fleet::model::FleetReport;
use crate::fleet::{Question, assess};
use crate::policy::Policy;
use crate::report::clean_text;
use crate::report::files::PendingFile;
use crate::report::fleet::text;
use crate::report::json;
use crate::report::model::Outcome;
use crate::report::style::{Style, Target};

use super::{Exit, Failure};

pub(super) fn fleet(args: &FleetArgs) -> Result<Exit, Failure> {
    let policy = args.policy.as_deref().map(Policy::read).transpose();
    let policy = policy.map_err(Failure::usage)?;
    let expected = expected(args)?;
    if let Some(missing) = args.inputs.iter().find(|path| is_missing(path)) {
        return Err(Failure::Usage(format!(
            "{missing:?}: there is no such file or folder"
        )));
    }
    let output = args.output.as_ref().map(PendingFile::create).transpose();
    let output = output.map_err(Failure::usage)?;
    let today = || Timestamp::now().to_zoned(TimeZone::UTC).date();
    let today = args.as_of.unwrap_or_else(today);
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
    let written = match output {
        Some(file) => match file.save(|out| write(&report, args.format, Style::Plain, out)) {
            Err(error) if !error.is_closed() => Err(Failure::usage(error)),
            _ => Ok(()),
        },
        None => match write(&report, args.format, style(), &mut io::stdout().lock()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::Usage(format!("standard output: {error}")))
            }
            _ => Ok(()),
        },
    };
    written.map(|()| match report.verdict.result {
        Outcome::Pass => Exit::Good,
        Outcome::Fail => Exit::Latency,
        Outcome::Inconclusive => Exit::NoVerdict,
    })
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
    format: FleetFormatArg,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        FleetFormatArg::Text => out.write_all(text::render(report, style).as_bytes())?,
        FleetFormatArg::Json => json::write(report, &mut *out)?,
    }
    out.flush()
}

fn style() -> Style {
    let target = match io::stdout().is_terminal() {
        true => Target::Terminal,
        false => Target::Other,
    };
    let variable = |name| std::env::var_os(name);
    Style::decide(
        target,
        variable("NO_COLOR").as_deref(),
        variable("TERM").as_deref(),
    )
}
