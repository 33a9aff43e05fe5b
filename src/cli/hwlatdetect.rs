//! Options of `hwgap hwlatdetect`: those of hwlatdetect, and a few of our own
//! whose names begin like none of them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::host::root::Root;
use crate::units::Nanos;

use super::duration::{Quantity, parse_duration};
use super::run::EngineArg;

/// Options of `hwgap hwlatdetect`.
///
/// An empty value (`--threshold=`) is no value, as it is to hwlatdetect: scripts
/// pass variables that may be unset.
#[derive(Debug, Args)]
pub struct HwlatdetectArgs {
    /// How long to test: 60, 10m, 0.5h, 1m30s; a bare number is seconds
    /// [default: 120s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Optional<Nanos>>,

    /// Record latencies above this, in whole microseconds: 20, 10us, 1ms
    /// [default: 10us]
    #[arg(long, value_name = "TIME", value_parser = microseconds)]
    pub threshold: Option<Optional<Nanos>>,

    /// Exit with status 1 on a latency above this [default: the threshold]
    #[arg(long, value_name = "TIME", value_parser = microseconds)]
    pub hardlimit: Option<Optional<Nanos>>,

    /// Length of a window; below the width, the width becomes half of it
    /// [default: 1000000us]
    #[arg(long, value_name = "TIME", value_parser = microseconds)]
    pub window: Option<Optional<Nanos>>,

    /// The least to sample of each window; above the window, the window becomes
    /// twice as long [default: 500000us]
    #[arg(long, value_name = "TIME", value_parser = microseconds)]
    pub width: Option<Optional<Nanos>>,

    /// Write the samples to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<OsString>,

    /// CPUs to sample, all of them all the time: 1-3,5 [default: the isolated
    /// ones, else all but one]
    #[arg(long, value_name = "LIST")]
    pub cpu_list: Option<String>,

    /// Say on standard output what is set and found
    #[arg(long)]
    pub debug: bool,

    /// Print samples, SMI counts and errors only; wins over --debug
    #[arg(long)]
    pub quiet: bool,

    /// Print samples as they come, and not once more at the end
    #[arg(long)]
    pub watch: bool,

    /// Sample the width of each window and no more, as hwlatdetect does
    #[arg(long)]
    pub only_width: bool,

    /// The hwlatdetect whose output is written
    #[arg(long, value_enum, value_name = "VERSION", default_value_t = FormatVersionArg::V2_10)]
    #[arg(env = "HWLATDETECT_FORMAT_VERSION")]
    pub format_version: FormatVersionArg,

    /// What samples
    #[arg(long, value_enum, default_value_t = EngineArg::Auto)]
    pub engine: EngineArg,

    /// Write hwgap's own report too, as JSON: cause and evidence of each gap
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,

    /// As of `hwgap run`: a test of the program
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub host_root: Root,
}

/// The releases of rt-tests at which the output changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatVersionArg {
    /// Samples without a CPU
    #[value(name = "2.4")]
    V2_4,
    /// Samples with their CPU
    #[value(name = "2.6")]
    V2_6,
    /// Samples with CPU and count, and the mean time between them
    #[value(name = "2.10")]
    V2_10,
}

/// A value that may be left empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Optional<T>(pub Option<T>);

fn duration(text: &str) -> Result<Optional<Nanos>, String> {
    time(text, Quantity::Duration)
}

fn microseconds(text: &str) -> Result<Optional<Nanos>, String> {
    let length = time(text, Quantity::Threshold)?;
    match length.0 {
        Some(Nanos(part)) if part % Nanos::MICROSECOND.0 != 0 => Err(String::from(
            "hwlatdetect counts in whole microseconds; `hwgap run` measures finer",
        )),
        _ => Ok(length),
    }
}

fn time(text: &str, quantity: Quantity) -> Result<Optional<Nanos>, String> {
    if text.is_empty() {
        return Ok(Optional(None));
    }
    let length = parse_duration(text, quantity);
    length
        .map(|length| Optional(Some(length)))
        .map_err(|error| error.to_string())
}
