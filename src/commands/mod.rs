//! One file a command: what `main` calls.

mod compare;
mod completions;
mod explain;
mod fleet;
mod guardian;
mod host;
mod hwlatdetect;
mod launch;
mod man;
mod preflight;
mod report;
mod restore;
mod run;
mod schema;
mod selftest;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::Command;
use crate::files::output::PendingFile;
use crate::model::Outcome;
use crate::privileges::{Task, keep_for};
use crate::render::markdown::Limit;
use crate::render::style::Style;
use crate::text::look::{Extent, Look};

/// How a command ended. The numbers are a contract with other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Measured, nothing of the platform above the limit; or done.
    Good,
    /// Measured, platform latency above the limit.
    Latency,
    /// Wrong usage, or a file that cannot be read or written.
    Usage,
    /// Could not measure, or the evidence does not allow a verdict.
    NoVerdict,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Good => 0,
            Exit::Latency => 1,
            Exit::Usage => 2,
            Exit::NoVerdict => 3,
        })
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Exit {
        match outcome {
            Outcome::Pass => Exit::Good,
            Outcome::Fail => Exit::Latency,
            Outcome::Inconclusive => Exit::NoVerdict,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The user can mend it: exit status 2.
    #[error("{0}")]
    Usage(String),
    /// The machine does not allow it: exit status 3.
    #[error("{0}")]
    NoVerdict(String),
}

impl Failure {
    fn usage(error: impl std::fmt::Display) -> Failure {
        Failure::Usage(error.to_string())
    }

    pub fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::NoVerdict(_) => Exit::NoVerdict,
        }
    }
}

/// Carries a command out.
///
/// # Errors
/// Where it could not do its work.
pub fn carry_out(command: Command) -> Result<Exit, Failure> {
    if let Some(task) = task(&command) {
        keep_for(task);
    }
    match command {
        Command::Run(args) => run::run(&args),
        Command::Preflight(args) => preflight::preflight(&args),
        Command::Report(args) => report::report(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Hwlatdetect(args) => hwlatdetect::hwlatdetect(&args),
        Command::Fleet(args) => fleet::fleet(&args),
        Command::Host(args) => host::host(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Selftest(args) => selftest::selftest(&args),
        Command::Restore(args) => restore::restore(&args),
        Command::Man(args) => man::man(&args),
        Command::Guardian(args) => guardian::guardian(&args),
        Command::Launch(args) => launch::launch(&args),
    }
}

/// In which form an answer is written.
struct Form<F> {
    format: F,
    /// Of a text.
    extent: Extent,
    /// Of Markdown.
    limit: Limit,
}

/// Writes on standard output.
fn print(text: &[u8]) -> Result<Exit, Failure> {
    printed(io::stdout().write_all(text)).map(|()| Exit::Good)
}

/// What came of writing on standard output, whose reader may have seen enough.
fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Usage(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// The command line, argument by argument, as reports have it.
fn command_line() -> String {
    let arguments = std::env::args_os();
    let arguments: Vec<String> = arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    arguments.join(" ")
}

/// Writes an answer to its file, or to standard output.
fn deliver(
    output: Option<PendingFile>,
    look: Look,
    write: impl FnOnce(Style, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let Some(file) = output else {
        return printed(write(look.on_stdout(), &mut io::stdout().lock()));
    };
    match file.save(|out| write(look.in_file(), out)) {
        Err(error) if !error.is_closed() => Err(Failure::usage(error)),
        _ => Ok(()),
    }
}

/// What commands that measure nothing do; they give the rest of their rights up
/// before they look at anything that somebody else may have made.
fn task(command: &Command) -> Option<Task> {
    match command {
        Command::Run(_)
        | Command::Preflight(_)
        | Command::Host(_)
        | Command::Hwlatdetect(_)
        | Command::Launch(_)
        | Command::Selftest(_) => None,
        Command::Restore(_) | Command::Guardian(_) => Some(Task::PutBack),
        Command::Report(_)
        | Command::Compare(_)
        | Command::Fleet(_)
        | Command::Explain(_)
        | Command::Completions(_)
        | Command::Schema(_)
        | Command::Man(_) => Some(Task::Files),
    }
}
