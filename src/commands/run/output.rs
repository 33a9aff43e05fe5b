//! Where the results of a run go: files that were opened before it began, and
//! standard output.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::files::OutputError;
use crate::files::output::PendingFile;
use crate::files::patient::Patient;
use crate::model::{Gap, LazyGaps, Report};
use crate::plan::{Outputs, Printed};
use crate::read::hash;
use crate::render::{Changes, Origin, csv, html, terminal as text};
use crate::text::json;
use crate::waits;

/// The outputs of a run, open.
pub(in crate::commands) struct Sinks {
    json: Option<PendingFile>,
    csv: Option<PendingFile>,
    html: Option<PendingFile>,
    stdout: Printed,
}

/// What went wrong with one or more outputs. The others were written.
#[derive(Debug)]
pub(in crate::commands) struct Unwritten(Vec<String>);

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Sinks {
    pub(in crate::commands) fn open(outputs: &Outputs) -> Result<Sinks, OutputError> {
        let open = |path: &Option<std::path::PathBuf>| {
            let opened = path.as_ref().map(PendingFile::create).transpose();
            opened.map(|file| file.map(|file| file.patient(waits::STDOUT_ALONE)))
        };
        Ok(Sinks {
            json: open(&outputs.json)?,
            csv: open(&outputs.csv)?,
            html: open(&outputs.html)?,
            stdout: outputs.stdout,
        })
    }

    /// Whether the JSON report is a file that can be saved again and again.
    pub(super) fn json_is_replaced(&self) -> bool {
        self.json.as_ref().is_some_and(PendingFile::is_replaced)
    }

    /// Writes all outputs. A file that fails does not keep the summary from
    /// the terminal, nor one file the other.
    pub(in crate::commands) fn write<F, I>(
        self,
        report: &Report<LazyGaps<F>>,
    ) -> Result<(), Unwritten>
    where
        F: Fn() -> I,
        I: Iterator<Item = Gap>,
        Report<LazyGaps<F>>: Serialize,
    {
        // Files first: a terminal that takes nothing keeps no report from the
        // disk.
        let saves = self.json.is_some() || self.csv.is_some() || self.html.is_some();
        let json = self
            .json
            .map(|file| file.save(|out| json::write(report, out)));
        let csv = self
            .csv
            .map(|file| file.save(|out| csv::write(report.gaps.iter(), report.run.engine, out)));
        let html = self.html.map(|file| file.save(|out| page(report, out)));
        let mut failures = Vec::new();
        let patience = match saves {
            true => waits::STDOUT,
            false => waits::STDOUT_ALONE,
        };
        if let Err(error) = print(self.stdout, report, patience)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            failures.push(format!("standard output: {error}"));
        }
        for result in [json, csv, html].into_iter().flatten() {
            match result {
                Err(error) if !error.is_closed() => failures.push(error.to_string()),
                _ => {}
            }
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(Unwritten(failures))
        }
    }
}

/// The web page, with the hash of the JSON report whether that is written or
/// not.
fn page<F, I>(report: &Report<LazyGaps<F>>, out: &mut dyn Write) -> io::Result<()>
where
    F: Fn() -> I,
    I: Iterator<Item = Gap>,
{
    let origin = Origin {
        sha256: hash::of_report(report)?,
        changes: Changes::None,
    };
    html::write(&report.without_gaps(), report.gaps.iter(), &origin, out)
}

fn print<F, I>(printed: Printed, report: &Report<LazyGaps<F>>, patience: Duration) -> io::Result<()>
where
    F: Fn() -> I,
    I: Iterator<Item = Gap>,
{
    if matches!(printed, Printed::Nothing) {
        return Ok(());
    }
    let stdout = Patient::stdout(patience)?;
    match printed {
        Printed::Nothing => Ok(()),
        Printed::Json => json::write(report, stdout),
        Printed::Text(look) => {
            let (style, extent) = (look.on_stdout(), look.extent);
            text::write(
                &report.without_gaps(),
                report.gaps.iter(),
                style,
                extent,
                stdout,
            )
        }
    }
}
