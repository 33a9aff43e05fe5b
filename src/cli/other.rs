//! Options of the commands that only write what the program knows of itself.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Options of `hwgap completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Options of the hidden `hwgap man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where to write the pages
    #[arg(value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}
