//! Options of `hwgap explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::look::LookArgs;

/// Options of `hwgap explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The report of the run in the guest
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub guest: PathBuf,

    /// The report of hwgap-host(1) of the same time; again for each further host
    /// that the guest ran on
    #[arg(long, value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub host: Vec<PathBuf>,

    /// Which guest of the host it is [default: the one that fits]
    #[arg(long = "guest", value_name = "NAME|PID")]
    pub name: Option<String>,

    /// The guest's TSC less the host's at the begin of the guest's run [default:
    /// as KVM tells, else as the data show]
    #[arg(long, value_name = "CYCLES", allow_negative_numbers = true)]
    pub offset: Option<i64>,

    /// What to write
    #[arg(long, value_enum, default_value_t = ExplainFormatArg::Text)]
    pub format: ExplainFormatArg,

    /// Leave out the names of hosts, guests and tasks, serial numbers and addresses; the
    /// same name gets the same word in its place
    #[arg(long)]
    pub redact: bool,

    /// How the text looks.
    #[command(flatten)]
    pub look: LookArgs,

    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// Formats of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormatArg {
    /// A summary for people
    Text,
    /// Everything, for programs
    Json,
    /// The gaps, a row each
    Csv,
    /// For a ticket or a note
    Markdown,
    /// A web page in one file, with both time lines
    Html,
    /// JUnit XML: the verdict and each finding a test case
    Junit,
    /// OpenMetrics text, for node_exporter's textfile collector
    Openmetrics,
}
