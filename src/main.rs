//! The program: what was typed, what follows from it, how it ended.

use std::process::ExitCode;

use clap::Parser;

use hwgap::cli::Cli;
use hwgap::commands::carry_out;

fn main() -> ExitCode {
    match carry_out(Cli::parse().command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("hwgap: {failure}");
            failure.exit().into()
        }
    }
}
