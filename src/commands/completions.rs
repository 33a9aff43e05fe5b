//! `hwgap completions`.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};

use super::{Exit, Failure, print};

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hwgap", &mut script);
    print(&script)
}
