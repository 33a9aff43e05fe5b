//! Options of `hwgap preflight`.

use clap::{Args, ValueEnum};

use crate::host::root::Root;

use super::format::FormatArg;
use super::look::LookArgs;

/// Options of `hwgap preflight`.
#[derive(Debug, Args)]
pub struct PreflightArgs {
    /// CPUs that a run would sample: a list such as 1-3,5, or all, or isolated
    /// [default: the isolated ones, else all but one]
    #[arg(short, long, value_name = "LIST")]
    pub cpus: Option<String>,

    /// What the exit status 0 takes
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = RequireArg::Ready)]
    pub require: RequireArg,

    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub format: FormatArg,

    /// How the text looks.
    #[command(flatten)]
    pub look: LookArgs,

    /// Real-time priority of the samplers, 1 to 98 [default: 49, below the
    /// kernel's interrupt threads]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=98))]
    pub priority: Option<u8>,

    /// Read the machine's files below this folder and try nothing: a test of
    /// the program
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub host_root: Root,
}

/// How good a host must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RequireArg {
    /// Nothing known would disturb a measurement
    Ready,
    /// A measurement is possible, disturbed or not
    Usable,
}
