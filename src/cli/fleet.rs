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

/// Options of the hidden `hwgap fleet-generate`.
#[derive(Debug, Args)]
pub struct FleetGenerateArgs {
    /// Where to write the reports; - writes a report a line
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,

    /// How many hosts
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub hosts: usize,

    /// The same seed gives the same fleet
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// What is wrong with it
    #[arg(long, value_enum, value_name = "FAULT", value_delimiter = ',')]
    pub plant: Vec<FaultArg>,
}

/// Faults that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FaultArg {
    /// One BIOS of twenty takes 180 us and more at a time
    BadBios,
    /// One host of 100 has three times as many SMIs as its like
    HotHosts,
    /// One model has an SMI every 64 s
    Series,
}
