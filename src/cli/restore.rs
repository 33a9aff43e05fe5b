//! Options of `hwgap restore`, and of the guardian that does the same.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::host::root::Root;

/// Options of `hwgap restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Show what would be put back, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Also overwrite values that somebody else has set since
    #[arg(long, conflicts_with = "keep")]
    pub force: bool,

    /// Leave values that somebody else has set since as they are, for good
    #[arg(long)]
    pub keep: bool,

    /// Where the run kept its journal [default: /var/lib/hwgap for root, else
    /// below the user's state folder]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub journal: Option<PathBuf>,

    /// Take this folder for /: a test of the program
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub host_root: Root,
}

/// Options of the hidden `hwgap guardian`.
#[derive(Debug, Args)]
pub struct GuardianArgs {
    /// Where the run keeps its journal
    #[arg(long, value_name = "DIR")]
    pub journal: PathBuf,

    /// Which run it is
    #[arg(long, value_name = "TEXT")]
    pub run: String,

    /// Take this folder for /
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub host_root: Root,
}
