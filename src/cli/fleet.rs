//! Options of `hwgap fleet`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use jiff::civil::Date;

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

    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

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
}
