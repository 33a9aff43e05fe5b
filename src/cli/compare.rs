//! Options of `hwgap compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::look::LookArgs;
use super::values::{level, margin};

/// Options of `hwgap compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Reports of the runs before the change
    #[arg(long, value_name = "FILE", num_args = 1.., required = true, value_hint = ValueHint::FilePath)]
    pub before: Vec<PathBuf>,

    /// Reports of the runs after the change
    #[arg(long, value_name = "FILE", num_args = 1.., required = true, value_hint = ValueHint::FilePath)]
    pub after: Vec<PathBuf>,

    /// What to write
    #[arg(long, value_enum, default_value_t = CompareFormatArg::Text)]
    pub format: CompareFormatArg,

    /// How the text looks.
    #[command(flatten)]
    pub look: LookArgs,

    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Level of all intervals, 0.5 to 0.9999; the rest is the risk of a false
    /// finding
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = level)]
    pub level: f64,

    /// The factor between rates from which on a difference matters
    #[arg(long, value_name = "FACTOR", default_value = "2", value_parser = margin)]
    pub margin: f64,

    /// Leave out host names, serial numbers, labels and file names
    #[arg(long)]
    pub redact: bool,
}

/// Formats of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormatArg {
    /// A summary for people
    Text,
    /// All figures, for programs
    Json,
    /// For a ticket or a note
    Markdown,
    /// A web page in one file
    Html,
}
