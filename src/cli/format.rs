//! What several commands can print.

use clap::ValueEnum;

/// Formats of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// A summary for people
    Text,
    /// The report
    Json,
}
