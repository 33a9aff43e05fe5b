//! Reports as lines that a database reads: for fleets that do not fit into
//! memory, and for questions of one's own.
//!
//! Nothing is kept: each report becomes lines of a few tables as it is read.
//! Lines of all tables have `run`, which is the same for lines of one run.

mod lines;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::files::output::PendingFile;
use crate::model::Outcome;
use crate::policy::Policy;
use crate::read::brief::Brief;
use crate::read::hash::Sha256Sum;

use super::read::{self, Input, Lot};
use lines::{DEFINITIONS, Lines, TABLES, lines, set_aside};

#[derive(Clone, Copy, Debug, Default)]
pub struct Exported {
    pub pass: u64,
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

struct Files(Vec<BufWriter<PendingFile>>);

impl Files {
    fn create(folder: &Path) -> io::Result<Files> {
        std::fs::create_dir_all(folder)?;
        let open = |name: String| PendingFile::create(folder.join(name)).map_err(io::Error::other);
        let definitions = open(String::from("tables.sql"))?;
        (definitions.save(|out| out.write_all(DEFINITIONS.as_bytes())))
            .map_err(io::Error::other)?;
        let tables = TABLES.into_iter();
        tables
            .map(|name| open(format!("{name}.jsonl")).map(BufWriter::new))
            .collect::<io::Result<_>>()
            .map(Files)
    }

    fn write(&mut self, lines: &Lines) -> io::Result<()> {
        let mut pairs = self.0.iter_mut().zip(lines);
        pairs.try_for_each(|(file, lines)| file.write_all(lines))
    }

    /// Puts all tables in the places of those before.
    fn finish(self) -> io::Result<()> {
        let mut files = self.0.into_iter();
        files.try_for_each(|file| {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.commit().map_err(io::Error::other)
        })
    }
}
