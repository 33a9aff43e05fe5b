//! The program: what was typed, what follows from it, how it ended.

use std::process::ExitCode;

use clap::Parser;

use hwgap::cli::{Cli, arguments};
use hwgap::commands::carry_out;
use hwgap::files::patient::tell;
use hwgap::sys::signals::block_file_size;

fn main() -> ExitCode {
    block_file_size();
    let command = Cli::parse_from(arguments(std::env::args_os())).command;
    let name = command.program();
    match carry_out(command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell(&format!("{name}: {failure}\n"));
            failure.exit().into()
        }
    }
}
