//! Options of `hwgap fleet`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use jiff::civil::Date;

use super::look::LookArgs;

/// Options of `hwgap fleet`.
#[derive(Debug, Args)]
pub struct FleetArgs {
    /// Reports, folders or archives of reports; - is standard input
    #[arg(value_name = "FILE-OR-FOLDER", required = true, value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,

    /// The policy (TOML) [default: the runs' own verdicts]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub policy: Option<PathBuf>,

    /// Hosts that should be there, a name each line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub expect: Option<PathBuf>,

    /// What to write
    #[arg(long, value_enum, default_value_t = FleetFormatArg::Text)]
    pub format: FleetFormatArg,

    /// How the text looks.
    #[command(flatten)]
    pub look: LookArgs,

    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Write tables for a database (JSON Lines) into this folder, in place of an
    /// answer; needs no memory for the fleet
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath,
        conflicts_with_all = ["output", "format", "expect"])]
    pub export: Option<PathBuf>,

    /// The day for which waivers hold, as 2027-03-31 [default: today, UTC]
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<Date>,

    /// No progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// Formats of a fleet's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FleetFormatArg {
    /// A summary for people
    Text,
    /// Everything, for programs
    Json,
    /// The hosts, a row each
    Csv,
    /// A web page in one file
    Html,
    /// JUnit XML: each host a test case
    Junit,
    /// OpenMetrics text, for node_exporter's textfile collector
    Openmetrics,
}
