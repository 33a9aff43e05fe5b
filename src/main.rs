//! The program: what was typed, what follows from it, how it ended.

use std::process::ExitCode;

use clap::Parser;

use hwgap::cli::{Cli, arguments};
use hwgap::commands::carry_out;
use hwgap::report::adopt_locale;

fn main() -> ExitCode {
    adopt_locale();
    let command = Cli::parse_from(arguments(std::env::args_os())).command;
    let name = command.program();
    match carry_out(command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{name}: {failure}");
            failure.exit().into()
        }
    }
}
