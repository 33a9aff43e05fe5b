//! Options of `hwgap host`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::units::Nanos;

use super::look::LookArgs;
use super::values::{duration, threshold};

/// Options of `hwgap host`.
#[derive(Debug, Args)]
pub struct HostArgs {
    /// The guest: the process of its VMM, or its name; or all
    #[arg(short, long, value_name = "PID|NAME|all", default_value = "all")]
    pub guest: String,

    /// How long to watch: 10s, 0.5h, 1m30s; a bare number is seconds
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub duration: Nanos,

    /// Record absences longer than this: 10us, 500ns; a bare number is
    /// microseconds
    #[arg(short, long, value_name = "TIME", default_value = "5us", value_parser = threshold)]
    pub threshold: Nanos,

    /// Save the report to this file, as JSON unless --format says otherwise; -
    /// is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// What to print, or with --output what to save [default: text, and JSON in
    /// a file]
    #[arg(long, value_enum)]
    pub format: Option<HostFormatArg>,

    /// How the text looks.
    #[command(flatten)]
    pub look: LookArgs,

    /// Print nothing on standard output, and no progress
    #[arg(short, long)]
    pub quiet: bool,

    /// Where the records come from
    #[arg(long, value_enum, default_value_t = SourceArg::Auto)]
    pub source: SourceArg,
}

/// Formats of a host's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HostFormatArg {
    /// A summary for people
    Text,
    /// The report
    Json,
    /// The absences, a row each
    Csv,
    /// For a ticket or a note
    Markdown,
    /// A web page in one file
    Html,
    /// OpenMetrics text, for node_exporter's textfile collector
    Openmetrics,
}

/// Where records can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceArg {
    /// BPF programs, else tracepoints
    Auto,
    /// Tracepoints, every record of them
    Tracepoints,
}
