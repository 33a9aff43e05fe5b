//! `hwgap completions`.

use std::io;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};

use super::{Exit, Failure};

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hwgap", &mut script);
    match io::Write::write_all(&mut io::stdout(), &script) {
        Ok(()) => Ok(Exit::Good),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Good),
        Err(error) => Err(Failure::usage(format!("standard output: {error}"))),
    }
}
