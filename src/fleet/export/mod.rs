//! Reports as lines that a database reads: for fleets that do not fit into
//! memory, and for questions of one's own.
//!
//! Nothing is kept: each report becomes lines of a few tables as it is read.
//! Lines of all tables have `run`, which is the same for lines of one run.

mod lines;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::policy::Policy;
use crate::report::brief::Brief;
use crate::report::hash::Sha256Sum;
use crate::report::model::Outcome;

use super::read::{self, Input, Lot};
use lines::{DEFINITIONS, Lines, TABLES, lines, set_aside};

/// How many of what was exported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exported {
    /// Runs that pass.
    pub pass: u64,
    /// Runs that fail.
    pub fail: u64,
    /// Runs that do neither.
    pub inconclusive: u64,
    /// Documents that could not be used.
    pub set_aside: u64,
}

/// Reads, judges and writes. `tick` is called once a document.
///
/// # Errors
/// Where a file of `folder` cannot be written.
pub fn export(
    paths: &[PathBuf],
    policy: &Policy,
    today: Date,
    folder: &Path,
    mut tick: impl FnMut(),
) -> io::Result<Exported> {
    let mut files = Files::create(folder)?;
    let mut exported = Exported::default();
    let mut failed: io::Result<()> = Ok(());
    let digest = |source: String, brief: &Brief<'_>, sha256: Sha256Sum| {
        let judgement = policy.judge(brief, today);
        lines(
            &source,
            brief,
            sha256,
            judgement.outcome,
            &judgement.reasons,
        )
        .map(|lines| (judgement.outcome, lines))
    };
    read::read(
        paths,
        || digest,
        |Lot { inputs, .. }| {
            for input in inputs {
                tick();
                let written = match input {
                    Input::Report(Ok((outcome, lines))) => {
                        exported.count(outcome);
                        files.write(&lines)
                    }
                    Input::Report(Err(error)) => Err(error.into()),
                    Input::SetAside(aside) => {
                        exported.set_aside += 1;
                        set_aside(&aside).and_then(|lines| files.write(&lines))
                    }
                    Input::PassedOver => Ok(()),
                };
                if failed.is_ok() {
                    failed = written;
                }
            }
        },
    );
    failed?;
    files.finish()?;
    Ok(exported)
}

impl Exported {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Pass => self.pass += 1,
            Outcome::Fail => self.fail += 1,
            Outcome::Inconclusive => self.inconclusive += 1,
        }
    }
}

struct Files(Vec<BufWriter<File>>);

impl Files {
    fn create(folder: &Path) -> io::Result<Files> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("tables.sql"), DEFINITIONS)?;
        let file = |name| File::create(folder.join(format!("{name}.jsonl"))).map(BufWriter::new);
        TABLES
            .into_iter()
            .map(file)
            .collect::<io::Result<_>>()
            .map(Files)
    }

    fn write(&mut self, lines: &Lines) -> io::Result<()> {
        let mut pairs = self.0.iter_mut().zip(lines);
        pairs.try_for_each(|(file, lines)| file.write_all(lines))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.iter_mut().try_for_each(BufWriter::flush)
    }
}
