//! Options of the commands that only write what the program knows of itself.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Options of `hwgap completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Options of `hwgap schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The document
    #[arg(value_enum, value_name = "NAME")]
    pub document: DocumentArg,
}

/// Documents that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocumentArg {
    /// The report of a run
    Report,
    /// The JSON of hwgap-compare(1)
    Compare,
    /// The JSON of hwgap-fleet(1)
    Fleet,
    /// The JSON of hwgap-preflight(1)
    Preflight,
    /// A line of hwgap-run(1) --live-json
    Live,
    /// The report of hwgap-host(1)
    Host,
    /// The JSON of hwgap-explain(1)
    Explain,
}

/// Options of the hidden `hwgap man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where to write the pages
    #[arg(value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}

/// Options of the hidden `hwgap launch`.
#[derive(Debug, Args)]
pub struct LaunchArgs {
    /// The run that starts the program
    #[arg(long, value_name = "PID", required_unless_present = "watch")]
    pub parent: Option<u32>,
    /// CPUs on which the program may run
    #[arg(long, value_name = "LIST", default_value = "")]
    pub cpus: String,
    /// Give up what rights this process has
    #[arg(long)]
    pub drop_rights: bool,
    /// Wait for the end of standard input instead, and end the process group
    /// that its last line names
    #[arg(long)]
    pub watch: bool,
    /// The program with its arguments
    #[arg(last = true, required_unless_present = "watch")]
    pub command: Vec<OsString>,
}
